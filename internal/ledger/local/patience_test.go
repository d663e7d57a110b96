package local

import (
	"errors"
	"testing"
	"time"
)

func TestPatientlyWaitsForBusyFiles(t *testing.T) {
	t.Parallel()
	held, full := errors.New("in use by another process"), errors.New("no space left")
	for name, tt := range map[string]struct {
		errs  []error // of the attempts; the last one stays
		want  error
		tries int
	}{
		"at once":             {[]error{nil}, nil, 1},
		"busy for a moment":   {[]error{held, held, nil}, nil, 3},
		"busy for ever":       {[]error{held}, held, attempts},
		"something else":      {[]error{full}, full, 1},
		"busy, then no space": {[]error{held, full}, full, 2},
	} {
		tries, waited, longest := 0, time.Duration(0), time.Duration(0)
		err := patiently(func(err error) bool { return errors.Is(err, held) }, func(d time.Duration) {
			waited, longest = waited+d, max(longest, d)
		}, func() error {
			tries++
			return tt.errs[min(tries, len(tt.errs))-1]
		})
		if !errors.Is(err, tt.want) || tries != tt.tries {
			t.Errorf("%s: %v after %d attempts, want %v after %d", name, err, tries, tt.want, tt.tries)
		}
		if waited > 6*time.Second || longest > longestPause || tt.tries == attempts && waited < 4*time.Second {
			t.Errorf("%s: waited %s, at most %s at once", name, waited, longest)
		}
	}
}
