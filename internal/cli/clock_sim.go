//go:build simclock

package cli

import (
	"os"
	"time"
)

// clock starts at the instant in EXPOSYNC_CLOCK (RFC 3339): for the build that
// plays two weeks of a team's life. No binary that users get has it.
func clock() func() time.Time {
	start, err := time.Parse(time.RFC3339, os.Getenv("EXPOSYNC_CLOCK"))
	if err != nil {
		panic("this build of exposync needs EXPOSYNC_CLOCK")
	}
	began := time.Now() //nolint:forbidigo // what passes since then is real
	return func() time.Time { return start.Add(time.Since(began)) }
}
