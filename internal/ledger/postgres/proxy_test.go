package postgres_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between the store and the server and understands the frames of
// PostgreSQL's protocol: it tells of every statement before the server sees it,
// and can cut all connections.
type proxy struct {
	listener net.Listener
	server   string
	before   func(statement string) // nil: tell nobody
	telling  sync.Mutex

	sessions sync.WaitGroup // that the server has not ended

	mu    sync.Mutex
	down  bool // no connection is let through
	conns []interface{ Close() error }
}

// halfClosed is closed for writing: the server's end of a session is waited for.
type halfClosed struct{ *net.TCPConn }

func (c halfClosed) Close() error { return c.CloseWrite() }

// newProxy gives the proxy and the DSN through it.
func newProxy(tb testing.TB, dsn string) (*proxy, string) {
	tb.Helper()
	u, err := url.Parse(dsn)
	must(tb, err)
	var listen net.ListenConfig
	listener, err := listen.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	must(tb, err)
	p := &proxy{listener: listener, server: u.Host}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { p.serve(client) })
		}
	})
	tb.Cleanup(func() { _ = listener.Close(); p.cut(true); group.Wait() })
	u.Host = listener.Addr().String()
	return p, u.String()
}

// cut closes every connection; with down none is let through from now on.
func (p *proxy) cut(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

func (p *proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	dialed, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer func() { _ = dialed.Close() }()
	server := halfClosed{dialed.(*net.TCPConn)}
	p.mu.Lock()
	if p.down {
		p.mu.Unlock()
		return
	}
	p.conns = append(p.conns, client, server)
	p.sessions.Add(1)
	p.mu.Unlock()
	defer p.sessions.Done()
	var group sync.WaitGroup
	group.Go(func() {
		_, _ = io.Copy(client, dialed)
		_ = client.Close()
		_, _ = io.Copy(io.Discard, dialed)
	})
	p.requests(client, server)
	_ = server.Close()
	group.Wait()
}

// requests passes frames on: the first has no type.
func (p *proxy) requests(client io.Reader, server io.Writer) {
	head := make([]byte, 5)
	parsed := "" // the text of the unnamed statement
	for first := true; ; first = false {
		prefix := head
		if first {
			prefix = head[:4]
		}
		if _, err := io.ReadFull(client, prefix); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(prefix[len(prefix)-4:])-4)
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		if !first {
			switch head[0] {
			case 'Q':
				p.tell(string(bytes.TrimRight(body, "\x00")))
			case 'P':
				text, _, _ := bytes.Cut(body[1:], []byte{0})
				parsed = string(text)
			case 'E':
				p.tell(parsed)
			}
		}
		if _, err := server.Write(append(bytes.Clone(prefix), body...)); err != nil {
			return
		}
	}
}

func (p *proxy) tell(statement string) {
	if p.before == nil {
		return
	}
	p.telling.Lock()
	defer p.telling.Unlock()
	p.before(statement)
}
