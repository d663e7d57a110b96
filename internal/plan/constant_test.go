package plan_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exposync/internal/plan"
	"exposync/internal/record"
)

func TestNumberConstantIsCanonical(t *testing.T) {
	t.Parallel()

	tests := []struct {
		text string
		kind record.Kind
		want string
	}{
		{"0", record.Int, "0"},
		{"-0", record.Int, "0"},
		{"007", record.Int, "7"},
		{"-12", record.Int, "-12"},
		{"123456789012345678901234567890", record.Int, "123456789012345678901234567890"},
		{"1.50", record.Decimal, "1.5"},
		{"1.0", record.Decimal, "1"},
		{"-0.0", record.Decimal, "0"},
		{"3e2", record.Decimal, "300"},
		{"1.25E-3", record.Decimal, "0.00125"},
		{"0.1", record.Decimal, "0.1"},
	}
	for _, tt := range tests {
		got, ok := plan.NumberConstant(tt.text)
		if !ok || got.Kind != tt.kind || string(got.Data) != tt.want {
			t.Errorf("NumberConstant(%q) = %+v, %t", tt.text, got, ok)
		}
	}
	for _, text := range []string{"", "-", ".5", "5.", "1_000", "0x1F", "1:30", "NaN", "1e999", "1e-301", "+1", "1 ", strings.Repeat("9", 301)} {
		if got, ok := plan.NumberConstant(text); ok {
			t.Errorf("NumberConstant(%q) = %+v, want none", text, got)
		}
	}
}

// A constant is exactly the number that was written.
func TestNumberConstantKeepsTheNumber(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,20})?(e-?[0-9]{1,2})?`).Draw(t, "text")
		v, ok := plan.NumberConstant(text)
		if !ok {
			t.Fatalf("%q is no number", text)
		}
		want, _ := new(big.Rat).SetString(text)
		got, ok := new(big.Rat).SetString(string(v.Data))
		if !ok || got.Cmp(want) != 0 || strings.ContainsAny(string(v.Data), "eE+") {
			t.Fatalf("NumberConstant(%q) = %s", text, v.Data)
		}
	})
}
