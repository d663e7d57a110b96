package rest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// Sink takes in a reply that is too large for memory.
type Sink interface {
	io.Writer
	// Reset forgets what was written: a reply begins, perhaps once more, since
	// the one before broke.
	Reset() error
}

// body takes in the reply: a success into the request's sink, if it has one,
// anything else into memory.
func (c *Client) body(resp *http.Response, r Request) ([]byte, error) {
	if r.Into == nil || resp.StatusCode < 200 || resp.StatusCode > 299 {
		var buf bytes.Buffer
		if n := resp.ContentLength; n > 0 && n <= c.cfg.MaxReply {
			buf.Grow(int(n) + bytes.MinRead)
		}
		_, err := buf.ReadFrom(http.MaxBytesReader(nil, resp.Body, c.cfg.MaxReply))
		return buf.Bytes(), capped(err)
	}
	most := orElse(r.Most, c.cfg.MaxReply)
	return nil, capped(pour(r.Into, http.MaxBytesReader(nil, resp.Body, most)))
}

func capped(err error) error {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return errReplyTooLarge
	}
	return err
}

// pour tells a sink that failed from a reply that broke: only the reply may
// come again.
func pour(into Sink, from io.Reader) error {
	w := &sinking{to: into, err: into.Reset()}
	if w.err == nil {
		if _, err := io.Copy(w, from); w.err == nil {
			return err
		}
	}
	return &Error{Code: CodeUnkept, Msg: "the answer could not be written down", Err: w.err}
}

// sinking keeps the sink's own error.
type sinking struct {
	to  Sink
	err error
}

// Write writes to the sink.
func (s *sinking) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.err = err
	return n, err
}
