package plan_test

import (
	"slices"
	"testing"

	"exposync/internal/mapping"
	"exposync/internal/plan"
)

func TestNamedColumns(t *testing.T) {
	t.Parallel()
	one := plan.TextConstant("x")
	j := plan.Job{
		Key: []plan.KeyField{{Field: "id", Column: "customer_id"}, {Field: "at", Column: "day", Rule: &mapping.Rule{Cast: "text"}}},
		Fields: []plan.Field{
			{Name: "a", Column: "email"},
			{Name: "b", Rule: &mapping.Rule{Expr: "first_name + lower(last_name) + email"}},
			{Name: "c", Value: one},
			{Name: "d", Rule: &mapping.Rule{Object: []mapping.Member{
				{Name: "x", Column: "country"}, {Name: "y", Value: one}, {Name: "z", Rule: &mapping.Rule{Expr: "coalesce(city, zip)"}},
			}}},
		},
	}
	if got, want := j.KeyColumns(), []string{"customer_id", "day"}; !slices.Equal(got, want) {
		t.Errorf("KeyColumns() = %v, want %v", got, want)
	}
	want := []string{"customer_id", "day", "email", "first_name", "last_name", "country", "city", "zip"}
	if got := j.NamedColumns(); !slices.Equal(got, want) {
		t.Errorf("NamedColumns() = %v, want %v", got, want)
	}
}
