package cli_test

import (
	"strings"
	"testing"

	"exposync/internal/pgtest"
)

const canaryBefore = "canary-before-0c9d"

// samplesMini is a sync to a table that can be read by key, with a record to
// create, one to update and one to delete, all of canaries.
func samplesMini(t *testing.T) *mini {
	t.Helper()
	theirs := pgtest.New(t)
	m := newMini(t, `create table main.export_t (id text primary key, name text, score int)`, peopleMeta("db.public.contacts", "mirror"),
		`db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	m.env = []string{"DB_URL=" + theirs}
	sqlExec(t, connect(t, theirs), `create table contacts (ext text primary key, name text, score int)`)
	m.exec(`insert into main.export_t values ('` + canaryKey + `-1', '` + canaryBefore + `', 1147110815), ('` + canaryKey + `-2', '` + canaryBefore + `', 1147120815)`)
	m.want(0, "run")
	m.exec(`update main.export_t set name = '` + canaryValue + `', score = 1147130815 where id = '` + canaryKey + `-1';
		delete from main.export_t where id = '` + canaryKey + `-2'; insert into main.export_t values ('` + canaryKey + `-3', '` + canaryValue + `', 1147140815)`)
	m.build()
	return m
}

// No value shows unless somebody asks for samples, and then none that its
// column does not allow, in no rendering.
func TestNoValueInAPlan(t *testing.T) {
	t.Parallel()
	m := samplesMini(t)
	secret := []string{canaryValue, canaryBefore, canaryKey}
	numbers := []string{"1147110815", "1147120815", "1147130815", "1147140815"}
	for _, output := range []string{"text", "json", "markdown"} {
		unseen(t, "plan "+output, m.want(0, "plan", "--debug", "--output", output), append(numbers, secret...)...)
		out := m.want(0, "plan", "--debug", "--output", output, "--samples", "5")
		unseen(t, "samples "+output, out, append(numbers, secret...)...)
		if !strings.Contains(out, "‹text›") || !strings.Contains(out, "read from the destination") {
			t.Errorf("there are no samples in %s:\n%s", output, out)
		}
	}
	unseenInFiles(t, m)
	policy := "samples: {default: hash}\ncolumns: {score: show}\n"
	settings := "targets:\n  prod:\n    connections:\n      db: {type: postgres, url: \"{{ env_var('DB_URL') }}\"}\n"
	m.write("exposync.yml", settings+policy)
	for _, output := range []string{"text", "json", "markdown"} {
		out := m.want(0, "plan", "--output", output, "--samples", "5", "--out", "p.json", "--values", "hashes")
		unseen(t, "samples of one column "+output, out, secret...)
		for _, n := range numbers {
			if !strings.Contains(out, n) {
				t.Errorf("%s: what may be shown is not: %s\n%s", output, n, out)
			}
		}
	}
	unseenInFiles(t, m)
	m.write("exposync.yml", settings+"samples: {default: show}\n")
	out := m.want(0, "plan", "--samples", "5")
	for _, want := range []string{
		`+ create ext "` + canaryKey + `-3"`, `~ update ext "` + canaryKey + `-1"`, `name   "` + canaryBefore + `" -> "` + canaryValue + `"`, "score  1147110815 -> 1147130815", `- delete ext "` + canaryKey + `-2"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

// A saved plan is the same with and without samples, which it does not hold.
func TestSamplesAreNotSaved(t *testing.T) {
	t.Parallel()
	m := samplesMini(t)
	m.write("exposync.yml", "targets:\n  prod:\n    connections:\n      db: {type: postgres, url: \"{{ env_var('DB_URL') }}\"}\nsamples: {default: show}\n")
	m.want(0, "plan", "--samples", "5", "--out", "p.json", "--values", "hashes")
	unseenInFiles(t, m)
	m.want(0, "run", "--plan", "p.json")
}
