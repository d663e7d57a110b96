//go:build !simclock

package cli

import "time"

// clock is the time of this process.
func clock() func() time.Time {
	return time.Now //nolint:forbidigo // the one clock
}
