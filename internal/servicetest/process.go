package servicetest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"
)

// patience is how long a server may take to start or to end.
const patience = 30 * time.Second

// process is a server that runs until the test ends.
type process struct {
	url  string
	gone chan struct{} // closed when it has ended
	log  log
}

// log keeps what a server says; it is written while it is read.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// start runs a program that listens on address, and waits until it answers
// GET probe. When the test ends it is killed, and its port must be free again.
func start(tb testing.TB, address, probe string, cmd *exec.Cmd) *process {
	tb.Helper()
	p := &process{url: "http://" + address, gone: make(chan struct{})}
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &p.log, &p.log, attributes()
	if err := p.launch(cmd); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.gone
		if conn, err := (&net.Dialer{}).DialContext(context.WithoutCancel(tb.Context()), "tcp", address); err == nil {
			_ = conn.Close()
			tb.Errorf("%s is still open after its server was stopped", address)
		}
	})
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if err := p.ready(ctx, p.url+probe); err != nil {
		tb.Fatalf("%s: %v\n%s", cmd.Path, err, p.log.String())
	}
	return p
}

// launch starts the process from a thread of its own that waits for it, because
// Linux sends the parent-death signal when the thread dies.
func (p *process) launch(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait()
		close(p.gone)
	}()
	return <-started
}

func (p *process) ready(ctx context.Context, url string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.gone:
			return errors.New("ended while it was starting")
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(r); err == nil {
			_ = resp.Body.Close()
			return nil
		}
	}
}

// freeAddress is one that nobody listens on.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
