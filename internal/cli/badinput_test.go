package cli_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// What nobody writes on purpose. Each of it has to end with a code, a place
// and a next step, with the documented exit code, and with nothing lost and
// nothing confirmed that did not happen.

// edit changes one of dbt's artifacts.
func (m *mini) edit(name string, change func(doc map[string]any)) {
	m.Helper()
	var doc map[string]any
	path := filepath.Join(m.dir, "target", name)
	if err := json.Unmarshal(must(os.ReadFile(path)), &doc); err != nil {
		m.Fatal(err)
	}
	change(doc)
	m.write("target/"+name, string(must(json.Marshal(doc))))
}

// explained wants the output to tell code, place and next step of a fault.
func explained(t *testing.T, out, code, place string) {
	t.Helper()
	for _, words := range []string{"error " + code, place, "next "} {
		if !strings.Contains(out, words) {
			t.Errorf("the output does not say %q:\n%s", words, out)
		}
	}
}

func TestBadArtifacts(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		file string
		make func(good []byte) []byte // nil: the file is not there
		code string                   // empty: it has to be read
	}{
		{"half a manifest", "manifest.json", half, "artifact_truncated"},
		{"half of the results", "run_results.json", half, "artifact_truncated"},
		{"one byte short", "manifest.json", func(b []byte) []byte { return b[:len(b)-1] }, "artifact_truncated"},
		{"one byte", "run_results.json", constant("{"), "artifact_truncated"},
		{"empty", "manifest.json", constant(""), "artifact_empty"},
		{"white space", "run_results.json", constant(" \n\t\n"), "artifact_empty"},
		{"missing", "manifest.json", nil, "artifact_missing"},
		{"no results", "run_results.json", nil, "artifact_missing"},
		{"binary", "manifest.json", constant("\x7fELF\x02\x01\x01\x00\x00\x00"), "artifact_invalid"},
		{"broken in the middle", "manifest.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`":`), []byte(`";`), 9) }, "artifact_invalid"},
		{"two documents", "run_results.json", func(b []byte) []byte { return append(bytes.Clone(b), b...) }, "artifact_invalid"},
		{"UTF-16", "manifest.json", wide, "artifact_invalid"},
		{"a list", "manifest.json", constant(`[{"nodes": {}}]`), "artifact_invalid"},
		{"null", "run_results.json", constant(`null`), "artifact_invalid"},
		{"too deep", "manifest.json", func([]byte) []byte { return bytes.Repeat([]byte(`{"a":`), 3_000_000) }, "artifact_invalid"},
		{"a web page", "manifest.json", constant("<!DOCTYPE html><html><body>Sign in</body></html>"), "artifact_wrong_kind"},
		{"other JSON", "manifest.json", constant(`{"name": "left-pad", "version": "1.3.0"}`), "artifact_wrong_kind"},
		{"other JSON as results", "run_results.json", constant(`{"name": "left-pad", "version": "1.3.0"}`), "artifact_wrong_kind"},
		{"another kind", "run_results.json", func([]byte) []byte {
			return []byte(`{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/v1.json"}, "nodes": {}, "sources": {}}`)
		}, "artifact_wrong_kind"},
		{"no version", "manifest.json", func([]byte) []byte { return []byte(`{"metadata": {}, "nodes": {}}`) }, "manifest_too_old"},
		{"nodes that are a list", "manifest.json", func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"sources":{}`), []byte(`"sources":[1]`), 1)
		}, "artifact_invalid"},
		{"half a gzip", "run_results.json", func(b []byte) []byte { return half(zipped(b)) }, "artifact_truncated"},
		{"gzip", "manifest.json", zipped, ""},
		{"a byte order mark", "manifest.json", func(b []byte) []byte { return append([]byte("\ufeff"), b...) }, ""},
		{"a version of the future", "manifest.json", func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("manifest/v12.json"), []byte("manifest/v99.json"))
		}, ""},
	}
	s := newSink(t)
	good := s.project(t, peopleTable, peopleMeta("crm.people", "mirror"), "{rows: 100}")
	good.exec(thousand)
	for _, tt := range cases {
		m := good.copy(t)
		path := filepath.Join(m.dir, "target", tt.file)
		if tt.make == nil {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else {
			m.write("target/"+tt.file, string(tt.make(must(os.ReadFile(path)))))
		}
		commands := map[string]*process{"run": m.start("run"), "plan": m.start("plan", "--output", "json")}
		if tt.file == "manifest.json" {
			commands["gate"], commands["ls"] = m.start("gate"), m.start("ls", "--output", "json")
		}
		t.Run(tt.name, func(t *testing.T) { // they all wait for the file to get better, together
			t.Parallel()
			m.TB = t
			for name, p := range commands {
				if tt.code == "" {
					p.wantExit(0)
					continue
				}
				explained(t, name+":\n"+p.wantExit(2), tt.code, "target/"+tt.file)
			}
			if _, err := os.Stat(filepath.Join(m.dir, ".exposync")); err == nil && tt.code != "" {
				t.Error("a run that read nothing made a ledger")
			}
		})
	}
}

// copy makes a project of the same files in a folder of its own.
func (m *mini) copy(t *testing.T) *mini {
	t.Helper()
	other := &mini{TB: t, dir: t.TempDir(), source: m.source, dsn: m.dsn, runs: m.runs, meta: m.meta, env: m.env}
	if err := os.CopyFS(other.dir, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	return other
}

func half(b []byte) []byte { return b[:len(b)/2] }

func constant(text string) func([]byte) []byte {
	return func([]byte) []byte { return []byte(text) }
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_ = must(z.Write(b))
	_ = z.Close()
	return out.Bytes()
}

// wide writes a text as PowerShell's > does.
func wide(b []byte) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(string(b))) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// A manifest that dbt is still writing is waited for, for a moment.
func TestArtifactThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "upsert"), "{rows: 100}")
	m.exec(thousand)
	path := filepath.Join(m.dir, "target/manifest.json")
	whole := must(os.ReadFile(path))
	m.write("target/manifest.json", string(half(whole)))
	p := m.start("run")
	time.AfterFunc(300*time.Millisecond, func() { _ = os.WriteFile(path, whole, 0o600) })
	if code := p.exit(); code == 0 {
		agree(t, m, func() map[string]string { return s.field("name") })
	} else if code != 2 { // slow machine: it gave up before the file was whole
		t.Errorf("exit %d\n%s", code, p.said.text())
	}
}

// Exposures that lead nowhere.
func TestBadExposures(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	good := s.project(t, peopleTable, peopleMeta("crm.people", "mirror"), "{rows: 100}")
	good.exec(thousand)
	exposure := func(doc map[string]any) map[string]any {
		return doc["exposures"].(map[string]any)["exposure.mini.t"].(map[string]any)
	}
	cases := []struct {
		name string
		edit func(doc map[string]any)
		exit int
		say  []string
	}{
		{"none at all", func(doc map[string]any) { doc["exposures"] = map[string]any{} }, 0, []string{"TOTAL=0"}},
		{"no section of exposures", func(doc map[string]any) { delete(doc, "exposures") }, 0, []string{"TOTAL=0"}},
		{"a dashboard", func(doc map[string]any) { exposure(doc)["type"] = "dashboard" }, 3, []string{"config", "only application exposures"}},
		{"depends on nothing", func(doc map[string]any) {
			exposure(doc)["depends_on"] = map[string]any{"nodes": []string{}}
			doc["parent_map"].(map[string]any)["exposure.mini.t"] = []string{}
		}, 3, []string{"no_parents"}},
		{"depends on a missing model", func(doc map[string]any) {
			delete(doc["nodes"].(map[string]any), "model.mini.export_t")
			delete(doc["parent_map"].(map[string]any), "model.mini.export_t")
		}, 3, []string{"dangling_parent", "model.mini.export_t"}},
		{"depends on a disabled model", func(doc map[string]any) {
			nodes := doc["nodes"].(map[string]any)
			doc["disabled"] = map[string]any{"model.mini.export_t": []any{nodes["model.mini.export_t"]}}
			delete(nodes, "model.mini.export_t")
			delete(doc["parent_map"].(map[string]any), "model.mini.export_t")
		}, 3, []string{"dangling_parent", "model.mini.export_t"}},
		{"metadata that is no map", func(doc map[string]any) {
			exposure(doc)["config"] = map[string]any{"meta": map[string]any{"exposync": "crm.people"}}
		}, 3, []string{"setting_invalid"}},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := good.copy(t)
			m.edit("manifest.json", tt.edit)
			out := m.want(tt.exit, "run")
			for _, words := range tt.say {
				if !strings.Contains(out, words) {
					t.Errorf("the output does not say %q:\n%s", words, out)
				}
			}
			m.want(tt.exit, "gate", "--all")
			m.want(0, "ls")
		})
	}
	t.Cleanup(func() {
		if taken, requests := s.log(); requests != 0 {
			t.Errorf("%d requests with %d records", requests, len(taken))
		}
	})
}

// A column that the export model lost: nothing is read as if it were null.
func TestBadMappingToMissingColumn(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "mirror"), "{rows: 100}")
	m.exec(thousand)
	m.want(0, "run")
	s.log()
	m.exec(`alter table main.export_t drop column score`)
	m.exec(`delete from main.export_t where id > 995`)
	m.build()
	explained(t, m.want(2, "run"), "column_missing", "score")
	explained(t, m.want(2, "plan"), "column_missing", "score")
	m.exec(`drop table main.export_t`)
	explained(t, m.want(2, "run"), "relation_missing", "export_t")
	if _, requests := s.log(); requests != 0 || m.confirmed() != 1000 {
		t.Errorf("%d requests; the ledger says %d", requests, m.confirmed())
	}
	m.exec(peopleTable)
	m.exec(thousand)
	m.want(0, "run")
	agree(t, m, func() map[string]string { return s.field("name") })
}

// Null and double keys: a few are rejects, many hold the run, and a mirror
// deletes nothing as long as there are any.
func TestBadKeys(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, `create table main.export_t (id int, name text, score int)`, peopleMeta("crm.people", "mirror"), "{rows: 100}")
	m.exec(thousand)
	m.want(0, "run")
	s.log()

	m.exec(`insert into main.export_t values (null, 'nobody', 1), (null, 'nobody', 2), (7, 'twice', 3)`)
	m.exec(`delete from main.export_t where id > 995`)
	m.exec(`update main.export_t set name = 'now 8' where id = 8`)
	m.build()
	out := m.want(4, "run")
	if !strings.Contains(out, "delete") {
		t.Errorf("nobody is told that nothing was deleted:\n%s", out)
	}
	if c := m.last().Counts; c["updated"] != 1 || c["ok"] != 1 || c["deleted"] != 0 || c["invalid"] != 4 {
		t.Errorf("counts: %v", c)
	}
	names := s.field("name")
	if len(names) != 1000 || names["7"] != "name 7" || names["8"] != "now 8" {
		t.Errorf("%d records, 7 is %q, 8 is %q", len(names), names["7"], names["8"])
	}

	m.exec(`insert into main.export_t select null, 'many', i from generate_series(1, 20) i`)
	m.build()
	s.log()
	out = m.want(3, "run")
	if !strings.Contains(out, "guard_keys") || !strings.Contains(out, "--accept guard_keys") {
		t.Errorf("many bad keys do not hold the run:\n%s", out)
	}
	if _, requests := s.log(); requests != 0 {
		t.Errorf("%d requests of a run that is held", requests)
	}
	m.want(4, "run", "--accept", "guard_keys")

	m.exec(`delete from main.export_t where id is null or name = 'twice'`)
	m.build()
	m.want(0, "run")
	agree(t, m, func() map[string]string { return s.field("name") })
}
