package dbt

import (
	"encoding/json"
	"testing"

	"exposync/internal/fault"
)

// seeds are small files of every shape that the readers branch on.
func seeds() []string {
	const head = `{"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/v12.json","dbt_version":"2"},`
	return []string{
		head + `"nodes":{"model.p.a":{"depends_on":{"nodes":["x"]},"config":{"meta":{"a":1},"tags":"t","contract":{}},"meta":{"a":2}}}}`,
		head + `"nodes":{},"exposures":{"exposure.p.e":{"owner":{"email":["a"]},"depends_on":{}}},"disabled":[{}],"parent_map":{"a":null}}`,
		head + `"nodes":{},"unit_tests":{"u":{"model":"m","depends_on":{"nodes":["model.p.m"]}}},"sources":{"s":{"freshness":{"warn_after":{}}}}}`,
		`{"metadata":{},"results":[{"unique_id":"a","status":"b","timing":[{"completed_at":"2026-01-01"}],"failures":"3"}],"args":{"__other__":{}}}`,
		`{"metadata":{},"results":[{"criteria":{"warn_after":{"count":1e99,"period":"day"}}}],"args":null}`,
		`{"metadata":{},"nodes":{"a":{"columns":{"b":{"index":1}}}}}`,
		`{"a":"\ud83d\u00e9\`, `{"a":`, `{`, ``, `[]`, "\x1f\x8b", "{\"a\":\x01}",
	}
}

func FuzzManifest(f *testing.F) {
	fuzz(f, "manifest", func(a *artifact) (found bool, err error) {
		p, err := a.manifest()
		return p != nil && p.Nodes != nil && p.Parents != nil, err
	})
}

func FuzzRunResults(f *testing.F) {
	fuzz(f, "run-results", func(a *artifact) (found bool, err error) {
		if s, err := a.freshness(); err == nil && s == nil {
			return false, nil
		}
		r, err := a.runResults()
		return r != nil, err
	})
}

func fuzz(f *testing.F, kind string, read func(*artifact) (found bool, err error)) {
	f.Helper()
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := &artifact{file: "x.json", text: text}
		err := a.check(kind)
		if err == nil && !json.Valid([]byte(text)) {
			t.Error("text that is no JSON is accepted")
		}
		found := false
		if err == nil {
			found, err = read(a)
		}
		if found == (err != nil) {
			t.Errorf("found %v with error %v", found, err)
		}
		for _, problem := range fault.All(err) {
			if _, known := fault.Explain(problem.Code); !known || problem.Code == "internal" {
				t.Errorf("not a fault: %v", err)
			}
		}
	})
}
