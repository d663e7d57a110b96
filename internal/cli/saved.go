package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
)

// savedVersion is the version of the saved plan's header.
const savedVersion = 1

// savedPlan is the header of a saved plan: the JSON file. The rows of each
// job stand in one file beside it.
type savedPlan struct {
	Version    int        `json:"exposync_plan"`
	Made       time.Time  `json:"made_at"`
	By         string     `json:"exposync_version"`
	Project    string     `json:"project"`
	Target     string     `json:"target"`
	Invocation string     `json:"dbt_invocation_id"`
	Manifest   string     `json:"manifest_sha256"`
	Values     string     `json:"values"` // full or hashes
	Jobs       []savedJob `json:"jobs"`
	Seal       string     `json:"sha256"` // of everything else in the header

	dir string
}

// savedJob is one job of a saved plan.
type savedJob struct {
	ID         string       `json:"id"`
	Definition string       `json:"definition"`
	Connection string       `json:"connection"` // fingerprint of what exposync.yml says about it
	Guards     savedGuards  `json:"guards"`
	Verdict    plan.Verdict `json:"verdict"`
	Plan       plan.Plan    `json:"plan"`
	Rows       string       `json:"rows,omitempty"` // file name beside this one; none of a hosted sync
	RowsDigest string       `json:"rows_sha256,omitempty"`
}

// save writes the plan and its rows, each file readable by its owner only.
func (r *runner) save(path string, values bool) error {
	doc := savedPlan{
		Version: savedVersion, Made: r.a.env.Now().UTC(), By: version(), Project: r.s.project.Name, Target: r.s.target,
		Invocation: r.s.invocation(), Manifest: r.s.project.Digest, Values: "hashes",
	}
	if values {
		doc.Values = "full"
	}
	for i := range r.jobs {
		if !r.ready(i) || r.reports[i].Result.Plan == nil {
			continue
		}
		item, err := r.saveJob(i, path, doc.Jobs, values)
		if err != nil {
			return err
		}
		doc.Jobs = append(doc.Jobs, item)
	}
	data, err := doc.seal()
	if err != nil {
		return err
	}
	f, err := private(path)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return outFault(path, err)
	}
	r.a.say("saved %s", r.a.shown(path))
	r.a.next("exposync run --plan %s", word(r.a.shown(path))+r.s.typedTarget())
	return nil
}

// saveJob writes the rows of one job, if it has any, and gives its entry.
func (r *runner) saveJob(i int, path string, taken []savedJob, values bool) (savedJob, error) {
	item := r.item(i)
	if r.prepared[i] == nil {
		return item, nil
	}
	item.Rows = rowsName(filepath.Base(path), item.ID, taken)
	digest, err := saveRows(filepath.Join(filepath.Dir(path), item.Rows), r.prepared[i], values)
	item.RowsDigest = digest
	return item, err
}

// rowsName names the file with a job's rows. Jobs whose names differ only by
// case get different files: not every system tells them apart.
func rowsName(plan, job string, taken []savedJob) string {
	name := fmt.Sprintf("%s.%s.rows", plan, job)
	for n := 2; slices.ContainsFunc(taken, func(j savedJob) bool { return strings.EqualFold(j.Rows, name) }); n++ {
		name = fmt.Sprintf("%s.%s.%d.rows", plan, job, n)
	}
	return name
}

func saveRows(path string, p *engine.Prepared, values bool) (string, error) {
	f, err := private(path)
	if err != nil {
		return "", err
	}
	digest, err := p.SaveRows(f, values)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = outFault(path, cerr)
	}
	return digest, err
}

// saved reads the plan that run --plan names and checks that the world did
// not move; nil without --plan.
func (r *runner) saved() (*savedPlan, error) {
	path := r.opts.planFile
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(r.a.pathOf(path))
	if err != nil {
		return nil, planFile(path, err)
	}
	var doc savedPlan
	if err := json.Unmarshal(data, &doc); err != nil && bytes.Contains(data, []byte(`"exposync_plan"`)) {
		return nil, damagedFile(path)
	} else if err != nil || doc.Version == 0 {
		return nil, planFile(path, errors.New("it is no saved plan"))
	}
	doc.dir = filepath.Dir(r.a.pathOf(path))
	seal, err := sealOf(data)
	if err != nil {
		return nil, planFile(path, err)
	}
	moved := ""
	switch {
	case doc.Version > savedVersion:
		moved = "it was made by a newer exposync (" + doc.By + ")"
	case seal != doc.Seal, doc.Values != "full" && doc.Values != "hashes":
		return nil, damagedFile(path)
	case doc.Project != r.s.project.Name:
		moved = "it was made for project " + doc.Project
	case doc.Target != r.s.target:
		moved = "it was made for target " + doc.Target
	case doc.Invocation != r.s.invocation():
		moved = "dbt ran since it was made"
	case doc.Manifest != r.s.project.Digest:
		moved = "dbt parsed the project anew since it was made"
	}
	if moved != "" {
		return nil, staleFile(path, moved)
	}
	return &doc, r.onlySaved(&doc)
}

// onlySaved narrows the run to the jobs of the plan; each must still be what
// was reviewed.
func (r *runner) onlySaved(doc *savedPlan) error {
	for i := range slices.Backward(r.jobs) {
		if doc.job(r.jobs[i].ID) == nil {
			r.drop(i)
		}
	}
	for _, item := range doc.Jobs {
		i := slices.IndexFunc(r.jobs, func(j plan.Job) bool { return j.ID == item.ID })
		if i < 0 {
			return engine.Stale(item.ID, "the job is gone or not selected")
		}
		if moved := r.movedFrom(item, i); moved != "" {
			return engine.Stale(item.ID, moved)
		}
	}
	return nil
}

func (d *savedPlan) job(id string) *savedJob {
	for i := range d.Jobs {
		if d.Jobs[i].ID == id {
			return &d.Jobs[i]
		}
	}
	return nil
}

// prepare gives exactly the saved changes: from the rows beside the plan, or,
// where those are hashes only, by planning again and comparing.
func (d *savedPlan) prepare(ctx context.Context, e *engine.Engine, req engine.Request) (*engine.Prepared, error) {
	item := d.job(req.Job.ID)
	if req.First == plan.FirstAsk {
		req.First = item.Plan.First
	}
	if item.Plan.Reading.Asked {
		req.FullRead = item.Plan.Reading.Why
	}
	f, err := d.rows(item)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if d.Values == "full" && !item.Plan.Unsettled {
		return e.Restore(ctx, req, item.Plan, f, item.RowsDigest)
	}
	if err := d.intact(item, f); err != nil {
		return nil, err
	}
	return e.Repeat(ctx, req, item.Plan)
}

// damagedFile is the fault of a header that is not as it was written.
func damagedFile(path string) error {
	list := fault.All(engine.Damaged(""))
	list[0].Where = path
	list[0].Msg = "the saved plan is damaged, incomplete or was edited; nothing was sent"
	return list.Err()
}

// staleFile is the fault of a plan that is stale as a whole.
func staleFile(path, why string) error {
	list := fault.All(engine.Stale("", why))
	list[0].Where = path
	return list.Err()
}

func planFile(path string, err error) error {
	return &fault.Fault{
		Code: "plan_file", Kind: fault.Config, Whose: fault.User, Where: path,
		Msg: "the plan file cannot be used", Hint: "make one with: exposync plan --out FILE", Err: err,
	}
}
