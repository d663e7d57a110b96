package facade

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// zenJob is a job: what it did is done when it is created, and what is shown
// of it advances as it is asked for, and with time.
type zenJob struct {
	ID      string      `json:"id"`
	Type    string      `json:"type"`
	Created time.Time   `json:"created"`
	Asked   int         `json:"asked"`
	Total   int         `json:"total"`
	Results []zenResult `json:"results"`
}

// zenResult is what a job says of one record.
type zenResult struct {
	ID         any     `json:"id,omitempty"`
	Index      int     `json:"index"`
	Action     string  `json:"action,omitempty"`
	Status     string  `json:"status"`
	Success    bool    `json:"success"`
	ExternalID *string `json:"external_id,omitempty"`
	Email      *string `json:"email,omitempty"`
	Error      string  `json:"error,omitempty"`
	Details    string  `json:"details,omitempty"`
}

const (
	zenJobs     = 30              // that may be open
	zenJobLasts = 3 * time.Second // until a job is complete by itself
	zenJobKept  = time.Hour
)

// many creates a job over a list of records.
func (z *zen) many(op string) func(http.ResponseWriter, *http.Request, zenKind) {
	return func(w http.ResponseWriter, r *http.Request, k zenKind) {
		raw, ok := zendeskBody(w, r, k.plural)
		if !ok {
			return
		}
		items, ok := zenItems(w, raw, k.plural)
		if !ok {
			return
		}
		title := strings.ToUpper(k.singular[:1]) + k.singular[1:]
		z.run(w, r, &zenWrite{z: z, k: k, call: CallOf(r), op: op}, "Bulk Create "+title, items)
	}
}

// customJob creates a job over records of a custom object.
func (z *zen) customJob(w http.ResponseWriter, r *http.Request, k zenKind) {
	raw, ok := zendeskBody(w, r, "job")
	if !ok {
		return
	}
	var job struct {
		Action string          `json:"action"`
		Items  json.RawMessage `json:"items"`
	}
	_ = json.Unmarshal(raw, &job) // what is missing is refused below
	op, by, _ := strings.Cut(job.Action, "_by_")
	if !slices.Contains([]string{"create", "update", "delete", "create_or_update_by_external_id", "create_or_update_by_name", "delete_by_external_id"}, job.Action) {
		zendeskTitled(w, http.StatusBadRequest, "Invalid attribute", "job.action is not one of the actions of jobs")
		return
	}
	items, ok := zenItems(w, job.Items, "items")
	if ok {
		z.run(w, r, &zenWrite{z: z, k: k, call: CallOf(r), op: op, by: by}, "Bulk "+job.Action+" Custom Object Record", items)
	}
}

// destroyMany creates a job that deletes.
func (z *zen) destroyMany(w http.ResponseWriter, r *http.Request, k zenKind) {
	ids, by := r.URL.Query().Get("ids"), ""
	if external := r.URL.Query().Get("external_ids"); external != "" {
		ids, by = external, "external_id"
	}
	var items []json.RawMessage
	for id := range strings.SplitSeq(ids, ",") {
		raw, err := json.Marshal(id)
		if err != nil || id == "" {
			zendeskTitled(w, http.StatusBadRequest, "Invalid attribute", "ids must be given")
			return
		}
		items = append(items, raw)
	}
	z.run(w, r, &zenWrite{z: z, k: k, call: CallOf(r), op: "delete", by: by}, "Bulk Delete", items)
}

// run does the work of a job and answers that it is queued.
func (z *zen) run(w http.ResponseWriter, r *http.Request, wr *zenWrite, title string, items []json.RawMessage) {
	job := &zenJob{ID: zenJobID(), Type: title, Created: z.s.Now(), Total: len(items)}
	if !z.admit(job) {
		w.Header().Set("Retry-After", "5")
		zendeskFail(w, &zenError{status: http.StatusTooManyRequests, Error: "TooManyJobs", Description: "Too many jobs are queued or running: the limit is 30. Wait until some of them are complete."})
		return
	}
	if wr.call.Duplicated() && len(items) > 1 {
		z.release(job.ID)
		zendeskTitled(w, http.StatusBadRequest, "Invalid attribute", "The same record is listed more than once")
		return
	}
	o, err := z.s.Object(wr.k.object)
	counts := map[string]int{}
	if err == nil {
		err = o.Update(func(tx *Tx) error {
			for i, item := range items {
				result, what, err := wr.result(tx, i, item)
				if err != nil {
					return err
				}
				counts[what]++
				job.Results = append(job.Results, result)
			}
			return nil
		})
	}
	if err == nil {
		err = z.s.Documents.Save("job-"+job.ID, job)
	}
	if err != nil {
		z.release(job.ID)
		zendeskRefuse(w, r, Down)
		return
	}
	for what, n := range counts {
		wr.call.Report(wr.op, what, n)
	}
	JSON(w, http.StatusOK, map[string]any{"job_status": z.shownJob(job)})
}

func zenJobID() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	return "V3-" + hex.EncodeToString(random)
}

// admit takes one of the places for open jobs; false if there is none.
func (z *zen) admit(job *zenJob) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	for id, created := range z.open {
		if job.Created.Sub(created) >= zenJobLasts {
			delete(z.open, id)
		}
	}
	if len(z.open) >= zenJobs {
		return false
	}
	z.open[job.ID] = job.Created
	return true
}

func (z *zen) release(id string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	delete(z.open, id)
}

// result carries out one item of a job and says what became of it. An error is
// of the whole job.
func (w *zenWrite) result(tx *Tx, i int, item json.RawMessage) (zenResult, string, error) {
	if w.op == "delete" {
		return w.remove(tx, i, item)
	}
	rec, action, what, err := w.write(tx, "", item)
	reason, refused := errors.AsType[*zenInvalid](err)
	title := strings.ToUpper(w.k.singular[:1]) + w.k.singular[1:]
	switch {
	case refused:
		code := map[string]string{"create": title + "CreateError", "update": title + "UpdateError"}[action]
		if w.k.key != "" {
			code = "RecordInvalid"
		}
		return zenResult{Index: i, Status: "Failed", Error: code, Details: reason.text}, "rejected", nil
	case err != nil:
		return zenResult{}, "", err
	}
	out := zenResult{ID: w.k.shownID(rec.ID), Index: i, Action: action, Status: map[string]string{"create": "Created", "update": "Updated"}[action], Success: true}
	if id := rec.Fields.Text("external_id"); id != "" {
		out.ExternalID = &id
	}
	if email := rec.Fields.Text("email"); email != "" {
		email = strings.ToLower(email)
		out.Email = &email
	}
	return out, what, nil
}

func (w *zenWrite) remove(tx *Tx, i int, item json.RawMessage) (zenResult, string, error) {
	id := Fields{"id": item}.Text("id")
	rec, there, err := tx.Get(id)
	if w.by != "" {
		rec, there, err = tx.Find(Property{Name: w.by}, id)
	}
	if err != nil {
		return zenResult{}, "", err
	}
	if !there {
		return zenResult{Index: i, Action: "delete", Status: "Failed", Error: "RecordNotFound", Details: "Record not found"}, "rejected", nil
	}
	_, err = tx.Delete(rec.ID)
	return zenResult{ID: w.k.shownID(rec.ID), Index: i, Action: "delete", Status: "Deleted", Success: true}, "deleted", err
}

func (z *zen) jobStatus(w http.ResponseWriter, r *http.Request) {
	z.s.Schema.Lock()
	defer z.s.Schema.Unlock()
	job := &zenJob{}
	there, err := z.s.Documents.Load("job-"+r.PathValue("id"), job)
	if err == nil && there && job.Asked < 2 {
		job.Asked++
		err = z.s.Documents.Save("job-"+job.ID, job)
	}
	if err != nil || !there || z.s.Now().Sub(job.Created) >= zenJobKept {
		z.missing(w, r, err)
		return
	}
	JSON(w, http.StatusOK, map[string]any{"job_status": z.shownJob(job)})
}

// shownJob is a job as answers have it: its results stand there once it is
// complete.
func (z *zen) shownJob(job *zenJob) map[string]any {
	out := map[string]any{
		"id": job.ID, "job_type": job.Type, "url": z.url("job_statuses/" + job.ID), "total": job.Total,
		"progress": nil, "status": "queued", "message": nil, "results": nil,
	}
	switch {
	case job.Asked >= 2, z.s.Now().Sub(job.Created) >= zenJobLasts:
		z.release(job.ID)
		out["progress"], out["status"], out["results"] = job.Total, "completed", job.Results
		out["message"] = "Completed at " + job.Created.Format(time.RFC1123)
	case job.Asked == 1:
		out["progress"], out["status"] = job.Total/2, "working"
	}
	return out
}
