package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
)

func TestAllFindsEveryFault(t *testing.T) {
	t.Parallel()
	a, b := &fault.Fault{Code: "a", Kind: fault.Config}, &fault.Fault{Code: "b", Kind: fault.Unavailable}
	tests := map[string]struct {
		err  error
		want []string
		exit int
	}{
		"nothing":            {nil, nil, 0},
		"one":                {a, []string{"a"}, 2},
		"wrapped":            {fmt.Errorf("open: %w", b), []string{"b"}, 5},
		"a list":             {fault.List{a, b}, []string{"a", "b"}, 2},
		"a wrapped list":     {fmt.Errorf("load: %w", fault.List{b, a}), []string{"b", "a"}, 2},
		"joined":             {errors.Join(a, b), []string{"a", "b"}, 2},
		"joined, and deeper": {errors.Join(b, errors.Join(fault.List{b, b}, fmt.Errorf("x: %w", a))), []string{"b", "b", "b", "a"}, 2},
		"no fault":           {errors.New("x"), []string{"internal"}, 1},
		"a fault and none":   {errors.Join(b, errors.New("x")), []string{"b", "internal"}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range fault.All(tt.err) {
				got = append(got, f.Code)
				if !fault.Is(tt.err, f.Code) {
					t.Errorf("Is does not find %s", f.Code)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if code := fault.ExitCode(tt.err); code != tt.exit {
				t.Errorf("exit code %d, want %d", code, tt.exit)
			}
		})
	}
}

func TestWorse(t *testing.T) {
	t.Parallel()
	order := []int{130, 1, 2, 5, 4, 3, 6, 0}
	for i, worse := range order {
		for _, better := range order[i:] {
			if fault.Worse(worse, better) != worse || fault.Worse(better, worse) != worse {
				t.Errorf("%d must win over %d", worse, better)
			}
		}
	}
}
