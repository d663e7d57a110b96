package job_test

import (
	"testing"

	"exposync/internal/job"
)

func TestResolveTarget(t *testing.T) {
	t.Parallel()

	tests := []struct{ flag, ran, profile, target, from string }{
		{"a", "b", "c", "a", "--target"},
		{"", "b", "c", "b", "run_results.json"},
		{"", "", "c", "c", "profiles.yml"},
		{"", "", "", "", ""},
	}
	for _, tt := range tests {
		target, from := job.ResolveTarget(tt.flag, tt.ran, tt.profile)
		if target != tt.target || from != tt.from {
			t.Errorf("ResolveTarget(%q, %q, %q) = %q, %q", tt.flag, tt.ran, tt.profile, target, from)
		}
	}
}
