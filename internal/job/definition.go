package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/plan"
)

// Definition is the fingerprint of everything in a job that decides what is
// sent where: a job with another definition is not "already synced" for a dbt
// run. Limits, the cadence and how a first run starts decide neither. It does not depend
// on the order of fields; "d1:" is its version.
func Definition(j plan.Job) string {
	lines := []string{
		fmt.Sprintf("source %q %q %q", j.Source.Adapter, j.Source.Node, j.Source.Relation),
		fmt.Sprintf("to %q %q %q %q sandbox %t", j.Target, j.Connection, j.Type, j.Object, j.Sandbox),
		fmt.Sprintf("mode %s all %t", j.Mode, j.AllFields),
	}
	if i := j.Incremental; i.On() {
		lines = append(lines, fmt.Sprintf("read %s %q lookback %d %d full %d", i.Setting(), i.Column, i.Lookback.Age, i.Lookback.Steps, i.FullRead))
	}
	if j.Settings != "" {
		lines = append(lines, fmt.Sprintf("settings %q", j.Settings))
	}
	for _, k := range j.Key {
		line := fmt.Sprintf("key %q = %q", k.Field, k.Column)
		if k.Rule != nil {
			line = fmt.Sprintf("key %q %s", k.Field, k.Rule.Text(k.Column, as))
		}
		lines = append(lines, line)
	}
	for _, f := range j.Fields {
		line := fmt.Sprintf("field %q = %q nulls %s", f.Name, f.Column, f.Nulls)
		switch {
		case f.Value != nil:
			line = fmt.Sprintf("field %q := %s %q", f.Name, f.Value.Kind, f.Value.Data)
		case f.Rule != nil:
			line = fmt.Sprintf("field %q %s nulls %s", f.Name, f.Rule.Text(f.Column, as), f.Nulls)
		}
		if f.Lookup != nil {
			line += fmt.Sprintf(" lookup %q miss %s", f.Lookup.Job, f.Lookup.Miss)
		}
		if f.Write != plan.WriteAlways {
			line += " write " + string(f.Write)
		}
		lines = append(lines, line)
	}
	if j.Owned != plan.OwnedConfirmed {
		lines = append(lines, fmt.Sprintf("owned %q", j.Owned))
	}
	if j.Hosted != nil {
		lines = append(lines, fmt.Sprintf("hosted %q", j.Hosted.Sync))
	}
	if j.OnInDoubt != plan.HoldInDoubt {
		lines = append(lines, fmt.Sprintf("on_in_doubt %q", j.OnInDoubt))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return "d1:" + hex.EncodeToString(sum[:16])
}

// as spells a column as the declaration does.
func as(column string) string { return column }
