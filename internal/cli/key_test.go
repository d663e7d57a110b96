package cli_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/cli"
	"exposync/internal/plan"
)

func TestKeyParts(t *testing.T) {
	t.Parallel()
	one := []plan.KeyField{{Field: "email", Column: "mail"}}
	two := []plan.KeyField{{Field: "id", Column: "order_id"}, {Field: "region", Column: "area"}}
	tests := map[string]struct {
		fields []plan.KeyField
		given  []string
		want   []string // nil for a mistake
	}{
		"value":              {one, []string{"a,b=c"}, []string{"a,b=c"}},
		"their name":         {one, []string{"email=a"}, []string{"a"}},
		"our name":           {one, []string{"mail=a"}, []string{"a"}},
		"two values for one": {one, []string{"a", "b"}, nil},
		"named":              {two, []string{"region=eu,id=4"}, []string{"4", "eu"}},
		"named by ours":      {two, []string{"area=eu,order_id=4"}, []string{"4", "eu"}},
		"one --key each":     {two, []string{"region=e,u", "id=4"}, []string{"4", "e,u"}},
		"values":             {two, []string{"4,eu"}, []string{"4", "eu"}},
		"quoted":             {two, []string{`4,"e,u"`}, []string{"4", "e,u"}},
		"as rejects show it": {two, []string{`["4","e,u"]`}, []string{"4", "e,u"}},
		"too few":            {two, []string{"4"}, nil},
		"the same twice":     {two, []string{"id=4,id=5"}, nil},
		"another field":      {two, []string{"id=4,country=eu"}, nil},
		"nothing":            {two, nil, nil},
	}
	for name, tt := range tests {
		got, err := cli.KeyParts("orders", tt.fields, tt.given...)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err == nil) != (tt.want != nil) {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}
