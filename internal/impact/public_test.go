package impact_test

import (
	"slices"
	"testing"

	"exposync/internal/impact"
)

// A project that nobody wrote for Exposync, before and after its dim_customers
// got versions: what people read is another relation, and the tests are the
// same tests, although dbt gives them other ids.
func TestPublicProjectGetsVersions(t *testing.T) {
	t.Parallel()
	const public = "../../fixtures/dbt/public/dbt-docs/"
	v1, v2 := load(t, public+"v1/manifest.json"), load(t, public+"v2/manifest.json")
	const plain, versioned = "model dim_customers has versions now, and this one is dim_customers.v2", "model dim_customers.v2 is dim_customers now, without a version"
	for _, tt := range []struct {
		name          string
		before, after impact.Side
		want          []string // messages of what is not safe
	}{
		{"there", v1, v2, []string{plain}},
		{"back", v2, v1, []string{versioned, "model fct_orders is protected now, was public"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, x := range impact.Compare(tt.before, tt.after, impact.Options{}).Changes {
				if x.Severity != impact.Safe {
					got = append(got, x.Message)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
