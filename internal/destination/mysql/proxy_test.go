package mysql_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"exposync/internal/destination/destinationtest"
)

// proxy stands between client and server, understands the packets of MySQL's
// protocol, and breaks the connection when a test wants it.
type proxy struct {
	listener   net.Listener
	server     string
	hang       atomic.Bool // nothing more is passed on to the server
	loseCommit atomic.Bool // the next commit is passed on, its answer is not

	mu    sync.Mutex
	conns []net.Conn
	seen  []destinationtest.Size
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: server}
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
	t.Cleanup(func() { p.close(); group.Wait() })
	return p
}

func (p *proxy) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

func (p *proxy) sizes() []destinationtest.Size {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, client, server)
	p.mu.Unlock()
	var mute atomic.Bool
	var group sync.WaitGroup
	group.Go(func() { // answers
		buf := make([]byte, 1<<16)
		for {
			n, err := server.Read(buf)
			if mute.Load() { // the commit's answer: everything ends here
				break
			}
			if n > 0 {
				_, _ = client.Write(buf[:n])
			}
			if err != nil {
				break
			}
		}
		_ = client.Close()
		_ = server.Close()
	})
	p.requests(client, server, &mute)
	_ = client.Close()
	_ = server.Close()
	group.Wait()
}

// requests passes packets on: three bytes of length, the number of the packet
// in its exchange, the body.
func (p *proxy) requests(client, server net.Conn, mute *atomic.Bool) {
	head := make([]byte, 4)
	for {
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		if p.hang.Load() {
			continue
		}
		if head[3] == 0 && len(body) > 0 && body[0] == 3 { // a query
			p.look(body[1:], mute)
		}
		if _, err := server.Write(append(bytes.Clone(head), body...)); err != nil {
			return
		}
	}
}

func (p *proxy) look(sql []byte, mute *atomic.Bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch word, _, _ := bytes.Cut(sql, []byte(" ")); string(word) {
	case "start":
		p.seen = append(p.seen, destinationtest.Size{})
	case "insert", "update":
		last := &p.seen[len(p.seen)-1]
		last.Rows += bytes.Count(sql, []byte("\n"))
		last.Bytes += len(sql)
	case "commit":
		if p.loseCommit.Swap(false) {
			mute.Store(true)
		}
	}
}
