package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/mapping"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func columns(names ...string) []record.Column {
	out := make([]record.Column, len(names))
	for i, name := range names {
		out[i] = record.Column{Name: name, Kind: record.Text}
	}
	return out
}

func bindable() plan.Job {
	return plan.Job{
		ID: "x", Where: "a.yml:3", Mode: plan.Upsert, Source: plan.Source{Name: "export_a"},
		Key: []plan.KeyField{{Field: "email", Column: "mail"}},
		Fields: []plan.Field{
			{Name: "b", Column: "bee", Nulls: plan.Skip},
			{Name: "m", Column: "mail", Nulls: plan.Clear},
			{Name: "s", Value: plan.TextConstant("dbt"), Nulls: plan.Clear},
		},
	}
}

func TestBindResolvesColumns(t *testing.T) {
	t.Parallel()

	got, problems := plan.Bind(bindable(), columns("id", "MAIL", "bee", "BEE"))
	if problems != nil {
		t.Fatal(problems)
	}
	want := plan.Bound{
		Job: bindable(), Columns: []string{"MAIL", "bee"},
		Key: []plan.BoundPart{{Name: "email", Column: "MAIL", Index: 0, Kind: record.Text}},
		Fields: []plan.BoundPart{
			{Name: "b", Column: "bee", Index: 1, Kind: record.Text, Nulls: plan.Skip},
			{Name: "m", Column: "MAIL", Index: 0, Kind: record.Text, Nulls: plan.Clear},
			{Name: "s", Index: -1, Kind: record.Text, Value: plan.TextConstant("dbt"), Nulls: plan.Clear},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Bind() mismatch (-want +got):\n%s", diff)
	}
}

func TestBindReportsColumns(t *testing.T) {
	t.Parallel()

	all := bindable()
	all.Fields, all.AllFields = nil, true
	tests := map[string]struct {
		job     plan.Job
		columns []record.Column
		want    []string
	}{
		"missing": {bindable(), columns("id"), []string{
			`a.yml:3: job x: key.email: export_a has no column "mail"; it has id (column_missing)`,
			`a.yml:3: job x: fields.b: export_a has no column "bee"; it has id (column_missing)`,
			`a.yml:3: job x: fields.m: export_a has no column "mail"; it has id (column_missing)`,
		}},
		"two that differ by case": {bindable(), columns("MAIL", "Mail", "bee"), []string{
			`a.yml:3: job x: key.email: export_a has no column "mail"; it has MAIL, Mail, bee (column_missing)`,
			`a.yml:3: job x: fields.m: export_a has no column "mail"; it has MAIL, Mail, bee (column_missing)`,
		}},
		"all, with a column named like the key": {all, columns("mail", "email", "b"), []string{
			`a.yml:3: job x: the column "email" would go to the field "email", which is part of the key (field_twice)`,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, problems := plan.Bind(tt.job, tt.columns)
			var got []string
			for _, f := range problems {
				got = append(got, f.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMappingDependsOnWhatIsSentOnly(t *testing.T) {
	t.Parallel()

	mapping := func(change func(*plan.Job), names ...string) string {
		j := bindable()
		change(&j)
		bound, problems := plan.Bind(j, columns(names...))
		if problems != nil {
			t.Fatal(problems)
		}
		return bound.Mapping()
	}
	same := func(*plan.Job) {}
	base := mapping(same, "mail", "bee")
	for name, other := range map[string]string{
		"order of columns":  mapping(same, "bee", "mail"),
		"a column more":     mapping(same, "mail", "bee", "new"),
		"order of fields":   mapping(func(j *plan.Job) { slices.Reverse(j.Fields) }, "mail", "bee"),
		"another relation":  mapping(func(j *plan.Job) { j.Source.Relation = "other" }, "mail", "bee"),
		"guards, first, id": mapping(func(j *plan.Job) { j.Guards = plan.DefaultGuards(); j.First = plan.FirstSend; j.ID = "y" }, "mail", "bee"),
	} {
		if other != base {
			t.Errorf("%s: the mapping changed", name)
		}
	}
	for name, other := range map[string]string{
		"mode":     mapping(func(j *plan.Job) { j.Mode = plan.Mirror }, "mail", "bee"),
		"nulls":    mapping(func(j *plan.Job) { j.Fields[0].Nulls = plan.Clear }, "mail", "bee"),
		"constant": mapping(func(j *plan.Job) { j.Fields[2].Value = plan.TextConstant("x") }, "mail", "bee"),
		"a field":  mapping(func(j *plan.Job) { j.Fields = j.Fields[1:] }, "mail", "bee"),
		"key":      mapping(func(j *plan.Job) { j.Key[0].Field = "id" }, "mail", "bee"),
	} {
		if other == base {
			t.Errorf("%s: the mapping did not change", name)
		}
	}
	all := func(j *plan.Job) { j.Fields, j.AllFields = nil, true }
	if mapping(all, "mail", "bee") == mapping(all, "mail", "bee", "new") {
		t.Error("fields: all with a new column is the same mapping")
	}
	if mapping(all, "mail", "bee", "new") != mapping(all, "new", "bee", "mail") {
		t.Error("fields: all depends on the order of columns")
	}
}

func TestBindTakesAllFieldsButTheKeys(t *testing.T) {
	t.Parallel()

	all := bindable()
	all.Fields, all.AllFields = nil, true
	tests := map[string]struct{ columns, want []string }{
		"as declared":                        {[]string{"b", "mail", "a"}, []string{"b", "a"}},
		"the key's column in another case":   {[]string{"MAIL", "b"}, []string{"b"}},
		"a column that differs by case only": {[]string{"mail", "MAIL", "b"}, []string{"MAIL", "b"}},
		"nothing but the key":                {[]string{"mail"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			bound, problems := plan.Bind(all, columns(tt.columns...))
			if problems != nil {
				t.Fatal(problems)
			}
			var got []string
			for _, f := range bound.Fields {
				if f.Nulls != plan.Clear || bound.Columns[f.Index] != f.Name {
					t.Errorf("field %+v of columns %v", f, bound.Columns)
				}
				got = append(got, f.Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("fields mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// Names with quotes and spaces must not let one mapping pass for another.
func TestMappingsDoNotCollide(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[ab"= \\n]{1,6}`)
		draw := func(label string) plan.Bound {
			var b plan.Bound
			for range rapid.IntRange(0, 3).Draw(t, label) {
				f := plan.BoundPart{Name: name.Draw(t, label), Column: name.Draw(t, label), Nulls: plan.Clear}
				if rapid.Bool().Draw(t, label) {
					f.Column, f.Value = "", plan.TextConstant(name.Draw(t, label))
				}
				b.Fields = append(b.Fields, f)
			}
			slices.SortFunc(b.Fields, func(x, y plan.BoundPart) int { return strings.Compare(parts(x), parts(y)) })
			return b
		}
		one, other := draw("one"), draw("other")
		if same := cmp.Equal(one, other); same != (one.Mapping() == other.Mapping()) {
			t.Fatalf("%+v\n%+v\nequal %t, mapping %s and %s", one, other, same, one.Mapping(), other.Mapping())
		}
	})
}

func parts(p plan.BoundPart) string {
	if p.Value != nil {
		return fmt.Sprintf("%q := %q", p.Name, p.Value.Data)
	}
	return fmt.Sprintf("%q = %q", p.Name, p.Column)
}

// Fingerprints and hashes stand in ledgers. A different text here makes every
// sync hold with mapping_changed after an upgrade, or send everything again.
func TestFingerprintsArePinned(t *testing.T) {
	t.Parallel()

	cols := []record.Column{{Name: "mail", Kind: record.Text}, {Name: "bee", Kind: record.Decimal}}
	of := func(fields ...plan.Field) string {
		j := bindable()
		if len(fields) > 0 {
			j.Fields = fields
		}
		bound, problems := plan.Bind(j, cols)
		if problems != nil {
			t.Fatal(problems)
		}
		return bound.Mapping()
	}
	hashed := bindable()
	hashed.Key[0].Rule = &mapping.Rule{Hash: mapping.SHA256}
	bound, _ := plan.Bind(hashed, cols)
	key := bound.Mapping()
	for name, pin := range map[string][2]string{
		"plain":  {of(), "m1:b0ccbc081902dc62293a3a4705ddd741"},
		"cast":   {of(plan.Field{Name: "b", Column: "BEE", Nulls: plan.Skip, Rule: &mapping.Rule{Cast: mapping.ToInteger}}), "m1:8d5cbecd32430c6d6d2ae2fda2108d98"},
		"hash":   {of(plan.Field{Name: "b", Column: "mail", Nulls: plan.Clear, Rule: &mapping.Rule{Normalize: mapping.Email, Hash: mapping.SHA256}}), "m1:a930f39273bc4454a591690327a2690f"},
		"expr":   {of(plan.Field{Name: "b", Nulls: plan.Clear, Rule: &mapping.Rule{Expr: "lower(MAIL) + text( bee )"}}), "m1:cf9fb958f912f826fbe1097005c7bc85"},
		"object": {of(plan.Field{Name: "b", Nulls: plan.Clear, Rule: &mapping.Rule{Object: []mapping.Member{{Name: "z", Column: "bee"}, {Name: "a", Value: plan.TextConstant("x")}}}}), "m1:66cceab1dc4e02467eb348fccab97abd"},
		"array":  {of(plan.Field{Name: "b", Nulls: plan.Clear, Rule: &mapping.Rule{Array: []mapping.Member{{Column: "bee", SkipNulls: true}}}}), "m1:6628d82b5197cefe188b308486e01afb"},
		"create": {of(plan.Field{Name: "b", Column: "bee", Nulls: plan.Clear, Write: plan.WriteCreate}), "m1:3532d9476a6e0bd80fdc712d32bf0e3e"},
		"key":    {key, "m1:6ce586bc473f8f661f46d86404249a16"},
		"lookup": {of(plan.Field{Name: "b", Column: "bee", Nulls: plan.Clear, Lookup: &plan.Lookup{Job: "x.a", Miss: plan.MissWait, Where: "a.yml:1"}}), "m1:82834124763d1ea7dd026949b6dc8c68"},
	} {
		if pin[0] != pin[1] {
			t.Errorf("%s: %s, pinned %s", name, pin[0], pin[1])
		}
	}
}

func TestBindReportsRules(t *testing.T) {
	t.Parallel()

	cols := []record.Column{{Name: "mail", Kind: record.Text}, {Name: "bee", Kind: record.Instant}}
	j := bindable()
	j.Fields = []plan.Field{
		{Name: "d", Column: "bee", Rule: &mapping.Rule{Cast: mapping.ToDate, Where: "a.yml:9"}},
		{Name: "e", Rule: &mapping.Rule{Expr: "mail + maul"}},
		{Name: "f", Rule: &mapping.Rule{Expr: "mail + 1", Where: "a.yml:11"}},
	}
	_, problems := plan.Bind(j, cols)
	var got []string
	for _, f := range problems {
		got = append(got, f.Error())
	}
	want := []string{
		`a.yml:9: job x: fields.d: cast: date: nothing of type instant becomes that without a loss (cast_type)`,
		`a.yml:3: job x: fields.e: export_a has no column "maul"; it has mail, bee (column_missing)`,
		`a.yml:11: job x: fields.f: expr: at column 6: + cannot join a text and a number (expr_invalid)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems mismatch (-want +got):\n%s", diff)
	}
}
