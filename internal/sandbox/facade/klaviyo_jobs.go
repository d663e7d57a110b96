package facade

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// klaviyoJob is a bulk import: what it did is done when it is created, and
// what is shown of it advances as it is asked for, and with time.
type klaviyoJob struct {
	ID      string               `json:"id"`
	Lists   []string             `json:"lists"`
	Total   int                  `json:"total"`
	Created time.Time            `json:"created"`
	Asked   int                  `json:"asked"`
	Errors  []klaviyoImportError `json:"errors"`
}

type klaviyoImportError struct {
	Code    string          `json:"code"`
	Title   string          `json:"title"`
	Detail  string          `json:"detail"`
	Pointer string          `json:"pointer"`
	Payload json.RawMessage `json:"payload"`
}

// klaviyoBulk is the body that creates a job.
type klaviyoBulk struct {
	Data struct {
		Type       string `json:"type"`
		Attributes struct {
			Profiles struct {
				Data []klaviyoProfile `json:"data"`
			} `json:"profiles"`
		} `json:"attributes"`
		Relationships struct {
			Lists struct {
				Data []struct {
					Type string `json:"type"`
					ID   string `json:"id"`
				} `json:"data"`
			} `json:"lists"`
		} `json:"relationships"`
	} `json:"data"`
}

const (
	klaviyoMost  = 10_000
	klaviyoBytes = 5_000_000
	klaviyoLasts = 3 * time.Second // until a job is complete by itself
)

func (k *klav) importMany(w http.ResponseWriter, r *http.Request) {
	var body klaviyoBulk
	if !klaviyoBody(w, r, klaviyoBytes, &body) {
		return
	}
	rows, at := body.Data.Attributes.Profiles.Data, "/data/attributes/profiles/data"
	var bad *klaviyoError
	switch {
	case body.Data.Type != "profile-bulk-import-job":
		bad = klaviyoInvalid("/data/type", "'"+body.Data.Type+"' is not a valid resource type; it must be 'profile-bulk-import-job'.")
	case len(rows) == 0:
		bad = klaviyoInvalid(at, "At least one profile must be provided.")
	case len(rows) > klaviyoMost:
		bad = klaviyoInvalid(at, "A maximum of 10000 profiles can be submitted per request.")
	case CallOf(r).Duplicated() && len(rows) > 1:
		bad = klaviyoInvalid(at, "The same profile was provided more than once.")
	}
	if bad != nil {
		klaviyoFail(w, r, http.StatusBadRequest, bad)
		return
	}
	job := &klaviyoJob{ID: klaviyoJobID(), Total: len(rows), Created: k.s.Now()}
	for _, l := range body.Data.Relationships.Lists.Data {
		if l.Type != "list" || !k.hasList(l.ID) {
			klaviyoFail(w, r, http.StatusNotFound, &klaviyoError{
				Code: "not_found", Title: "Not found.", Detail: "A list with id " + l.ID + " does not exist.", Source: &klaviyoSource{Pointer: "/data/relationships/lists/data"},
			})
			return
		}
		job.Lists = append(job.Lists, l.ID)
	}
	if err := k.run(job, rows, at, CallOf(r)); err != nil {
		klaviyoRefuse(w, r, Down)
		return
	}
	klaviyoJSON(w, http.StatusAccepted, map[string]any{"data": k.shownJob(r, job)})
}

func klaviyoJobID() string {
	random := make([]byte, 24)
	_, _ = rand.Read(random) // never fails
	return base64.RawURLEncoding.EncodeToString(random)
}

// run writes the profiles of a job, and keeps what it refused.
func (k *klav) run(job *klaviyoJob, rows []klaviyoProfile, at string, call *Call) error {
	counts, ids := map[string]int{}, make([]string, 0, len(rows))
	err := k.update(func(tx *Tx) error {
		for i := range rows {
			place := fmt.Sprintf("%s/%d", at, i)
			fields, err := k.check(&rows[i], place)
			what, rec := "rejected", Record{}
			if err == nil {
				rec, what, err = k.write(tx, &rows[i], fields, call, place)
			}
			reason, refused := errors.AsType[*klaviyoError](err)
			switch {
			case refused:
				what = "rejected"
				job.Errors = append(job.Errors, klaviyoImportError{reason.Code, reason.Title, reason.Detail, reason.Source.Pointer, klaviyoPayload(&rows[i])})
			case err != nil:
				return err
			default:
				ids = append(ids, rec.ID)
			}
			counts[what]++
		}
		return nil
	})
	for what, n := range counts {
		call.Report("upsert", what, n)
	}
	for _, l := range job.Lists {
		if err == nil {
			err = k.add(l, ids)
		}
	}
	if err != nil {
		return err
	}
	return k.s.Documents.Save("job-"+job.ID, job)
}

// klaviyoPayload is what an import error repeats of a profile; what is not an
// object is not repeated.
func klaviyoPayload(p *klaviyoProfile) json.RawMessage {
	if len(p.Attributes) == 0 || p.Attributes[0] != '{' {
		return json.RawMessage("null")
	}
	return p.Attributes
}

// loadJob gives the job of a request's address, asked for once more.
func (k *klav) loadJob(r *http.Request) (*klaviyoJob, bool, error) {
	k.s.Schema.Lock()
	defer k.s.Schema.Unlock()
	job := &klaviyoJob{}
	there, err := k.s.Documents.Load("job-"+r.PathValue("id"), job)
	if err != nil || !there {
		return nil, false, err
	}
	if job.Asked < 2 {
		job.Asked++
		err = k.s.Documents.Save("job-"+job.ID, job)
	}
	return job, true, err
}

func (k *klav) job(w http.ResponseWriter, r *http.Request) {
	job, there, err := k.loadJob(r)
	switch {
	case err != nil:
		klaviyoRefuse(w, r, Down)
	case !there:
		klaviyoRefuse(w, r, NotFound)
	default:
		klaviyoJSON(w, http.StatusOK, map[string]any{"data": k.shownJob(r, job)})
	}
}

func (k *klav) shownJob(r *http.Request, job *klaviyoJob) map[string]any {
	status, completed, failed := "queued", 0, 0
	attributes := map[string]any{
		"created_at": job.Created, "total_count": job.Total, "expires_at": job.Created.Add(7 * 24 * time.Hour), "started_at": nil, "completed_at": nil,
	}
	switch {
	case job.Asked >= 2, k.s.Now().Sub(job.Created) >= klaviyoLasts:
		status, completed, failed = "complete", job.Total-len(job.Errors), len(job.Errors)
		attributes["started_at"], attributes["completed_at"] = job.Created, job.Created
	case job.Asked == 1:
		status = "processing"
		attributes["started_at"] = job.Created
	}
	attributes["status"], attributes["completed_count"], attributes["failed_count"] = status, completed, failed
	self := k.s.URL(r, "/api/profile-bulk-import-jobs/"+job.ID+"/")
	related := func(name string) map[string]any {
		return map[string]any{"links": map[string]any{"self": self + "relationships/" + name + "/", "related": self + name + "/"}}
	}
	lists := related("lists")
	data := []any{}
	for _, l := range job.Lists {
		data = append(data, map[string]any{"type": "list", "id": l})
	}
	lists["data"] = data
	return map[string]any{
		"type": "profile-bulk-import-job", "id": job.ID, "attributes": attributes, "links": map[string]any{"self": self},
		"relationships": map[string]any{"lists": lists, "profiles": related("profiles"), "import-errors": related("import-errors")},
	}
}

func (k *klav) importErrors(w http.ResponseWriter, r *http.Request) {
	job := &klaviyoJob{}
	there, err := k.s.Documents.Load("job-"+r.PathValue("id"), job)
	size, from, bad := klaviyoPage(r.URL.Query())
	switch {
	case err != nil:
		klaviyoRefuse(w, r, Down)
		return
	case !there:
		klaviyoRefuse(w, r, NotFound)
		return
	case bad != nil:
		klaviyoFail(w, r, http.StatusBadRequest, bad)
		return
	}
	data, next := []any{}, -1
	for i := from; i < min(from+size, len(job.Errors)); i++ {
		e := job.Errors[i]
		data = append(data, map[string]any{
			"type": "import-error", "id": fmt.Sprintf("%s-%d", job.ID, i), "links": map[string]any{"self": k.s.URL(r, r.URL.EscapedPath())},
			"attributes": map[string]any{
				"code": e.Code, "title": e.Title, "detail": e.Detail, "source": map[string]any{"pointer": e.Pointer}, "original_payload": e.Payload,
			},
		})
	}
	if from+size < len(job.Errors) {
		next = from + size
	}
	klaviyoJSON(w, http.StatusOK, map[string]any{"data": data, "links": k.links(r, next)})
}
