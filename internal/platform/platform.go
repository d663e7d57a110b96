// Package platform asks dbt platform (dbt Cloud) for a run and for what its
// steps wrote, through version 2 of its Admin API. It only reads: it starts,
// retries and cancels nothing. What the files mean is for dbt and gate to say.
//
// The API is described at https://docs.getdbt.com/dbt-cloud/api-v2.
package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"exposync/internal/rest"
)

const (
	// pageSize is how many runs are asked for at once; the API gives up to 100.
	pageSize = 50
	// maxPages bounds the search for a run that ended.
	maxPages = 20
	// maxRetries bounds how far back a run goes that others failed before.
	maxRetries = 10
	// maxAnswer is what a run with the logs of its steps may hold.
	maxAnswer = 64 << 20
	// fileTime is how long one artifact may take: a large manifest over a slow
	// line.
	fileTime = 20 * time.Minute
)

// Config is where the account is and who asks.
type Config struct {
	Base    string // https://host
	Account int64
	Token   string
	Where   string // file:line of these settings, for faults
	Rest    rest.Config
}

// Client asks one account.
type Client struct {
	cfg     Config
	answers *rest.Client
	files   *rest.Client
}

// New gives a client. It asks nothing yet.
func New(cfg Config) *Client {
	answers, files := cfg.Rest, cfg.Rest
	answers.MaxReply, files.Timeout = maxAnswer, fileTime
	return &Client{cfg: cfg, answers: rest.New(answers), files: rest.New(files)}
}

// Close drops idle connections.
func (c *Client) Close() {
	c.answers.Close()
	c.files.Close()
}

// Run gives a run with its steps. Faults: dbt_cloud_run_missing, and those of
// every request: dbt_cloud_auth, dbt_cloud_denied, dbt_cloud_reply, http_… and
// rate_limited.
func (c *Client) Run(ctx context.Context, id int64) (*Run, error) {
	var doc struct{ Data wireRun }
	query := url.Values{"include_related": {`["run_steps","job","trigger","environment"]`}}
	err := c.get(ctx, fmt.Sprintf("runs/%d/", id), query, &doc)
	switch {
	case err == errMissing: //nolint:errorlint // get gives the sentinel itself
		return nil, c.fault("dbt_cloud_run_missing", "there is no run %d in account %d, or the token may not see it", id, c.cfg.Account)
	case err != nil:
		return nil, err
	case doc.Data.ID != id:
		return nil, c.fault("dbt_cloud_reply", "what came for run %d is no run", id)
	}
	return doc.Data.run(), nil
}

// Latest gives the run of a job that ended last, whatever its status: a run
// that failed speaks for what it built and for what it did not. Runs that were
// cancelled before they began are passed over, since they say nothing. Faults:
// dbt_cloud_no_run, and those of every request.
func (c *Client) Latest(ctx context.Context, job int64) (*Run, error) {
	seen := 0
	for range maxPages {
		// Runs that go on have no time yet, and may stand before all others.
		query := url.Values{
			"job_definition_id": {number(job)}, "order_by": {"-finished_at"}, "limit": {number(pageSize)}, "offset": {strconv.Itoa(seen)},
		}
		var doc struct {
			Data  []wireRun
			Extra struct {
				Pagination struct {
					Total *int `json:"total_count"`
				}
			}
		}
		if err := c.get(ctx, "runs/", query, &doc); err != nil {
			return nil, c.listed(err, job)
		}
		if newest := newestEnded(doc.Data); newest != nil {
			return c.Run(ctx, newest.ID)
		}
		seen += len(doc.Data)
		if total := doc.Extra.Pagination.Total; len(doc.Data) == 0 || total != nil && seen >= *total {
			return nil, c.noRun(job, seen)
		}
	}
	return nil, c.noRun(job, seen)
}

// Retried gives the runs that a run goes on with after they failed, oldest
// first: they built what it did not have to build again. Faults: those of Run.
func (c *Client) Retried(ctx context.Context, r *Run) ([]*Run, error) {
	var out []*Run
	known := []int64{0, r.ID}
	for before := r.Retries; !slices.Contains(known, before) && len(out) < maxRetries; before = out[0].Retries {
		known = append(known, before)
		earlier, err := c.Run(ctx, before)
		if err != nil {
			return nil, err
		}
		out = append([]*Run{earlier}, out...)
	}
	return out, nil
}

func (c *Client) listed(err error, job int64) error {
	if err == errMissing { //nolint:errorlint // get gives the sentinel itself
		return c.fault("dbt_cloud_no_run", "there is no account %d, or the token may not see its runs (job %d)", c.cfg.Account, job)
	}
	return err
}

func (c *Client) noRun(job int64, seen int) error {
	if seen == 0 {
		return c.fault("dbt_cloud_no_run", "there is no run of job %d, or the token may not see it", job)
	}
	return c.fault("dbt_cloud_no_run", "none of the newest %d runs of job %d has ended", seen, job)
}

func newestEnded(runs []wireRun) *Run {
	var newest *Run
	for i := range runs {
		r := runs[i].run()
		if r.Ended() && r.began() && (newest == nil || r.Finished.After(newest.Finished)) {
			newest = r
		}
	}
	return newest
}

// get reads one answer of the API into doc; errMissing where there is none.
func (c *Client) get(ctx context.Context, path string, query url.Values, doc any) error {
	resp, err := c.answers.Do(ctx, c.request(path, query, "application/json"))
	if err != nil {
		return c.failed(err)
	}
	if err := c.refused(resp); err != nil && (err != errMissing || resp.JSON()) { //nolint:errorlint // refused gives the sentinel itself
		return err
	}
	if !resp.OK() || !resp.JSON() || json.Unmarshal(resp.Body, doc) != nil {
		return c.fault("dbt_cloud_reply", "%s answers something else than the API of dbt platform", resp.Host)
	}
	return nil
}

func (c *Client) request(path string, query url.Values, accept string) rest.Request {
	address := fmt.Sprintf("%s/api/v2/accounts/%d/%s", c.cfg.Base, c.cfg.Account, path)
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return rest.Request{
		Class: rest.Read, Method: http.MethodGet, URL: address,
		Header: http.Header{"Authorization": {"Bearer " + c.cfg.Token}, "Accept": {accept}},
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
