package engine_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// serviceJob is a batch that the service works off on its own time.
type serviceJob struct {
	rows    []map[string]string
	closed  bool
	aborted bool
	forgot  bool
	steps   int // requests of anybody until it is done
	done    bool
	stored  map[string]bool   // by key: it is among the records
	failed  map[string]string // by key, why
}

// missed reports whether the job did not come to a row: whatever is neither
// stored nor refused.
func (j *serviceJob) missed(row map[string]string) bool {
	key := row["external_id"]
	_, failed := j.failed[key]
	return !failed && !j.stored[key]
}

// job is one step of a job: create, upload, close, poll, results, abort.
func (s *service) job(method string, path []string, body []byte) answer {
	if len(path) == 0 {
		s.dest.calls++
		return s.step(nil, func() answer {
			s.next++
			id := fmt.Sprintf("j%d", s.next)
			s.jobs[id] = &serviceJob{steps: 1 + s.dest.rng.IntN(6), stored: map[string]bool{}, failed: map[string]string{}}
			return ok(fmt.Sprintf(`{"id":%q}`, id))
		})
	}
	j := s.jobs[path[0]]
	if j == nil || j.forgot {
		return refusal(http.StatusNotFound)
	}
	switch {
	case len(path) > 1 && method == http.MethodPut:
		rows := rowsOf(body)
		return s.step(rows, func() answer {
			if j.closed {
				return refusal(http.StatusConflict)
			}
			j.rows = rows
			s.doubt(rows) // until it has ended, and said so
			return ok("{}")
		})
	case len(path) > 1:
		return s.results(j, path[1])
	case method == http.MethodPatch:
		return s.step(j.rows, func() answer {
			if j.closed || j.aborted {
				return refusal(http.StatusConflict)
			}
			j.closed = true
			return ok("{}")
		})
	case method == http.MethodDelete:
		return s.step(j.rows, func() answer { return s.abort(j) })
	}
	return s.poll(j)
}

// abort ends a job where it is: one that was begun has come to some of its
// rows.
func (s *service) abort(j *serviceJob) answer {
	if j.closed && !j.done && !j.aborted {
		s.workOff(j, j.rows[:s.dest.rng.IntN(len(j.rows)+1)])
	}
	j.aborted = true
	return ok("{}")
}

// step does one step of a job, or says that it did not, or does not say it.
func (s *service) step(rows []map[string]string, do func() answer) answer {
	rng := s.dest.rng
	if rng.Float64() >= s.fails/2 {
		return do()
	}
	if a, refused := s.refuse(); refused {
		return a
	}
	s.doubt(rows)
	if rng.IntN(2) == 0 {
		_ = do()
	}
	switch rng.IntN(5) {
	case 0:
		return answer{}
	case 1:
		s.kill()
	case 2:
		s.dest.died = true
		s.dest.ledger.mu.Lock()
		s.dest.ledger.dieAt = s.dest.ledger.appends + 1
		s.dest.ledger.mu.Unlock()
	case 3:
		s.dest.stop()
	}
	return refusal([]int{500, 502, 504}[rng.IntN(3)])
}

func (s *service) poll(j *serviceJob) answer {
	switch {
	case s.dest.rng.Float64() < s.fails/8:
		return refusal([]int{429, 500, 503}[s.dest.rng.IntN(3)])
	case s.dest.rng.Float64() < s.fails/16:
		s.kill()
		return refusal(http.StatusBadGateway)
	case j.aborted:
		return ok(`{"state":"aborted"}`)
	case !j.closed:
		return ok(`{"state":"open"}`)
	case !j.done:
		return ok(`{"state":"running"}`)
	}
	if s.dest.rng.Float64() < s.fails/10 { // it ended, and what became of it is lost
		j.forgot = true
		s.doubt(j.rows)
		return refusal(http.StatusNotFound)
	}
	state, missed := "done", 0
	for _, row := range j.rows {
		if j.missed(row) {
			state = "dead"
			missed++
		}
	}
	return ok(fmt.Sprintf(`{"state":%q,"processed":%d,"failed":%d}`, state, len(j.rows)-missed, len(j.failed)))
}

// results lists what became of the rows, sometimes only half of it. It calls
// good what is stored, and nothing else: a job that was aborted has come to
// none of the others.
func (s *service) results(j *serviceJob, list string) answer {
	var lines []string
	for _, row := range j.rows {
		key := row["external_id"]
		code, failed := j.failed[key]
		switch {
		case list == "failed" && failed:
			lines = append(lines, fmt.Sprintf("%q,%q", key, code))
		case list == "missed" && j.missed(row), list == "good" && j.stored[key]:
			lines = append(lines, fmt.Sprintf("%q,", key))
		}
	}
	if len(lines) > 0 && s.dest.rng.Float64() < s.fails/6 {
		s.doubt(j.rows)
		lines = lines[:s.dest.rng.IntN(len(lines))]
	}
	a := answer{status: 200, kind: "text/csv", body: "external_id,code\n" + strings.Join(lines, "\n") + "\n", cut: -1}
	if s.dest.rng.Float64() < s.fails/6 {
		s.doubt(j.rows)
		a.cut = s.dest.rng.IntN(len(a.body))
	}
	return a
}

// work goes on with the jobs that were closed.
func (s *service) work() {
	for _, id := range slices.Sorted(maps.Keys(s.jobs)) {
		j := s.jobs[id]
		if !j.closed || j.aborted || j.done {
			continue
		}
		if j.steps--; j.steps > 0 {
			continue
		}
		j.done = true
		rows := j.rows
		if s.dest.rng.Float64() < s.fails/4 { // it dies on its way
			rows = rows[:len(rows)/2]
		}
		s.workOff(j, rows)
	}
}

// workOff stores rows of a job, and notes what became of each.
func (s *service) workOff(j *serviceJob, rows []map[string]string) {
	for _, row := range rows {
		key := row["external_id"]
		if s.dest.poison[key] || s.dest.rng.Float64() < s.fails/8 {
			j.failed[key] = "BAD"
			continue
		}
		s.put(row)
		j.stored[key] = true
	}
}
