package hosted

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// Trigger starts a run.
func (c *census) Trigger(ctx context.Context, sync string, o TriggerOptions) (Run, error) {
	q := call{what: "start sync " + sync, path: "/syncs/" + part(sync) + "/trigger"}
	if o.FullResync {
		q.query = url.Values{"force_full_sync": {"true"}}
	}
	doc, err := c.trigger(ctx, q)
	if err != nil {
		return Run{}, err
	}
	data, f := c.data(q, doc)
	if f != nil {
		return Run{}, &TriggerError{Fate: f.fate, Err: f.fault}
	}
	id := runID(data.Get("sync_run_id"))
	if id == "" {
		return Run{}, c.noID(q, doc)
	}
	return Run{ID: id, State: Queued, URL: c.runPage(sync, id)}, nil
}

func (c *census) runPage(sync, run string) string {
	return c.page(sync) + "/history?sync_run_id=" + url.QueryEscape(run)
}

// Run gives a run.
func (c *census) Run(ctx context.Context, sync, run string) (Run, error) {
	q := call{what: "ask for run " + run + " of sync " + sync, path: "/sync_runs/" + part(run), gone: "hosted_run_gone"}
	doc, err := c.get(ctx, q)
	if err != nil {
		return Run{}, err
	}
	if text(doc.Get("id")) != run {
		return Run{}, c.unreadable(q, http.StatusOK, "with something that is not the run").fault
	}
	return c.run(sync, doc), nil
}

func (c *census) run(sync string, doc gjson.Result) Run {
	r := Run{
		ID: text(doc.Get("id")), Status: short(text(doc.Get("status"))), Created: moment(doc.Get("created_at")), Ended: moment(doc.Get("completed_at")),
	}
	r.URL = c.runPage(sync, r.ID)
	invalid := larger(count(doc.Get("records_invalid")), count(doc.Get("source_record_invalids")))
	r.Rows = Rows{
		Changed: count(doc.Get("source_record_updates")), Removed: count(doc.Get("source_record_deletes")),
		Total: count(doc.Get("source_record_count")), OK: count(doc.Get("records_updated")),
		Failed: sum(count(doc.Get("records_failed")), invalid),
	}
	r.State = c.state(words{
		"queued": Queued, "working": Running, "completed": Succeeded, "failed": Failed, "skipped": Skipped,
		"cancelled": Canceled, "canceled": Canceled,
	}, r.Status)
	if r.State.Ended() && r.State != Skipped && doc.Get("canceled").Bool() { // told beside completed, too
		r.State = Canceled
	}
	r.mind(doc.Get("records_failed"), doc.Get("records_invalid"), doc.Get("source_record_invalids"))
	if r.State != Succeeded {
		r.Error = c.runError(doc)
	}
	return r
}

// runError is the tool's reason. Its error_detail quotes values of records,
// so it is not shown.
func (c *census) runError(doc gjson.Result) string {
	code, message := text(doc.Get("error_code")), text(doc.Get("error_message"))
	if code != "" && message != "" {
		code += ": "
	}
	return c.show(code + message)
}

// Recent lists runs, newest first as the tool is asked to, until one is too
// old.
func (c *census) Recent(ctx context.Context, sync string, since time.Time) ([]Run, error) {
	q := call{what: "list the runs of sync " + sync, path: "/syncs/" + part(sync) + "/sync_runs"}
	var out []Run
	err := c.each(ctx, q, "desc", func(page []gjson.Result) bool {
		var runs []Run
		for _, doc := range page {
			runs = append(runs, c.run(sync, doc))
		}
		out = append(out, runs...)
		return !tooOld(runs, since)
	})
	if err != nil {
		return nil, err
	}
	return recent(out, since), nil
}

// List gives the syncs of the workspace.
func (c *census) List(ctx context.Context) ([]Sync, error) {
	var out []Sync
	err := c.each(ctx, call{what: "list the syncs", path: "/syncs"}, "asc", func(page []gjson.Result) bool {
		for _, doc := range page {
			out = append(out, c.sync(doc))
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return inOrder(out), nil
}

// each reads a list page by page, as long as see wants more.
func (c *census) each(ctx context.Context, q call, order string, see func([]gjson.Result) bool) error {
	for page := 1; page <= mostPages; page++ {
		q.query = url.Values{"page": {strconv.Itoa(page)}, "per_page": {"100"}, "order": {order}}
		doc, err := c.read(ctx, q)
		if err != nil {
			return err
		}
		list, f := c.data(q, doc)
		if f == nil && !list.IsArray() {
			f = c.unreadable(q, http.StatusOK, "without a list")
		}
		if f != nil {
			return f.fault
		}
		items := list.Array()
		if next := count(doc.Get("pagination.next_page")); !see(items) || len(items) == 0 || next == nil || *next <= int64(page) {
			return nil
		}
	}
	return c.endless(q)
}
