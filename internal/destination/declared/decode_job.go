package declared

import (
	"time"

	"exposync/internal/destination"
	"exposync/internal/yamlx"
)

// job reads how an operation goes on at the service.
func (d *decoder) job(what string, n *yamlx.Node) *job {
	what += ".job"
	j := &job{missing: destination.InDoubt}
	j.poll.every, j.poll.most, j.poll.giveUp = 5*time.Second, time.Minute, time.Hour
	step := func(dst **step) func(*yamlx.Node) {
		return func(n *yamlx.Node) {
			*dst = &step{}
			d.step(*dst, n)
		}
	}
	d.keys(n, what, known{
		"create": func(n *yamlx.Node) { d.create(what, j, n) },
		"upload": d.later(step(&j.upload)), "close": d.later(step(&j.close)), "abort": d.later(step(&j.abort)),
		"poll":       d.later(func(n *yamlx.Node) { d.poll(what, &j.poll, n) }),
		"dead_rules": d.list(what+".dead_rules", func(n *yamlx.Node) { j.dead = append(j.dead, d.deadRule(n)) }),
		"results":    d.later(d.list(what+".results", func(n *yamlx.Node) { j.results = append(j.results, d.results(n)) })),
		"missing_rows": func(n *yamlx.Node) {
			d.state(&j.missing)(n)
			if j.missing != destination.OK && j.missing != destination.InDoubt {
				d.fail(n, "", "missing_rows must be ok or in_doubt")
			}
		},
	})
	switch {
	case j.create.request.path == "" || j.id == "":
		d.fail(n, "", "%s needs create with request.path and id, the path of the job's id", what)
	case j.poll.request.path == "" || j.poll.state == "" || len(j.poll.done) == 0:
		d.fail(n, "", "%s needs poll with request.path, state and done", what)
	case len(j.results) == 0:
		d.fail(n, "", "%s needs results: what became of every record", what)
	case j.missing == destination.OK && (j.poll.failed == "" || j.poll.processed+j.poll.total+j.poll.okay == ""):
		d.fail(n, "", "missing_rows: ok needs poll.counts.failed, the failures that are named, and processed, total or ok")
	case j.upload != nil && j.upload.body != nil, j.upload == nil && j.create.body != nil:
		d.fail(n, "", "the step that carries the records has no body of its own")
	}
	return j
}

// later reads a block in which ${job_id} is known.
func (d *decoder) later(read func(*yamlx.Node)) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		d.more = []string{"job_id"}
		defer func() { d.more = nil }()
		read(n)
	}
}

func (d *decoder) create(what string, j *job, n *yamlx.Node) {
	s := &j.create
	d.keys(n, what+".create", known{
		"request": func(n *yamlx.Node) { d.request(&s.request, n) },
		"body":    d.body(&s.body), "expect": d.status(&s.expect), "id": d.text(&j.id),
	})
	if s.request.method == "" {
		s.request.method = "POST"
	}
}

func (d *decoder) step(s *step, n *yamlx.Node) {
	d.keys(n, "step", known{
		"request": func(n *yamlx.Node) { d.request(&s.request, n) },
		"body":    d.body(&s.body), "expect": d.status(&s.expect),
	})
	if s.request.path == "" || s.request.method == "" {
		d.fail(n, "", "the step needs request.method and request.path")
	}
}

// body reads a body that holds no record.
func (d *decoder) body(dst **yamlx.Node) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		*dst = n
		d.walk(n, func(n *yamlx.Node, word string) { d.fail(n, "", "%q has no meaning in body", word) })
	}
}

func (d *decoder) status(dst *string) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		d.text(dst)(n)
		if !statusText.MatchString(*dst) {
			d.fail(n, `write it as "201" or "2xx"`, "status %q is none", *dst)
		}
	}
}

func (d *decoder) poll(what string, p *poll, n *yamlx.Node) {
	what += ".poll"
	d.keys(n, what, known{
		"request": func(n *yamlx.Node) { d.request(&p.request, n) },
		"state":   d.text(&p.state), "open": d.words(&p.open), "running": d.words(&p.running),
		"done": d.words(&p.done), "dead": d.words(&p.gone), "message": d.text(&p.message),
		"every": d.duration(&p.every), "max_every": d.duration(&p.most), "timeout": d.duration(&p.giveUp),
		"counts": func(n *yamlx.Node) {
			d.keys(n, what+".counts", known{
				"processed": d.text(&p.processed), "failed": d.text(&p.failed), "total": d.text(&p.total), "ok": d.text(&p.okay),
			})
		},
	})
	if p.request.method == "" {
		p.request.method = "GET"
	}
}

func (d *decoder) deadRule(n *yamlx.Node) deadRule {
	var r deadRule
	d.keys(n, "dead_rules", known{
		"field": d.text(&r.field), "match": d.pattern(&r.match), "outcome": d.state(&r.outcome), "message": d.text(&r.message),
	})
	if r.field == "" || r.match == nil {
		d.fail(n, "", "a dead rule needs field, match and outcome")
	}
	return r
}

func (d *decoder) results(n *yamlx.Node) results {
	r := results{format: "json", state: destination.Rejected}
	d.keys(n, "results", known{
		"request": func(n *yamlx.Node) {
			r.request = &request{method: "GET"}
			d.request(r.request, n)
		},
		"format": d.choice(&r.format, "json", "csv"), "at": d.text(&r.at), "key": d.template(&r.key), "dest_id": d.text(&r.destID),
		"index": d.text(&r.index), "index_match": d.pattern(&r.indexPart), "ok": d.text(&r.ok), "state": d.state(&r.state),
		"id": d.text(&r.id), "code": d.text(&r.code), "code_match": d.pattern(&r.codePart), "message": d.text(&r.message),
		"class": d.classes(&r.class), "paging": func(n *yamlx.Node) { d.paging(&r.paging, n) },
	})
	switch {
	case r.key == "" && r.index == "" && r.destID == "":
		d.fail(n, "", "results need key, dest_id or index: how they name their records")
	case r.key != "" && r.destID != "":
		d.fail(n, "", "results name their records by key or by dest_id, not by both")
	case r.format == "csv" && (r.request == nil || r.key+r.destID == ""):
		d.fail(n, "", "results in CSV need request, and key or dest_id, the column that names a record")
	case r.format == "csv" && r.paging.next != "", r.format == "json" && r.paging.from != "":
		d.fail(n, "", "results in CSV are paged by header, those in JSON by next")
	}
	return r
}
