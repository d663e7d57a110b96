package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"exposync/internal/destination/declared"
	"exposync/internal/engine"
	"exposync/internal/job"
	"exposync/internal/plan"
)

// sealed is the field of a saved plan's header that holds the digest of all
// others.
const sealed = "sha256"

// seal encodes a header with the digest of everything in it.
func (d *savedPlan) seal() ([]byte, error) {
	d.Seal = ""
	data, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	if d.Seal, err = sealOf(data); err != nil {
		return nil, err
	}
	return json.MarshalIndent(d, "", "  ")
}

// sealOf is the digest of a header's fields but for the seal itself, unknown
// ones included. How the file is laid out does not count.
func sealOf(data []byte) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return "", err
	}
	delete(fields, sealed)
	canonical, err := json.Marshal(fields)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// item is the header's entry of one job.
func (r *runner) item(i int) savedJob {
	j := r.jobs[i]
	return savedJob{
		ID: j.ID, Definition: job.Definition(j), Connection: r.s.connectionFingerprint(j), Guards: guardsOf(j.Guards),
		Verdict: r.reports[i].Judgement.Verdict, Plan: *r.reports[i].Result.Plan,
	}
}

// movedFrom says which fact of the header is another one by now; empty if the
// job is still what was reviewed.
func (r *runner) movedFrom(was savedJob, i int) string {
	j, verdict := r.jobs[i], r.reports[i].Judgement.Verdict
	switch {
	case was.Connection != r.s.connectionFingerprint(j):
		if r.s.catalog.Origin(j.Type) != declared.BuiltIn {
			return "the connection " + j.Connection + ", or the description of its type, was changed"
		}
		return "the connection " + j.Connection + " was changed in exposync.yml"
	case was.Definition != job.Definition(j):
		return "its definition changed"
	case was.Guards != guardsOf(j.Guards):
		return "its guards changed"
	case was.Verdict != verdict:
		return fmt.Sprintf("its verdict was %s, now it is %s", was.Verdict, verdict)
	}
	return ""
}

// connectionFingerprint identifies the job's connection as exposync.yml has it.
func (s *session) connectionFingerprint(j plan.Job) string {
	c, ok := s.config.Connection(s.target, j.Connection)
	if !ok {
		return ""
	}
	return c.Fingerprint()
}

// savedGuards are a job's limits as people write them.
type savedGuards struct {
	Deletes string `json:"deletes"`
	Creates string `json:"creates"`
	Rows    string `json:"rows"`
	Keys    string `json:"keys"`
}

func guardsOf(g plan.Guards) savedGuards {
	return savedGuards{Deletes: g.Deletes.String(), Creates: g.Creates.String(), Rows: g.Rows.String(), Keys: g.Keys.String()}
}

// intact reads the rows beside the plan through, where nothing else does: a
// review of damaged rows is none.
func (d *savedPlan) intact(item *savedJob, f io.Reader) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return planFile(item.Rows, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != item.RowsDigest {
		return engine.Damaged(item.ID)
	}
	return nil
}

// rows opens the rows of one job.
func (d *savedPlan) rows(item *savedJob) (*os.File, error) {
	f, err := os.Open(filepath.Join(d.dir, filepath.Base(item.Rows)))
	if err != nil {
		return nil, planFile(item.Rows, err)
	}
	return f, nil
}
