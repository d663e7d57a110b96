package lint

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/yamlx"
)

// What no edit names stays as it is: comments, order, quoting, ends of lines.
func TestFixKeepsTheRest(t *testing.T) {
	t.Parallel()
	const was = "# ours\r\nexposures:\r\n  - name: a # first\r\n    type: application\r\n\r\n    config:\r\n      meta: {exposync: {to: crm.a, fields: {on: x , 'y': \"z\"}}} # keep\r\n"
	in := Input{Files: map[string][]byte{"m.yml": []byte("\ufeff" + was)}}
	got := Fix(in)
	if len(got) != 1 {
		t.Fatalf("Fix() changes %d files, want 1", len(got))
	}
	want := "\ufeff" + strings.Replace(was, "{on:", `{"on":`, 1)
	if diff := cmp.Diff(want, string(got[0].Now)); diff != "" {
		t.Errorf("Fix() mismatch (-want +got):\n%s", diff)
	}
}

func TestMetaMoves(t *testing.T) {
	t.Parallel()
	head := "exposures:\n  - name: a\n    type: ml\n"
	for name, c := range map[string]struct{ version, was, want string }{
		"into a config of its own": {
			"2.0.0", "    meta: # ours\n      a: 1\n\n      # b\n      b: |\n        text\n          more\n    url: x\n",
			"    config:\n      meta: # ours\n        a: 1\n\n        # b\n        b: |\n          text\n            more\n    url: x\n",
		},
		"into the config that is there": {"2.0.0", "    meta: {a: 1}\n    config:\n        enabled: true\n    url: x\n", "    config:\n        enabled: true\n        meta: {a: 1}\n    url: x\n"},
		"at the end of the file":        {"2.0.0", "    config:\n      enabled: true\n    tags: [a]", "    config:\n      enabled: true\n      tags: [a]"},
		"both are there":                {"2.0.0", "    meta: {a: 1}\n    config: {meta: {b: 2}}\n", ""},
		"config in braces":              {"2.0.0", "    meta: {a: 1}\n    config: {enabled: true}\n", ""},
		"out of config":                 {"1.9.1", "    config:\n      enabled: true\n      meta:\n        a: 1\n    url: x\n", "    config:\n      enabled: true\n    meta:\n      a: 1\n    url: x\n"},
		"all of config":                 {"1.7.0", "    config:\n      # why\n      meta:\n        a: 1\n    url: x\n", "      # why\n    meta:\n      a: 1\n    url: x\n"},
		"two are all of config":         {"1.9.1", "    config:\n      tags: [a]\n      meta:\n        a: 1\n    url: x\n", "    tags: [a]\n    meta:\n      a: 1\n    url: x\n"},
		"two without a config":          {"2.0.0", "    meta: {a: 1}\n    url: x\n    tags: [a]\n", "    config:\n      meta: {a: 1}\n      tags: [a]\n    url: x\n"},
		"in braces":                     {"1.9.1", "    config: {meta: {a: 1}}\n", ""},
		"either is fine":                {"1.10.2", "    meta: {a: 1}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := scene{yaml: head + c.was}.input(t)
			in.Project = emptyProject(c.version)
			in.Facts = factsOf(in.Project)
			in.Only = []string{"meta_misplaced"}
			got := ""
			for _, f := range Fix(in) {
				got = strings.TrimPrefix(string(f.Now), head)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Fix() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// The shop, whose meta stands where dbt 1.10 wants it, is mended for dbt 1.9,
// and says the same as before.
func TestMetaMovesInTheShop(t *testing.T) {
	t.Parallel()
	in := scene{engine: "1.9-duckdb"}.input(t)
	fixed := Fix(in)
	if len(fixed) != 1 || fixed[0].File != exportsYML {
		t.Fatalf("Fix() changes %d files, want the exposures", len(fixed))
	}
	before, after := readYAML(t, fixed[0].Was), readYAML(t, fixed[0].Now)
	for i, x := range after.Get("exposures").Items {
		was := before.Get("exposures").Items[i]
		if diff := cmp.Diff(texts(was.At("config", "meta")), texts(x.Get("meta"))); diff != "" {
			t.Errorf("meta of exposure %d mismatch (-want +got):\n%s", i, diff)
		}
		if x.At("config", "meta") != nil || x.At("config", "tags") != nil {
			t.Errorf("exposure %d still has meta or tags in config", i)
		}
		if config, ok := pair(x, "config"); ok && config.Value.IsNull() {
			t.Errorf("exposure %d has a config without anything in it, which dbt refuses", i)
		}
	}
}

func readYAML(t *testing.T, text []byte) *yamlx.Node {
	t.Helper()
	n, err := yamlx.Parse("x.yml", text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// texts is a tree without its places.
func texts(n *yamlx.Node) string {
	if n == nil {
		return "-"
	}
	out := fmt.Sprintf("%s %q", n.Kind, n.Text)
	for _, item := range n.Items {
		out += " [" + texts(item) + "]"
	}
	for _, p := range n.Pairs {
		out += " " + p.Key + "{" + texts(p.Value) + "}"
	}
	return out
}

// Whatever a file holds, mending it a second time changes nothing, a file that
// was YAML stays YAML, and the bytes outside of the edits stay as they are.
func TestFixIsDoneOnce(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 11))
	parts := []string{
		"exposures:\n", "- name: a\n", "  - name: b\n", "  type: application\n", "    type: application\n", "    depends on:\n", "\t- ref('x')\n", "      - ref('y')\n",
		"    description: '{{ doc('b') }}'\n", "    description: {{ doc('b') }}\n", "    owner:\n", "\tname: Ada\n", "      name: Ada\n", "    config:\n", "      meta:\n", "    meta:\n",
		"        exposync: {to: a.b, fields: {on: x, z: {value: 0123}}, notify: {slack: #chan}}\n", "        exposync:\n", "          every: 1:30\n", "          until: 2026-12-31\n", "          slack: #chan\n",
		"# note\n", "\n", "    x: |\n", "      \ttext\n", "    'q': \"w\"\n", "models:\n", "  - name: m\n", "    é: [yes, no]\r\n", "\ufeff",
	}
	for range 1200 {
		var b strings.Builder
		for range rng.IntN(14) {
			b.WriteString(parts[rng.IntN(len(parts))])
		}
		checkFix(t, b.String())
	}
}

func checkFix(t *testing.T, text string) {
	t.Helper()
	in := Input{Files: map[string][]byte{"m.yml": []byte(text)}}
	if rng := len(text) % 2; rng == 0 {
		in.Project = emptyProject("2.0.0")
		in.Facts = factsOf(in.Project)
	}
	for _, f := range Check(in).Findings {
		for _, e := range f.Edits {
			if e.Start > e.End || e.End > len(text) {
				t.Fatalf("%s: an edit of the bytes %d to %d of %q", f.Code, e.Start, e.End, text)
			}
		}
	}
	fixed := Fix(in)
	if len(fixed) == 0 {
		return
	}
	now := fixed[0].Now
	_, before := yamlx.ParseAll("m.yml", []byte(text))
	_, after := yamlx.ParseAll("m.yml", now)
	if before == nil && after != nil {
		t.Fatalf("it was YAML before it was mended:\n%s\nand is not any more:\n%s", text, now)
	}
	in.Files = map[string][]byte{"m.yml": now}
	if again := Fix(in); len(again) > 0 {
		t.Fatalf("mended twice, it changes twice:\n%q\n%q\n%q", text, now, again[0].Now)
	}
	if bytes.Count(now, []byte("# note")) != strings.Count(text, "# note") {
		t.Fatalf("a comment is gone:\n%s\nto\n%s", text, now)
	}
}

// The edits of a finding are all that changes: what is before, between and
// behind them is the same, byte by byte.
func TestEditsAreAllThatChanges(t *testing.T) {
	t.Parallel()
	for _, r := range Rules() {
		if !r.Fixes {
			continue
		}
		in := proofs()[r.Code].bad.input(t)
		in.Only = []string{r.Code}
		for _, f := range Check(in).Findings {
			text := in.Files[f.File]
			for _, e := range f.Edits {
				now, err := yamlx.Splice(text, []yamlx.Edit{e.Edit})
				if err != nil {
					t.Fatalf("%s: %v", r.Code, err)
				}
				if !bytes.HasPrefix(now, text[:e.Start]) || !bytes.HasSuffix(now, text[e.End:]) || len(now) != len(text)-(e.End-e.Start)+len(e.New) {
					t.Errorf("%s changes more than its edit", r.Code)
				}
			}
		}
	}
}

// No text makes lint fail, and none is mended twice.
func FuzzFix(f *testing.F) {
	f.Add(article)
	f.Add("exposures:\n  - name: a\n    type: application\n    meta: {exposync: {to: a.b, fields: {on: no}, notify: {slack: #x}}}\n")
	f.Add("\ufeff- name: a\r\n  type: ml\r\n  depends on:\r\n\t- ref('a')\r\n")
	f.Add("a: &a {x: *a}\nb: {<<: *a}\n")
	f.Fuzz(checkFix)
}
