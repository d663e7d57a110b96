package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"exposync/internal/config"
	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/rest"
	"exposync/internal/sandbox/facade"
)

// sandboxed opens a connection of a sandbox target: a type that the sandbox
// speaks for by its own description, against the vendor's facade; any other
// by the generic store. No reference of another target is resolved.
func (s *session) sandboxed(ctx context.Context, c config.Connection) (destination.Destination, error) {
	base, err := s.sandbox(ctx)
	if err != nil {
		return nil, err
	}
	cfg := declared.Config{Kind: c.Type, Catalog: s.catalog, Name: c.Name, Where: c.Where, File: s.config.File, Rest: s.sandboxRest(), Rates: &s.rates}
	if _, spoken := facade.Of(c.Type); !spoken {
		cfg.Kind, cfg.Catalog, cfg.Params = "sandbox", nil, map[string]string{"url": base, "connection": c.Name}
		return declared.Connect(cfg)
	}
	if cfg.Params, err = s.catalog.Harmless(c.Type, base+facade.Mount(c.Type, c.Name), c.Literals()); err != nil {
		return nil, err
	}
	s.sayOverridden(c.Type)
	d, err := declared.Connect(cfg)
	if err != nil {
		return nil, err
	}
	t := teacher{base: base, kind: c.Type, connection: c.Name, client: rest.New(cfg.Rest)}
	switch d := d.(type) {
	case declared.Readable:
		return readableStandIn{d, t}, nil
	case *declared.Destination:
		return standIn{d, t}, nil
	}
	return nil, fmt.Errorf("BUG: connection %s: a description gave a %T", c.Name, d)
}

// sandboxRest lets a sandbox's connection reach this machine only, whatever
// address a description holds or an answer names.
func (s *session) sandboxRest() rest.Config {
	cfg := s.restConfig()
	cfg.Proxy = func(r *http.Request) (*url.URL, error) {
		if ip := net.ParseIP(r.URL.Hostname()); ip == nil || !ip.IsLoopback() {
			return nil, errors.New("a sandbox's connection asked for another machine")
		}
		return nil, nil //nolint:nilnil // no proxy
	}
	return cfg
}

// standIn is a connection to a vendor's facade. Before a job's fields are
// checked, the sandbox learns them.
type standIn struct {
	*declared.Destination

	teacher teacher
}

// readableStandIn is one that can be read by key.
type readableStandIn struct {
	declared.Readable

	teacher teacher
}

// Account is the sandbox's: its address differs from run to run.
func (d standIn) Account(ctx context.Context) (string, error) {
	return d.teacher.account(ctx, d.Destination)
}

// Account is the sandbox's.
func (d readableStandIn) Account(ctx context.Context) (string, error) {
	return d.teacher.account(ctx, d.Readable)
}

// Open teaches, and opens.
func (d standIn) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	return d.teacher.open(ctx, d.Destination, t)
}

// Open teaches, and opens.
func (d readableStandIn) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	return d.teacher.open(ctx, d.Readable, t)
}

// teacher tells the sandbox what will be sent, so that a vendor with a schema
// has the fields. A strict sandbox learns nothing.
type teacher struct {
	base, kind, connection string
	client                 *rest.Client
}

func (t teacher) account(ctx context.Context, d destination.Destination) (string, error) {
	if _, err := d.Account(ctx); err != nil { // the vendor's own check has to work all the same
		return "", err
	}
	return "sandbox/" + t.kind + "/" + t.connection, nil
}

func (t teacher) open(ctx context.Context, d destination.Destination, target destination.Target) (destination.Writer, error) {
	lesson := map[string]any{"kind": t.kind, "connection": t.connection, "object": target.Object, "fields": lessons(target)}
	body, err := json.Marshal(lesson)
	if err != nil {
		return nil, fmt.Errorf("teach the sandbox: %w", err)
	}
	resp, err := t.client.Do(ctx, rest.Request{
		Class: rest.Upsert, Method: http.MethodPost, URL: t.base + "/v1/_schema", Body: body,
		Header: http.Header{"Content-Type": {"application/json"}},
	})
	if err != nil || resp.Status != http.StatusOK {
		return nil, &fault.Fault{
			Code: "sandbox_schema", Kind: fault.Unavailable, Whose: fault.Setup, Where: "connection " + t.connection,
			Msg: "the sandbox did not take the fields of " + target.Object, Hint: "stop the sandbox that is running and start it anew", Err: err,
		}
	}
	return d.Open(ctx, target)
}

func lessons(t destination.Target) []facade.Field {
	var out []facade.Field
	for _, f := range t.Key {
		out = append(out, facade.Field{Name: f.Name, Type: familyOf(f.Kind), Key: t.Mode != destination.Append})
	}
	for _, f := range t.Fields {
		out = append(out, facade.Field{Name: f.Name, Type: familyOf(f.Kind)})
	}
	return out
}

// familyOf is what vendors call a kind of values.
func familyOf(k record.Kind) string {
	switch k {
	case record.Bool:
		return "bool"
	case record.Int, record.Float, record.Decimal:
		return "number"
	case record.Date:
		return "date"
	case record.Timestamp, record.Instant:
		return "time"
	default:
		return "text"
	}
}
