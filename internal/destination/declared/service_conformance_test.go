package declared_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/record"
	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/facade/facadetest"
	"exposync/internal/yamlx"
)

// accent is how the suite of destinations speaks with one object of a vendor.
type accent struct {
	kind, object, key string
	params            map[string]string
	name              string        // the suite's field name, at the vendor
	texts             []record.Kind // values of these kinds are sent as texts
	// extra are fields that the suite does not have: what the vendor demands,
	// and the last one with a value that it refuses for a spoilt record.
	extra []destination.Field
	fill  func(ch *record.Change) record.Record // all of extra but the last
	many  int64                                 // records that a run would have, for the route
	write func(r *http.Request) bool            // it carries records
	rows  string                                // path of them in its body; empty: one
	page  string                                // a path of the vendor that lists what is there
	items string                                // path of the records in its answer
	more  func(answer string) string            // path of the next page; nil: there is one
	own   string                                // path of the suite's fields in a record
	none  map[destinationtest.Ability]string
}

const spoiltText = "spoilt value"

// booth is the sandbox behind a proxy that counts what arrives, and can fall
// silent.
type booth struct {
	*facadetest.Client
	a     accent
	proxy *httptest.Server
	quit  chan struct{}

	mu    sync.Mutex
	sizes []destinationtest.Size
	hangs bool
}

func newBooth(t *testing.T, a accent) *booth {
	t.Helper()
	b := &booth{a: a, quit: make(chan struct{})}
	b.Client = facadetest.New(t, facadetest.Harness{Kind: a.kind, Authorize: func(r *http.Request) {
		r.Header.Set("Authorization", map[string]string{"klaviyo": "Klaviyo-API-Key x"}[a.kind])
		if a.kind != "klaviyo" {
			r.Header.Set("Authorization", "Bearer x")
		}
		r.Header.Set("Revision", "2026-07-15")
	}})
	target, err := url.Parse(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	to := httputil.NewSingleHostReverseProxy(target)
	to.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	to.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	b.proxy = httptest.NewUnstartedServer(b.look(to))
	b.proxy.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	b.proxy.Start()
	t.Cleanup(func() {
		close(b.quit)
		b.proxy.Close()
	})
	kinds := map[record.Kind]string{record.Int: "number", record.Decimal: "number", record.Bool: "bool", record.Date: "date"}
	var fields []facade.Field
	for _, f := range destinationtest.Fields() {
		kind := kinds[f.Kind]
		if slices.Contains(a.texts, f.Kind) {
			kind = "text"
		}
		fields = append(fields, facade.Field{Name: a.call(f.Name), Type: kind})
	}
	b.Learn(a.object, fields...)
	return b
}

func (a accent) call(name string) string {
	if name == "name" {
		return a.name
	}
	return name
}

// look counts the records of writes, and holds them back if it is to.
func (b *booth) look(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !b.a.write(r) {
			next.ServeHTTP(w, r)
			return
		}
		rows := 1
		if b.a.rows != "" {
			rows = len(gjson.GetBytes(body, b.a.rows).Array())
		}
		b.mu.Lock()
		b.sizes = append(b.sizes, destinationtest.Size{Rows: rows, Bytes: len(body)})
		hangs := b.hangs
		b.mu.Unlock()
		if hangs {
			select {
			case <-r.Context().Done():
			case <-b.quit:
			}
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (b *booth) seen() []destinationtest.Size {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sizes)
}

func (b *booth) fail(t *testing.T, f destinationtest.Failure) {
	t.Helper()
	method, after, times := http.MethodPost, 0, 1
	if b.a.rows == "" {
		times = 5 // one request for each record of the suite's batch
	}
	if b.a.object == "contacts" {
		after = 1 // the search comes first
	}
	switch f {
	case destinationtest.Die:
		b.proxy.Close()
	case destinationtest.Hang:
		b.mu.Lock()
		b.hangs = true
		b.mu.Unlock()
	case destinationtest.Shed:
		b.Faults(sandbox.Rule{Kind: sandbox.ServerError, Method: method, After: after, Times: times})
	case destinationtest.LoseAnswer:
		b.Faults(sandbox.Rule{Kind: sandbox.TimeoutAfterCommit, Method: method, After: after, Times: times})
	case destinationtest.Deny:
		b.Faults(sandbox.Rule{Kind: sandbox.TokenExpiry})
	}
}

// connect opens the vendor's description over the facade, without its rate.
func (b *booth) connect(t *testing.T) destination.Destination {
	t.Helper()
	rate, err := yamlx.Parse("exposync.yml", []byte("{requests: 100000, per: 1s}"))
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]string{"url": b.proxy.URL + facade.Mount(b.a.kind, facadetest.Connection)}
	maps.Copy(params, b.a.params)
	d, err := declared.Connect(declared.Config{
		Kind: b.a.kind, Name: "crm", Where: "exposync.yml:4", File: "exposync.yml", Params: params, Rest: restConfig(),
		Blocks: map[string]*yamlx.Node{"rate": rate},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// held reads what the vendor holds, as the vendor tells it.
func (b *booth) held(t *testing.T) []destinationtest.Row {
	t.Helper()
	var out []destinationtest.Row
	for at := b.a.page; at != ""; {
		status, _, body := b.Do(http.MethodGet, at, "")
		if status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", at, status, body)
		}
		for _, item := range gjson.Get(body, b.a.items).Array() {
			row := destinationtest.Row{}
			fields := item
			if b.a.own != "" {
				fields = item.Get(b.a.own)
			}
			for _, f := range destinationtest.Fields() {
				if v := fields.Get(b.a.call(f.Name)); v.Exists() {
					row[f.Name] = textOfJSON(v)
					if f.Kind == record.JSON && v.Type == gjson.String && !slices.Contains(b.a.texts, f.Kind) {
						row[f.Name] = &v.Raw
					}
				}
			}
			key := item.Get(b.a.key)
			if attributes := item.Get("attributes"); attributes.Exists() {
				key = attributes.Get(b.a.key)
			}
			row["id"] = textOfJSON(key)
			out = append(out, row)
		}
		if at = ""; b.a.more != nil {
			at = strings.TrimPrefix(b.a.more(body), b.Base)
		}
	}
	return out
}

func textOfJSON(v gjson.Result) *string {
	text := v.String()
	switch v.Type {
	case gjson.Null:
		return nil
	case gjson.Number, gjson.JSON:
		text = v.Raw
	default:
	}
	return &text
}

// accented is a destination that is spoken to by the vendor's names.
type accented struct {
	destination.Destination
	a accent
}

// Open translates the suite's target.
func (d accented) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	t.Key = []destination.Field{{Name: d.a.key, Kind: record.Text}}
	fields := make([]destination.Field, 0, len(t.Fields)+len(d.a.extra))
	for _, f := range t.Fields {
		f.Name = d.a.call(f.Name)
		if slices.Contains(d.a.texts, f.Kind) {
			f.Kind = record.Text
		}
		fields = append(fields, f)
	}
	t.Fields = append(fields, d.a.extra...)
	w, err := d.Destination.Open(ctx, t)
	if err != nil {
		return nil, err
	}
	if r, ok := w.(destination.Router); ok {
		r.Route(d.a.many)
	}
	return &accentedWriter{w, d.a}, nil
}

type accentedWriter struct {
	destination.Writer
	a accent
}

// Write translates values, and sends them in batches of the writer's size. As
// the engine does it keeps deletes apart where the others go as jobs.
func (w *accentedWriter) Write(ctx context.Context, batch []record.Change) []destination.Outcome {
	out := make([]destination.Outcome, len(batch))
	for _, deletes := range []bool{false, true} {
		var at []int
		var sent []record.Change
		for i := range batch {
			if (batch[i].Op == record.Delete) == deletes {
				at, sent = append(at, i), append(sent, batch[i])
			}
		}
		for len(sent) > 0 {
			n := min(len(sent), w.Traits().Rows)
			for k, o := range w.batch(ctx, sent[:n], deletes) {
				out[at[k]] = o
			}
			at, sent = at[n:], sent[n:]
		}
	}
	return out
}

func (w *accentedWriter) batch(ctx context.Context, sent []record.Change, deletes bool) []destination.Outcome {
	jobber, ok := w.Writer.(destination.Jobber)
	if deletes {
		return w.Writer.Write(ctx, sent)
	}
	for i := range sent {
		sent[i].Values = w.translate(&sent[i])
	}
	if !ok || !w.Traits().Jobs {
		return w.Writer.Write(ctx, sent)
	}
	kept := ""
	id, out := jobber.Submit(ctx, sent, func(id string) error { kept = id; return nil })
	var at []int
	var inside []record.Change
	for i := range out {
		if out[i].State == destination.Pending {
			at, inside = append(at, i), append(inside, sent[i])
		}
	}
	if len(at) == 0 || id != kept {
		return out
	}
	for k, o := range w.results(ctx, jobber, id, inside) {
		out[at[k]] = o
	}
	return out
}

func (w *accentedWriter) results(ctx context.Context, jobber destination.Jobber, id string, inside []record.Change) []destination.Outcome {
	doubt := destination.All(len(inside), destination.Outcome{})
	for range 10 {
		p, err := jobber.Poll(ctx, id)
		if err != nil {
			return doubt
		}
		if p.Ended {
			out, err := jobber.Results(ctx, id, inside)
			if err != nil || len(out) != len(inside) {
				return doubt
			}
			return out
		}
	}
	return doubt
}

func (w *accentedWriter) translate(ch *record.Change) record.Record {
	values := slices.Clone(ch.Values)
	for i := range values {
		if slices.Contains(w.a.texts, values[i].Kind) {
			values[i].Kind = record.Text
		}
	}
	bad := record.Value{Kind: record.Absent}
	if string(ch.Values[0].Data) == spoiltText {
		bad = textValue(spoiltText)
	}
	if w.a.fill != nil {
		values = append(values, w.a.fill(ch)...)
	}
	return append(values, bad)
}

func textFields(names ...string) (out []destination.Field) {
	for _, name := range names {
		out = append(out, destination.Field{Name: name, Kind: record.Text})
	}
	return out
}

// byKey makes a name that is as unique as the key, whatever counts as the same.
func byKey(ch *record.Change) record.Record {
	return record.Record{textValue("n" + hex.EncodeToString(ch.KeyVals[0].Data))}
}

func posts(suffixes ...string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return (r.Method == http.MethodPost || r.Method == http.MethodPut) && slices.ContainsFunc(suffixes, func(s string) bool { return strings.Contains(r.URL.Path, s) })
	}
}

const (
	noInserts = "there is no way to write only what is not there"
	noAppends = "records have an identity"
	noDeletes = "profiles are deleted for data privacy only"
	oneNull   = "JSON has one null"
)

func accents() map[string]accent {
	moments := []record.Kind{record.Date, record.Timestamp, record.Instant, record.JSON}
	next := func(path string) func(string) string {
		return func(answer string) string { return gjson.Get(answer, path).String() }
	}
	profiles := accent{
		kind: "klaviyo", object: "profiles", key: "external_id", name: "name", params: map[string]string{"api_key": token},
		extra: textFields("phone_number"), page: "/api/profiles?page%5Bsize%5D=100", items: "data", more: next("links.next"), own: "attributes.properties",
		none: map[destinationtest.Ability]string{
			destinationtest.Inserts: noInserts, destinationtest.Appends: noAppends, destinationtest.Mirrors: noDeletes, destinationtest.JSONNulls: oneNull,
		},
	}
	one, bulk := profiles, profiles
	one.write = posts("/api/profile-import", "/api/profiles/")
	bulk.many, bulk.write, bulk.rows = 10_000, posts("/api/profile-bulk-import-jobs"), "data.attributes.profiles.data"
	users := accent{
		kind: "zendesk", object: "users", key: "external_id", name: "label", params: map[string]string{"email": "ops@example.com", "api_token": token},
		texts: moments[1:], extra: textFields("name", "email"), fill: byKey, write: posts("/create_or_update_many"), rows: "users",
		page: "/api/v2/users?page%5Bsize%5D=100", items: "users", more: next("links.next"), own: "user_fields",
		none: map[destinationtest.Ability]string{destinationtest.Inserts: noInserts, destinationtest.Appends: noAppends},
	}
	organizations := users
	organizations.object, organizations.write, organizations.rows = "organizations", posts("/organizations/"), ""
	organizations.page, organizations.items, organizations.own = "/api/v2/organizations?page%5Bsize%5D=100", "organizations", "organization_fields"
	organizations.extra = textFields("name", "shared_tickets")
	contacts := accent{
		kind: "intercom", object: "contacts", key: "external_id", name: "label", params: map[string]string{"token": token}, texts: moments, extra: textFields("email"),
		write: func(r *http.Request) bool {
			return r.Method == http.MethodPut || r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/contacts")
		},
		page: "/contacts?per_page=150", items: "data", own: "custom_attributes",
		none: map[destinationtest.Ability]string{destinationtest.Appends: noAppends},
	}
	companies := contacts
	companies.object, companies.key, companies.extra, companies.write = "companies", "company_id", textFields("remote_created_at"), posts("/companies")
	contacts.more = func(answer string) string {
		if from := gjson.Get(answer, "pages.next.starting_after").String(); from != "" {
			return "/contacts?per_page=150&starting_after=" + from
		}
		return ""
	}
	companies.page = "/companies?per_page=60"
	companies.more = func(answer string) string {
		if page := gjson.Get(answer, "pages.page").Int(); page < gjson.Get(answer, "pages.total_pages").Int() {
			return "/companies?per_page=60&page=" + strconv.FormatInt(page+1, 10)
		}
		return ""
	}
	companies.none = map[destinationtest.Ability]string{destinationtest.Inserts: noInserts, destinationtest.Appends: noAppends}
	return map[string]accent{
		"klaviyo profiles one by one": one, "klaviyo profiles in bulk": bulk, "zendesk users": users, "zendesk organizations": organizations,
		"intercom contacts": contacts, "intercom companies": companies,
	}
}

// The descriptions and the facades are written from the same documentation,
// not from each other: here they meet.
func TestServicesConform(t *testing.T) {
	t.Parallel()
	for name, a := range accents() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, destinationtest.Harness{
				Missing: a.none,
				New: func(t *testing.T) *destinationtest.Subject {
					t.Helper()
					b := newBooth(t, a)
					return &destinationtest.Subject{
						Destination: accented{b.connect(t), a}, Object: a.object, Rows: b.held, Fail: b.fail, Seen: b.seen,
						Spoil:   func(ch *record.Change) { ch.Values[0] = textValue(spoiltText) },
						Secrets: []string{token, spoiltText},
					}
				},
			})
		})
	}
}
