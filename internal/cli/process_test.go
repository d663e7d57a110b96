package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long a test waits for something that must happen.
const patience = 60 * time.Second

// process is a run that goes on while the test looks.
type process struct {
	m    *mini
	cmd  *exec.Cmd
	said *transcript
	end  chan error
}

// start begins a command of exposync in the project.
func (m *mini) start(args ...string) *process {
	m.Helper()
	p := &process{m: m, cmd: m.command(m.Context(), args...), said: newTranscript(), end: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	if err := p.cmd.Start(); err != nil {
		m.Fatal(err)
	}
	go func() { p.end <- p.cmd.Wait() }()
	m.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

func (p *process) signal(sig syscall.Signal) {
	p.m.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.m.Fatal(err)
	}
}

// interrupt sends SIGTERM and waits until the process says that it heard.
func (p *process) interrupt() {
	p.m.Helper()
	p.signal(syscall.SIGTERM)
	p.said.until(p.m, "interrupted: finishing")
}

// exit waits for the end and gives the exit code; -1 if a signal ended it.
func (p *process) exit() int {
	p.m.Helper()
	select {
	case <-p.end: //nolint:errcheck // the exit code says it
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.m.Fatalf("the process did not end; it said:\n%s", p.said.text())
		return 0
	}
}

// wantExit waits for the end and fails on another exit code.
func (p *process) wantExit(code int) string {
	p.m.Helper()
	if got := p.exit(); got != code {
		p.m.Fatalf("exit %d, want %d\n%s", got, code, p.said.text())
	}
	return p.said.text()
}

// transcript collects what a process says and lets tests wait for words.
type transcript struct {
	mu   sync.Mutex
	buf  strings.Builder
	grew chan struct{}
}

func newTranscript() *transcript { return &transcript{grew: make(chan struct{}, 1)} }

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(b)
	select {
	case t.grew <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (t *transcript) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

func (t *transcript) until(tb testing.TB, words string) {
	tb.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !strings.Contains(t.text(), words) {
		select {
		case <-t.grew:
		case <-late.C:
			tb.Fatalf("the process never said %q, but:\n%s", words, t.text())
		}
	}
}

// await waits for a signal of the test's own.
func await(tb testing.TB, what string, signal <-chan struct{}) {
	tb.Helper()
	select {
	case <-signal:
	case <-time.After(patience):
		tb.Fatalf("waited in vain for %s", what)
	}
}

// awaitRow asks the database until the query gives true.
func awaitRow(tb testing.TB, conn *pgx.Conn, query string) {
	tb.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		var yes bool
		if err := conn.QueryRow(tb.Context(), query).Scan(&yes); err != nil {
			tb.Fatalf("%s: %v", query, err)
		}
		if yes {
			return
		}
	}
	tb.Fatalf("waited in vain for %s", query)
}

// lastResult is the one result of the last run's artifact.
type lastResult struct {
	Status  string           `json:"status"`
	Message string           `json:"message"`
	Counts  map[string]int64 `json:"counts"`
	Rejects []struct {
		Code    string `json:"code"`
		Reason  string `json:"reason"`
		Records int64  `json:"records"`
	} `json:"rejects"`
	Problems []struct {
		Code, Where, Whose, Message, Next string
	} `json:"problems"`
}

// last reads the result of the last run; its counts have to add up.
func (m *mini) last() lastResult {
	m.Helper()
	var doc struct {
		Results []lastResult `json:"results"`
	}
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(m.dir, "target/exposync_run_results.json"))), &doc); err != nil {
		m.Fatal(err)
	}
	if len(doc.Results) != 1 {
		m.Fatalf("%d results", len(doc.Results))
	}
	r := doc.Results[0]
	c := r.Counts
	if c["read"] != c["unchanged"]+c["created"]+c["updated"]+c["invalid"]+c["held_back"]+c["quarantined"] ||
		c["created"]+c["updated"]+c["deleted"] != c["ok"]+c["rejected"]+c["in_doubt"]+c["not_sent"] {
		m.Errorf("the counts do not add up: %v", c)
	}
	return r
}

// wantCounts compares the counts that are named; those that are not have to
// be 0, but for calls.
func (m *mini) wantCounts(want map[string]int64) {
	m.Helper()
	got := m.last().Counts
	for name, n := range got {
		if w, named := want[name]; n != w && (named || name != "calls") {
			m.Errorf("%s = %d, want %d (all: %v)", name, n, w, got)
		}
	}
}
