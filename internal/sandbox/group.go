package sandbox

import "sync"

// group lets many writers share one sync of a file: the first of them syncs
// for all that wrote before it began.
type group struct {
	sync func() error

	mu      sync.Mutex
	done    sync.Cond
	written int64 // bytes
	synced  int64
	busy    bool
	err     error // stays: after a failed sync nobody knows what is on disk
}

func (g *group) init(sync func() error) {
	g.sync = sync
	g.done.L = &g.mu
}

// wrote tells that the file now ends at end.
func (g *group) wrote(end int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.written = max(g.written, end)
}

// wait returns when everything up to end is on disk.
func (g *group) wait(end int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.synced < end && g.err == nil {
		if g.busy {
			g.done.Wait()
			continue
		}
		g.busy = true
		until := g.written
		g.mu.Unlock()
		err := g.sync()
		g.mu.Lock()
		g.busy = false
		if err != nil {
			g.err = err
		} else {
			g.synced = until
		}
		g.done.Broadcast()
	}
	return g.err
}
