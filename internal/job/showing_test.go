package job_test

import (
	"slices"
	"testing"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/job"
	"exposync/internal/plan"
)

func TestShowing(t *testing.T) {
	t.Parallel()
	show := config.Columns{Default: "show", Names: map[string]string{"email": "show"}, Patterns: map[string]string{"*mail*": "hash", "*": "show"}}
	bare := config.Columns{Default: "mask"}
	tests := map[string]struct {
		column  dbt.Column
		tags    []string // of the model
		columns config.Columns
		want    plan.Showing
		mistake string
	}{
		"nobody thought of it":                  {dbt.Column{Name: "x"}, nil, bare, plan.Mask, ""},
		"the project's default":                 {dbt.Column{Name: "x"}, nil, config.Columns{Default: "show"}, plan.Show, ""},
		"no default at all":                     {dbt.Column{Name: "x"}, nil, config.Columns{}, plan.Mask, ""},
		"its own meta, over all":                {dbt.Column{Name: "email", Meta: []byte(`{"exposync": {"mask": true}}`)}, nil, show, plan.Mask, ""},
		"its own meta shows":                    {dbt.Column{Name: "x", Meta: []byte(`{"pii": true, "exposync": {"mask": "none"}}`), Tags: []string{"pii"}}, []string{"pii"}, bare, plan.Show, ""},
		"false is none":                         {dbt.Column{Name: "x", Meta: []byte(`{"exposync": {"mask": false}}`)}, nil, bare, plan.Show, ""},
		"hash":                                  {dbt.Column{Name: "x", Meta: []byte(`{"exposync": {"mask": "hash"}}`)}, nil, show, plan.Hash, ""},
		"a name in exposync.yml, over marks":    {dbt.Column{Name: "EMAIL", Tags: []string{"PII"}}, nil, show, plan.Show, ""},
		"a mark, over patterns":                 {dbt.Column{Name: "x", Tags: []string{"pii:name"}}, nil, show, plan.Mask, ""},
		"a mark with more to it":                {dbt.Column{Name: "x", Tags: []string{"pii_email"}}, nil, show, plan.Mask, ""},
		"a mark in meta":                        {dbt.Column{Name: "x", Meta: []byte(`{"contains_pii": "yes"}`)}, nil, show, plan.Mask, ""},
		"a kind of mark in meta":                {dbt.Column{Name: "x", Meta: []byte(`{"pii": {"class": "name"}}`)}, nil, show, plan.Mask, ""},
		"a mark that says no":                   {dbt.Column{Name: "x", Meta: []byte(`{"pii": false, "sensitive": "No"}`)}, nil, show, plan.Show, ""},
		"a mark on the model":                   {dbt.Column{Name: "x"}, []string{"sensitive"}, show, plan.Mask, ""},
		"another tag":                           {dbt.Column{Name: "x", Tags: []string{"piion"}}, nil, show, plan.Show, ""},
		"the strictest pattern":                 {dbt.Column{Name: "Work_Mail"}, nil, show, plan.Hash, ""},
		"a word that means nothing is masked":   {dbt.Column{Name: "email", Meta: []byte(`{"exposync": {"mask": "flase"}}`)}, nil, show, plan.Mask, "m.yml: column email: exposync.mask must be true, hash or none; it is masked"},
		"a key that means nothing is masked":    {dbt.Column{Name: "email", Meta: []byte(`{"exposync": {"maks": "none"}}`)}, nil, show, plan.Mask, "m.yml: column email: exposync of a column takes the key mask and no other; it is masked"},
		"a block that means nothing is masked":  {dbt.Column{Name: "email", Meta: []byte(`{"exposync": "none"}`)}, nil, show, plan.Mask, "m.yml: column email: exposync of a column takes the key mask and no other; it is masked"},
		"a mask of another shape is masked too": {dbt.Column{Name: "email", Meta: []byte(`{"exposync": {"mask": ["none"]}}`)}, nil, show, plan.Mask, "m.yml: column email: exposync.mask must be true, hash or none; it is masked"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := &dbt.Node{PatchPath: "m.yml", Tags: tt.tags, Columns: []dbt.Column{{Name: "other"}, tt.column}}
			showing, mistakes := job.Showing(model, tt.columns)
			if got := showing(tt.column.Name); got != tt.want {
				t.Errorf("shows %d, want %d", got, tt.want)
			}
			var want []string
			if tt.mistake != "" {
				want = []string{tt.mistake}
			}
			if !slices.Equal(mistakes, want) {
				t.Errorf("mistakes %q, want %q", mistakes, want)
			}
		})
	}
}

// Names that differ by case only are one for the policy, and the strictest
// word of theirs counts.
func TestShowingOfNamesThatDifferByCase(t *testing.T) {
	t.Parallel()
	model := &dbt.Node{Columns: []dbt.Column{
		{Name: "Email", Meta: []byte(`{"exposync": {"mask": true}}`)}, {Name: "email", Meta: []byte(`{"exposync": {"mask": "none"}}`)},
	}}
	if showing, _ := job.Showing(model, config.Columns{}); showing("email") != plan.Mask {
		t.Error("the laxer of two words counts")
	}
	if showing, _ := job.Showing(nil, config.Columns{}); showing("email") != plan.Mask {
		t.Error("a model that is not in the manifest shows its values")
	}
}
