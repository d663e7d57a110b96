// Package sandbox is a destination to try syncs with: a store of JSON records
// on this machine that remembers every version of every record and every
// request with its reply, shows them on a page, and fails on demand.
//
// Its contract is small. POST /v1/CONNECTION/OBJECT/batch takes
//
//	{"mode": "upsert", "records": [{"op": "upsert", "key": {…}, "fields": {…}}]}
//
// and answers, once it is on disk, one result per record in the same order:
//
//	{"results": [{"status": "created", "id": "…"}], "accepted": 1}
//
// Everything else reads: GET /v1/CONNECTION tells the account, GET
// /v1/CONNECTION/OBJECT/records lists, …/records/ID has the history.
//
// For vendors that package facade knows it also answers in their own words,
// below /as/KIND/CONNECTION, over the same store and with the same faults.
package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"exposync/internal/fault"
)

// Config says where a sandbox keeps its records.
type Config struct {
	Dir  string // created with mode 0700
	Now  func() time.Time
	Wait func(ctx context.Context, d time.Duration) error // for the fault "slow"; nil takes a timer
	Rand io.Reader                                        // for the token of a new store; nil takes the system's
	// Rules make the sandbox fail from the start, see Rule.
	Rules []Rule
	Seed  uint64 // decides which requests and records a rule with a rate acts on
	// Strict tells that vendors with a schema refuse fields that nobody
	// declared; otherwise they make them.
	Strict bool
}

// Sandbox is one store and its HTTP handler. It is safe for concurrent use.
type Sandbox struct {
	config Config
	token  string
	lock   *os.File
	store  *store
	faults *faults
	log    *requestLog
	mounts mounts
	routes http.Handler
}

// Open reads the store in Dir, or makes one. A folder that cannot be used, that
// another sandbox uses, or that holds something else is a fault with code
// "sandbox_dir", "sandbox_busy" or "sandbox_damaged".
func Open(c Config) (*Sandbox, error) {
	if c.Wait == nil {
		c.Wait = sleep
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, dirFault(c.Dir, err)
	}
	lock, err := takeLock(filepath.Join(c.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	s := &Sandbox{config: c, lock: lock, log: &requestLog{}, faults: &faults{wait: c.Wait, seed: c.Seed}}
	if err := s.faults.set(c.Rules); err != nil {
		return nil, errors.Join(err, dropLock(lock))
	}
	if s.token, err = readToken(c.Dir, c.Rand); err == nil {
		s.store, err = openStore(filepath.Join(c.Dir, "records"), c.Now)
	}
	if err != nil {
		return nil, errors.Join(err, dropLock(lock))
	}
	s.routes = s.handler()
	return s, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func dirFault(dir string, err error) error {
	return &fault.Fault{
		Code: "sandbox_dir", Kind: fault.Config, Whose: fault.Setup, Where: dir,
		Msg: "the sandbox cannot use its folder", Hint: "check the owner and permissions of the folder", Err: err,
	}
}

// readToken gives the store's token, making it once.
func readToken(dir string, random io.Reader) (string, error) {
	path := filepath.Join(dir, "token")
	data, err := os.ReadFile(path)
	if err == nil && len(strings.TrimSpace(string(data))) == 32 {
		return strings.TrimSpace(string(data)), nil
	}
	raw := make([]byte, 16)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("make the sandbox's token: %w", err)
	}
	token := hex.EncodeToString(raw)
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", dirFault(dir, err)
	}
	return token, nil
}

// Token identifies the store: GET /healthz repeats it, so that a caller can
// tell its own sandbox from another program on the same port. It is no secret.
func (s *Sandbox) Token() string { return s.token }

// ServeHTTP answers one request: the API, and the page.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// Serve answers requests until ctx ends, and gives those in flight five
// seconds more. An address that others could reach is refused: the sandbox
// has no authentication.
func (s *Sandbox) Serve(ctx context.Context, l net.Listener) error {
	if tcp, ok := l.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = l.Close()
		return &fault.Fault{
			Code: "sandbox_address", Kind: fault.Config, Whose: fault.Setup, Where: l.Addr().String(),
			Msg: "the sandbox has no authentication, so it listens on this machine only", Hint: "use 127.0.0.1:PORT",
		}
	}
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the sandbox: %w", err)
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(late); err != nil {
		_ = server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the sandbox: %w", err)
	}
	return nil
}

// Close closes the store. What was answered with 200 is on disk before.
func (s *Sandbox) Close() error { return errors.Join(s.store.close(), dropLock(s.lock)) }
