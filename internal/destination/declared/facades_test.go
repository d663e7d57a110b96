package declared_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/facade/facadetest"
)

// stand is the sandbox speaking for a vendor, behind a proxy that counts
// what arrives and can fall silent.
type stand struct {
	*facadetest.Client
	proxy *httptest.Server
	kind  string
	about dialect

	mu    sync.Mutex
	sizes []destinationtest.Size
	hangs bool
	quit  chan struct{}
}

// dialect is what the suite has to know of a vendor.
type dialect struct {
	kind    string // empty: the name of the dialect
	object  string
	params  map[string]string
	names   map[string]string // the suite's fields as the vendor allows them to be called
	rows    string            // path of the records in the body of a write
	lose    string            // method of a write by key
	keys    map[string]string // keys of the suite that the vendor could not keep, and others in their place
	missing map[destinationtest.Ability]string
}

func dialects() map[string]dialect {
	same := map[string]string{}
	custom := map[string]string{}
	for _, f := range append(destinationtest.KeyFields(), destinationtest.Fields()...) {
		same[f.Name], custom[f.Name] = f.Name, "Suite_"+f.Name+"__c"
	}
	same["id"] = "suite_id"
	long := strings.Repeat("k", 500)
	const noAppend = "objects of a CRM have an identity"
	return map[string]dialect{
		"hubspot": {
			object: "people", names: same, rows: "inputs", lose: http.MethodPost, params: map[string]string{"token": token},
			missing: map[destinationtest.Ability]string{
				destinationtest.KeepsNulls: "an empty text is how HubSpot clears a property",
				destinationtest.JSONNulls:  "HubSpot holds texts", destinationtest.Appends: noAppend,
			},
		},
		"hubspot v3": {
			kind: "hubspot", object: "people", names: same, rows: "inputs", lose: http.MethodPost, params: map[string]string{"token": token, "api": "v3"},
			missing: map[destinationtest.Ability]string{
				destinationtest.KeepsNulls: "an empty text is how HubSpot clears a property",
				destinationtest.JSONNulls:  "HubSpot holds texts", destinationtest.Appends: noAppend,
			},
		},
		"salesforce": {
			object: "Person__c", names: custom, rows: "records", lose: http.MethodPatch,
			params: map[string]string{"client_id": "app", "client_secret": token},
			keys:   map[string]string{long: long[:255], "UPPER": "UPPER 2"},
			missing: map[destinationtest.Ability]string{
				destinationtest.KeepsNulls: "an empty text is a null in Salesforce",
				destinationtest.JSONNulls:  "Salesforce holds texts", destinationtest.Appends: noAppend,
			},
		},
	}
}

func newStand(t *testing.T, kind string) *stand {
	t.Helper()
	about := dialects()[kind]
	if about.kind != "" {
		kind = about.kind
	}
	s := &stand{kind: kind, about: about, quit: make(chan struct{}), Client: facadetest.New(t, facadetest.Harness{Kind: kind})}
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	to := httputil.NewSingleHostReverseProxy(target)
	to.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	s.proxy = httptest.NewUnstartedServer(s.look(to))
	s.proxy.Start()
	t.Cleanup(func() {
		close(s.quit)
		s.proxy.Close()
	})
	return s
}

// look counts the records of writes, and holds them back if it is to.
func (s *stand) look(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rows := gjson.GetBytes(body, s.about.rows)
		if rows.IsArray() && !strings.HasSuffix(r.URL.Path, "/read") {
			s.mu.Lock()
			s.sizes = append(s.sizes, destinationtest.Size{Rows: len(rows.Array()), Bytes: len(body)})
			hangs := s.hangs
			s.mu.Unlock()
			if hangs {
				select {
				case <-r.Context().Done():
				case <-s.quit:
				}
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (s *stand) seen() []destinationtest.Size {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]destinationtest.Size(nil), s.sizes...)
}

func (s *stand) spoilt() sandbox.Rule {
	return sandbox.Rule{
		Kind: "reject", Field: s.about.names["name"], Value: json.RawMessage(`"spoilt value"`), Code: "VALIDATION_ERROR", Message: "must not be spoilt value",
	}
}

func (s *stand) fail(t *testing.T, f destinationtest.Failure) {
	t.Helper()
	switch f {
	case destinationtest.Die:
		s.proxy.Close()
	case destinationtest.Hang:
		s.mu.Lock()
		s.hangs = true
		s.mu.Unlock()
	case destinationtest.Shed:
		s.Faults(s.spoilt(), sandbox.Rule{Kind: sandbox.ServerError, Method: s.about.lose, Times: 1})
	case destinationtest.LoseAnswer:
		s.Faults(s.spoilt(), sandbox.Rule{Kind: sandbox.TimeoutAfterCommit, Method: s.about.lose, Times: 1})
	case destinationtest.Deny:
		s.Faults(s.spoilt(), sandbox.Rule{Kind: sandbox.TokenExpiry})
	}
}

// connect opens the vendor's own description over the facade.
func (s *stand) connect(t *testing.T) *declared.Destination {
	t.Helper()
	params := map[string]string{"url": s.proxy.URL + facade.Mount(s.kind, facadetest.Connection)}
	maps.Copy(params, s.about.params)
	d, err := declared.New(declared.Config{Kind: s.kind, Name: "crm", Where: "exposync.yml:4", Params: params, Rest: restConfig()})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rows reads what the vendor holds by the suite's names.
func (s *stand) rows(t *testing.T) []destinationtest.Row {
	t.Helper()
	var out []destinationtest.Row
	for _, kept := range s.Records(s.about.object) {
		if kept.Deleted {
			continue
		}
		row := destinationtest.Row{}
		for ours, theirs := range s.about.names {
			value, there := kept.Fields[theirs]
			if !there {
				continue
			}
			row[ours] = said(value, ours)
		}
		for was, instead := range s.about.keys {
			if id := row["id"]; id != nil && *id == instead {
				row["id"] = &was
			}
		}
		out = append(out, row)
	}
	return out
}

// said is a value of a page's JSON as canonical text. The suite tells empty
// texts from nulls; these vendors do not.
func said(value any, field string) *string {
	text := ""
	switch v := value.(type) {
	case nil:
	case string:
		text = v
	default:
		data, _ := json.Marshal(v)
		text = string(data)
	}
	if text == "" && field != "name" {
		return nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && field == "day" { // as HubSpot holds it
		text = time.UnixMilli(ms).UTC().Format(time.DateOnly)
	}
	return &text
}

// spoken is a destination that is spoken to by the vendor's names.
type spoken struct {
	destination.Destination
	about dialect
}

func (s *stand) speak(t *testing.T) destination.Destination {
	t.Helper()
	return spoken{s.connect(t), s.about}
}

// Open translates the suite's target. Moments go as texts: fields for them
// hold less than the suite sends.
func (s spoken) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	translate := func(fields []destination.Field) (out []destination.Field) {
		for _, f := range fields {
			f.Name = s.about.names[f.Name]
			if f.Kind == record.Instant || f.Kind == record.Timestamp {
				f.Kind = record.Text
			}
			out = append(out, f)
		}
		return out
	}
	t.Key, t.Fields = translate(t.Key), translate(t.Fields)
	w, err := s.Destination.Open(ctx, t)
	if err != nil {
		return nil, err
	}
	return spokenWriter{w, s.about}, nil
}

type spokenWriter struct {
	destination.Writer
	about dialect
}

// Write translates keys that the vendor could not keep, and moments.
func (w spokenWriter) Write(ctx context.Context, batch []record.Change) []destination.Outcome {
	sent := append([]record.Change(nil), batch...)
	for i := range sent {
		ch := &sent[i]
		if instead, ok := w.about.keys[string(ch.KeyVals[0].Data)]; ok {
			ch.KeyVals = record.Record{textValue(instead)}
			ch.Key = record.AppendKey(nil, ch.KeyVals...)
		}
		ch.Values = append(record.Record(nil), ch.Values...)
		for k := range ch.Values {
			if v := &ch.Values[k]; v.Kind == record.Instant || v.Kind == record.Timestamp {
				v.Kind = record.Text
			}
		}
	}
	return w.Writer.Write(ctx, sent)
}

// learned are the suite's fields as a run would announce them.
func (s *stand) learned() []facade.Field {
	kinds := map[record.Kind]string{record.Int: "number", record.Decimal: "number", record.Bool: "bool", record.Date: "date"}
	out := []facade.Field{{Name: s.about.names["id"], Type: "text", Key: true}}
	for _, f := range destinationtest.Fields() {
		out = append(out, facade.Field{Name: s.about.names[f.Name], Type: kinds[f.Kind]})
	}
	return out
}

func facadeConforms(t *testing.T, kind string) {
	t.Helper()
	destinationtest.Run(t, destinationtest.Harness{
		Missing: dialects()[kind].missing,
		New: func(t *testing.T) *destinationtest.Subject {
			t.Helper()
			s := newStand(t, kind)
			s.Learn(s.about.object, s.learned()...)
			s.Faults(s.spoilt())
			return &destinationtest.Subject{
				Destination: s.speak(t), Object: s.about.object, Rows: s.rows, Fail: s.fail, Seen: s.seen,
				Spoil:   func(ch *record.Change) { ch.Values[0] = textValue("spoilt value") },
				Secrets: []string{token, "spoilt value"},
			}
		},
	})
}

// The descriptions and the facades are written by two hands: here they meet.
func TestHubSpotConforms(t *testing.T)    { t.Parallel(); facadeConforms(t, "hubspot") }
func TestHubSpotV3Conforms(t *testing.T)  { t.Parallel(); facadeConforms(t, "hubspot v3") }
func TestSalesforceConforms(t *testing.T) { t.Parallel(); facadeConforms(t, "salesforce") }

// HubSpot takes contacts by their address as a whole only, and several
// options of one property with ; between them.
func TestHubSpotWantsWholeContacts(t *testing.T) {
	t.Parallel()
	s := newStand(t, "hubspot")
	property := `{"name":"interests","type":"enumeration","fieldType":"checkbox","options":[{"label":"A","value":"a"},{"label":"B","value":"b"}]}`
	r := s.Request(http.MethodPost, "/crm/properties/2026-09/contacts", property)
	r.Header.Set("Authorization", "Bearer "+token)
	if status, _, body := s.Send(r); status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	d := s.connect(t)
	defer func() { _ = d.Close() }()
	target := destination.Target{
		Object: "contacts", Mode: destination.Upsert, Key: []destination.Field{{Name: "email", Kind: record.Text}},
		Fields: []destination.Field{{Name: "interests", Kind: record.Text}},
	}
	w, err := d.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	var batch []record.Change
	for key, value := range map[string]string{"a@example.com": "a;b", "b@example.com": "a;c"} {
		ch := record.Change{Op: record.Create, KeyVals: record.Record{textValue(key)}, Values: record.Record{textValue(value)}}
		ch.Key = record.AppendKey(nil, ch.KeyVals...)
		batch = append(batch, ch)
	}
	for i, o := range w.Write(t.Context(), batch) {
		good := string(batch[i].Values[0].Data) == "a;b"
		if good && o.State != destination.OK || !good && o.Code != "option_unknown" {
			t.Errorf("%s: %+v", batch[i].Values[0].Data, o)
		}
	}
	target.Fields[0].SkipNulls = true
	if _, err := d.Open(t.Context(), target); !fault.Is(err, "target_unsupported") || !strings.Contains(err.Error(), "whole records") {
		t.Errorf("with nulls: skip: %v", err)
	}
}
