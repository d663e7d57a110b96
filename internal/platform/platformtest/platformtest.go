// Package platformtest is a stand-in for the Admin API of dbt platform, as far
// as runs and artifacts go: it keeps runs with steps, and answers as the
// documentation says, traps included. Without `step` an artifact is that of the
// last step; runs that go on stand before those that ended; times have a space
// where others write a T.
package platformtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Account is the account of every stand-in.
const Account = 1234

// Run is one run of a job.
type Run struct {
	ID, Project, Job int64
	Status           int // as the API numbers it
	NotSaved         bool
	Target           string // of the job's settings
	TargetOverride   string // of this run alone
	Finished         time.Time
	NeverBegan       bool
	Retries          int64 // the run that this one goes on with
	Steps            []Step
}

// Step is one step with what it wrote; a file that is not there is a 404.
type Step struct {
	Name   string
	Status int
	Files  map[string][]byte
}

// Server answers for one account.
type Server struct {
	Token string

	mu      sync.Mutex
	runs    map[int64]Run
	seen    []string
	trouble func(w http.ResponseWriter, r *http.Request) bool
}

// New gives a server without runs.
func New(token string) *Server { return &Server{Token: token, runs: map[int64]Run{}} }

// Put adds a run, or changes it.
func (s *Server) Put(r Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[r.ID] = r
}

// SetTrouble sets what may answer in the server's place; it reports whether it
// did.
func (s *Server) SetTrouble(trouble func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = trouble
}

// Seen lists the requests so far, without the account's part of the path, and
// forgets them.
func (s *Server) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	prefix := fmt.Sprintf("/api/v2/accounts/%d/", Account)
	path, ours := strings.CutPrefix(r.URL.Path, prefix)
	s.seen = append(s.seen, strings.TrimSuffix(path+"?"+r.URL.RawQuery, "?"))
	switch {
	case s.trouble != nil && s.trouble(w, r):
	case r.Header.Get("Authorization") != "Bearer "+s.Token && r.Header.Get("Authorization") != "Token "+s.Token:
		Refuse(w, http.StatusUnauthorized, "Invalid token. "+r.Header.Get("Authorization"))
	case r.Method != http.MethodGet || !ours:
		Refuse(w, http.StatusNotFound, "Not found.")
	case path == "runs/":
		s.list(w, r)
	default:
		s.one(w, r, strings.Split(path, "/"))
	}
}

// Refuse answers with a status in the API's envelope.
func Refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{
		"status": map[string]any{"code": status, "is_success": false, "user_message": message, "developer_message": message}, "data": nil,
	})
}

func answer(w http.ResponseWriter, status int, doc any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(doc); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var all []Run
	for _, run := range s.runs {
		if job := q.Get("job_definition_id"); job == "" || job == strconv.FormatInt(run.Job, 10) {
			all = append(all, run)
		}
	}
	slices.SortFunc(all, func(a, b Run) int {
		if q.Get("order_by") != "-finished_at" {
			return cmp.Compare(a.ID, b.ID)
		}
		if a.Finished.IsZero() != b.Finished.IsZero() { // nulls come first
			if a.Finished.IsZero() {
				return -1
			}
			return 1
		}
		return cmp.Or(b.Finished.Compare(a.Finished), cmp.Compare(b.ID, a.ID))
	})
	offset, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	page := []any{}
	for _, run := range all[min(offset, len(all)):min(offset+min(limit, 100), len(all))] {
		page = append(page, wire(run, ""))
	}
	answer(w, http.StatusOK, map[string]any{
		"status": map[string]any{"code": 200, "is_success": true}, "data": page,
		"extra": map[string]any{
			"filters":    map[string]any{"limit": limit, "offset": offset},
			"pagination": map[string]any{"count": len(page), "total_count": len(all)},
		},
	})
}

// one answers for a run and what is below it.
func (s *Server) one(w http.ResponseWriter, r *http.Request, path []string) {
	id := int64(0)
	if len(path) > 1 && path[0] == "runs" {
		id, _ = strconv.ParseInt(path[1], 10, 64)
	}
	run, ok := s.runs[id]
	switch {
	case ok && len(path) == 3 && path[2] == "":
		answer(w, http.StatusOK, map[string]any{
			"status": map[string]any{"code": 200, "is_success": true}, "data": wire(run, r.URL.Query().Get("include_related")),
		})
	case ok && len(path) == 4 && path[2] == "artifacts" && path[3] != "":
		artifact(w, run, r.URL.Query().Get("step"), path[3])
	default:
		Refuse(w, http.StatusNotFound, "The requested resource was not found.")
	}
}

func artifact(w http.ResponseWriter, run Run, step, name string) {
	at := len(run.Steps)
	if step != "" {
		at, _ = strconv.Atoi(step)
	}
	if at < 1 || at > len(run.Steps) || run.NotSaved || run.Steps[at-1].Files[name] == nil {
		Refuse(w, http.StatusNotFound, "The requested resource was not found.")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(run.Steps[at-1].Files[name])
}

// wire is a run as the API writes it, with what is asked for beside it.
func wire(r Run, related string) map[string]any {
	const layout = "2006-01-02 15:04:05.000000+00:00"
	ended := r.Status >= 10
	doc := map[string]any{
		"id": r.ID, "account_id": Account, "project_id": r.Project, "job_definition_id": r.Job, "environment_id": 77,
		"status": r.Status, "is_complete": ended, "is_success": r.Status == 10, "is_error": r.Status == 20, "is_cancelled": r.Status == 30,
		"artifacts_saved": ended && !r.NotSaved, "git_sha": "0a1b2c3", "status_message": nil,
		"started_at": nil, "finished_at": nil, "run_steps": []any{}, "job": nil, "trigger": nil, "environment": nil,
	}
	if doc["retrying_run_id"] = nil; r.Retries != 0 {
		doc["retrying_run_id"] = r.Retries
	}
	if !r.Finished.IsZero() {
		doc["finished_at"] = r.Finished.UTC().Format(layout)
	}
	if !r.NeverBegan && r.Status != 1 {
		doc["started_at"] = r.Finished.Add(-time.Hour).UTC().Format(layout)
	}
	if strings.Contains(related, `"run_steps"`) {
		doc["run_steps"] = steps(r.Steps)
	}
	if strings.Contains(related, `"job"`) {
		doc["job"] = map[string]any{"id": r.Job, "name": "Nightly", "settings": map[string]any{"threads": 4, "target_name": r.Target}}
	}
	if strings.Contains(related, `"trigger"`) {
		doc["trigger"] = map[string]any{"cause": "scheduled", "target_name_override": nil}
		if r.TargetOverride != "" {
			doc["trigger"] = map[string]any{"cause": "api", "target_name_override": r.TargetOverride}
		}
	}
	if strings.Contains(related, `"environment"`) {
		doc["environment"] = map[string]any{"id": 77, "name": "Production"}
	}
	return doc
}

func steps(list []Step) []any {
	out := []any{}
	for i, step := range list {
		out = append(out, map[string]any{"index": i + 1, "name": step.Name, "status": step.Status, "logs": "", "truncated_debug_logs": nil})
	}
	return out
}

// Before gives the steps that dbt platform puts before those of a job.
func Before() []Step {
	return []Step{
		{Name: "Clone Git Repository", Status: 10},
		{Name: "Create Profile from Connection Warehouse", Status: 10},
		{Name: "Invoke dbt with `dbt deps`", Status: 10},
	}
}
