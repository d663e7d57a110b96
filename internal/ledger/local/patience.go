package local

import "time"

// The waits between attempts at a file that somebody has open just now: they
// double from the first to the longest, about five seconds in all.
const (
	firstPause   = 2 * time.Millisecond
	longestPause = 250 * time.Millisecond
	attempts     = 26
)

// patiently tries again while a file is busy: on Windows it can be neither
// replaced nor removed while another process reads it, which may be a status
// command, an indexer or a virus scanner. Elsewhere nothing is ever busy.
func patiently(busy func(error) bool, wait func(time.Duration), step func() error) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := step()
		if err == nil || try == attempts || !busy(err) {
			return err
		}
		wait(pause)
		pause = min(2*pause, longestPause)
	}
}

func sleep(d time.Duration) { <-time.NewTimer(d).C }
