package declared

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/fault"
)

func TestBuiltinSpecsAreSound(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		s, err := builtin(kind, nil)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if kind != "http" && kind != "sandbox" {
			continue // a service has the modes that it has
		}
		for _, mode := range []destination.Mode{
			destination.Upsert, destination.Update, destination.Insert, destination.Append, destination.Mirror,
		} {
			for _, name := range opsOf(mode) {
				if s.ops[name] == nil {
					t.Errorf("%s: mode %s needs operation %s", kind, mode, name)
				}
			}
		}
		if s.ops["append"].safe() || !s.ops["upsert"].safe() || !s.ops["delete"].safe() {
			t.Errorf("%s: only append and insert are sent once", kind)
		}
		params, err := Params(kind)
		if err != nil || params[0].Name != "url" || !params[0].Required || params[0].Doc == "" {
			t.Errorf("Params(%s) = %+v, %v", kind, params, err)
		}
	}
	if _, err := Params("nonsense"); err == nil {
		t.Error("Params(nonsense) = no error")
	}
}

// Every problem of a spec is reported, at its line.
func TestSpecProblems(t *testing.T) {
	t.Parallel()
	const good = "name: x\nops:\n  upsert:\n    request: {path: /x}\n    row: $fields\n    response: [{outcome: ok}]\n"
	tests := map[string]struct {
		text string
		want []string
	}{
		"good":          {good, nil},
		"not a map":     {"- a\n", []string{"x.yaml:1: a destination must be a map, not a list"}},
		"empty":         {"", []string{"x.yaml:1: a destination must be a map, not nothing"}},
		"nothing in it": {"title: x\n", []string{"x.yaml:1: name is missing", "x.yaml:1: ops is missing: without an operation nothing can be written"}},
		"unknown keys": {
			"nam: x\n" + good + "rates: 3\n",
			[]string{`x.yaml:1: destination: unknown key "nam"`, `x.yaml:8: destination: unknown key "rates"`},
		},
		"a version from tomorrow": {"apiVersion: 2\n" + good, []string{"x.yaml:1: apiVersion 2 is not known"}},
		"limits": {
			good + "limits:\n  rows: 0\n  bytes: 1.5\n  rowbytes: many\n  concurrency: -1\n",
			[]string{
				"x.yaml:8: must be a whole number of 1 or more", "x.yaml:9: must be a whole number of 1 or more",
				"x.yaml:10: must be a whole number of 1 or more", "x.yaml:11: must be a whole number of 1 or more",
			},
		},
		"auth": {
			good + "auth: {type: bearer, user: x}\n",
			[]string{"x.yaml:7: auth of type bearer needs token", "x.yaml:7: auth of type bearer takes no user"},
		},
		"auth of no known type": {good + "auth: {type: oauth}\n", []string{"x.yaml:7: must be one of " + strings.Join(authWords(), ", ")}},
		"names nobody knows": {
			"name: x\nparams: {url: {kind: url}}\nvars: {base_url: \"${ulr}\"}\nops:\n  upsert:\n    request: {path: \"/${objekt}/${\"}\n" +
				"    row: {\"${nope}\": \"${what}\"}\n    response: [{outcome: ok}]\n",
			[]string{
				"x.yaml:3: ${ulr} is not known", "x.yaml:6: ${objekt} is not known",
				"x.yaml:7: ${nope} is not known", "x.yaml:7: ${what} is not known",
			},
		},
		"an operation without anything": {
			"name: x\nops:\n  upsert: {}\n",
			[]string{"x.yaml:3: ops.upsert needs request.path", "x.yaml:3: ops.upsert needs row", "x.yaml:3: ops.upsert needs response"},
		},
		"an operation nobody knows": {good + "  merge: {}\n", []string{`x.yaml:7: ops: unknown key "merge"`}},
		"a path without a slash": {
			strings.Replace(good, "/x}", "x}", 1), []string{"x.yaml:4: request.path must start with /"},
		},
		"rules": {
			"name: x\nops:\n  upsert:\n    request: {path: /x}\n    row: $fields\n    response:\n" +
				"      - {status: 2xy, outcome: ok}\n      - {outcome: okay}\n      - {status: 200}\n" +
				"      - {outcome: ok, each: {at: r, ok: o}}\n      - {each: {ok: x}}\n      - {errors: [{at: e}]}\n" +
				"      - {errors: [{index: i}]}\n      - {errors: [{at: e, map_keys: true}]}\n      - {rest: fail, errors: [{at: e, key: k}]}\n" +
				"      - {outcome: ok, class: {A: gone}}\n      - nonsense\n",
			[]string{
				`x.yaml:7: status "2xy" is none`, `x.yaml:8: unknown state "okay"`,
				"x.yaml:9: a rule needs each, errors, outcome or ok_count",
				"x.yaml:10: a rule has outcome, or each and errors, not both",
				"x.yaml:11: each needs at, the path of the results, and ok, what marks a success within one",
				"x.yaml:12: errors does not say how an error names its record",
				"x.yaml:13: errors needs at, the path of the list",
				"x.yaml:14: map_keys does not say what the keys of the map are",
				"x.yaml:15: rest must be ok or bisect", `x.yaml:16: unknown state "gone"`,
				"x.yaml:17: rule must be a map, not text",
			},
		},
		"templates": {
			"name: x\nops:\n  upsert:\n    request: {path: /x}\n    envelope: {a: $fields, b: [$rows, $rows]}\n" +
				"    row: {a: $kye, b: $field, c: $rows, d: 0x1F, \"...\": $dest_id, e: $field.x, f: $$literal}\n    response: [{outcome: ok}]\n",
			[]string{
				`x.yaml:5: "$fields" has no meaning in envelope`, "x.yaml:5: envelope must hold $rows once",
				`x.yaml:6: "$kye" has no meaning in row`, `x.yaml:6: "$field" has no meaning in row`,
				`x.yaml:6: "$rows" has no meaning in row`, "x.yaml:6: 0x1F is no number in JSON",
				`x.yaml:6: "..." merges $key, $fields, $values, $nulls, $others, $own and $custom, nothing else`,
			},
		},
		"one record a request": {
			"name: x\nops:\n  upsert:\n    request: {path: /x}\n    envelope: $row\n    row: $fields\n    response: [{outcome: ok}]\n",
			[]string{"x.yaml:5: $row stands for one record, so a request must hold only one"},
		},
		"rate and encode": {
			good + "rate: {per: 3}\nencode: {decimal: float, null: [], stringify: 1}\ncheck: {}\n",
			[]string{
				"x.yaml:7: rate.per must be a duration", "x.yaml:8: must be one of number, string",
				"x.yaml:8: must be text, not a list", "x.yaml:8: must be true or false, not a number",
				"x.yaml:9: check needs request.path and identity, or fingerprint where the service tells nobody who it is",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse("x.yaml", []byte(tt.text), nil)
			var got []string
			for _, f := range fault.All(err) {
				got = append(got, f.Where+": "+f.Msg)
				if f.Code != "spec_invalid" || f.Kind != fault.Config {
					t.Errorf("fault %+v, want spec_invalid of the configuration", f)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// What stands inline is reported at its place in exposync.yml.
func TestInlineProblemsNameTheConnection(t *testing.T) {
	t.Parallel()
	_, err := New(connection(t, "https://crm.test", "limits:\n  row: 3\nops:\n  upsert:\n    respons: []\n    response: [{outcome: nope}]\n"))
	var got []string
	for _, f := range fault.All(err) {
		got = append(got, f.Where+": "+f.Msg+" / "+f.Hint)
	}
	want := []string{
		`exposync.yml:2: limits: unknown key "row" / did you mean rows?`,
		`exposync.yml:5: ops.upsert: unknown key "respons" / did you mean response?`,
		`exposync.yml:6: unknown state "nope" / known: ok, fail, retry, bisect, auth, stop, mapping_error, in_doubt`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems mismatch (-want +got):\n%s", diff)
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		url, plain string
		code       string
	}{
		"https":              {"https://crm.test/api", "", ""},
		"loopback":           {"http://127.0.0.1:8080", "", ""},
		"localhost":          {"http://localhost:8080", "", ""},
		"loopback, version6": {"http://[::1]:8080", "", ""},
		"missing":            {"", "", "param_missing"},
		"in the open":        {"http://crm.test", "", "http_url"},
		"in the open, asked": {"http://crm.test", "true", ""},
		"no URL":             {"crm.test", "", "http_url"},
		"a user in it":       {"https://me:pass-canary@crm.test", "", "http_url"},
		"broken":             {"https://pass-canary%zz", "", "http_url"},
		"another scheme":     {"ftp://crm.test", "", "http_url"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := connection(t, tt.url, "")
			cfg.Params["plain_http"] = tt.plain
			_, err := New(cfg)
			if tt.code == "" {
				if err != nil {
					t.Errorf("New() error = %v", err)
				}
				return
			}
			if !fault.Is(err, tt.code) || strings.Contains(err.Error(), "canary") {
				t.Errorf("New() error = %v, want %s without secrets", err, tt.code)
			}
			if _, ok := fault.Explain(tt.code); !ok {
				t.Errorf("%s has no page", tt.code)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range Kinds() {
		data, err := files.ReadFile("specs/" + kind + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("name: x\nops: {upsert: {row: {\"...\": [$key]}, envelope: [$rows], request: {path: \"/${object}\"}, response: [{ok_count: n}]}}")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parse("x.yaml", []byte(text), nil)
		if err != nil {
			return
		}
		for _, one := range s.eachSpec() {
			compileAll(t, one)
		}
	})
}

func compileAll(t *testing.T, s *spec) {
	t.Helper()
	d := &Destination{spec: s, catalog: &catalog{}, values: values{named: map[string]string{}}, header: http.Header{}}
	for name := range s.ops {
		if sender, problems := d.sender(name, people(destination.Upsert)); len(problems) == 0 && sender.finder == nil {
			if _, err := sender.row.append(nil, &rowContext{change: new(person(1)), encode: &s.encode}); err != nil && err != errNoRemoteID { //nolint:errorlint // the sentinel itself
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
