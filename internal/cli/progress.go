package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// redraw is how often the progress line changes at the most.
const redraw = 100 * time.Millisecond

// progress is one line at the bottom of a terminal that says how far the jobs
// in flight have come. Elsewhere it says nothing: bars are noise in a log.
type progress struct {
	a *app

	mu    sync.Mutex
	jobs  []string // in flight with something to send, in the order they began
	done  map[string]int64
	total map[string]int64
	last  time.Time
	drawn bool
}

func newProgress(a *app) *progress {
	return &progress{a: a, done: map[string]int64{}, total: map[string]int64{}}
}

// update is the engine's Progress.
func (p *progress) update(job string, done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.jobs, job) {
		p.jobs = append(p.jobs, job)
	}
	p.done[job], p.total[job] = done, total
	if now := p.a.env.Now(); now.Sub(p.last) >= redraw {
		p.last = now
		p.draw()
	}
}

// say prints a line above the progress line; ended is the job that the line
// is the end of, if it is one.
func (p *progress) say(ended, line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.jobs = slices.DeleteFunc(p.jobs, func(j string) bool { return j == ended })
	p.a.line(line)
	p.draw()
}

// end takes the progress line away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.jobs = nil
}

func (p *progress) draw() {
	if !p.a.env.Terminal || p.a.flags.quiet || len(p.jobs) == 0 {
		return
	}
	parts := make([]string, len(p.jobs))
	for i, j := range p.jobs {
		parts[i] = fmt.Sprintf("%s %d/%d", j, p.done[j], p.total[j])
	}
	text := []rune(strings.Join(parts, "  "))
	text = text[:min(len(text), p.a.width()-1)]
	p.clear()
	fmt.Fprint(p.a.env.Stderr, string(text))
	p.drawn = true
}

func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.a.env.Stderr, "\r\x1b[K")
		p.drawn = false
	}
}
