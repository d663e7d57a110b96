package postgres

import (
	"context"
	"net"
	"sync"
)

// dialer knows its open connections, so that a server that no longer answers
// cannot keep the program from ending.
type dialer struct {
	net.Dialer

	mu     sync.Mutex
	open   map[*conn]bool
	closed bool
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	out := &conn{Conn: c, dialer: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	if d.open == nil {
		d.open = map[*conn]bool{}
	}
	d.open[out] = true
	return out, nil
}

// sever closes whatever is still open, and opens nothing more.
func (d *dialer) sever() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for c := range d.open {
		_ = c.Conn.Close()
	}
}

type conn struct {
	net.Conn

	dialer *dialer
}

// Close forgets the connection and closes it.
func (c *conn) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.open, c)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}
