package vendortest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/record"
	"exposync/internal/rest"
	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/facade/facadetest"
	"exposync/internal/vendortest"
	"exposync/internal/yamlx"
)

// wire is one way in which a vendor is written to: the operations of its
// description that have to be asked for, with awkward values in every field.
type wire struct {
	kind, object string
	mode         destination.Mode
	key          []string // fields; the values are made by keyed
	fields       string   // name:kind, parted by blanks
	records      int
	asks         string // operations of the vendor's description, parted by blanks
	keyed        func(i int) string
}

func number(i int) string { return strconv.Itoa(1000 + i) }

const (
	plain  = "name:text score:int amount:decimal rate:float active:bool day:date at:instant"
	custom = plain + " doc:json"
)

func wires() []wire {
	id := func(i int) string { return fmt.Sprintf("Zoë/%d?&=%%\"' 🦊", i) }
	hash := func(i int) string { return fmt.Sprintf("%064x", i+1) }
	mail := func(i int) string { return fmt.Sprintf("user%d@example.com", i) }
	return []wire{
		{"hubspot", "contacts", destination.Mirror, []string{"ext"}, custom, 250, "account upsert_dated archive_dated", id},
		{"hubspot", "contacts", destination.Update, []string{"ext"}, custom, 120, "account", id},
		{"salesforce", "Thing__c", destination.Upsert, []string{"Ext__c"}, strings.ReplaceAll(custom, ":", "__c:"), 450, "token describe query upsert_collection", id},
		{"salesforce", "Thing__c", destination.Upsert, []string{"Ext__c"}, strings.ReplaceAll(custom, ":", "__c:"), 2100, "token describe create_job upload end_upload job successful failed unprocessed", id},
		{"zendesk", "users", destination.Mirror, []string{"external_id"}, "email:text notes:text " + plain, 130, "me user_fields users_upsert job_status user_delete", id},
		{"zendesk", "organizations", destination.Upsert, []string{"external_id"}, "name:text details:text", 5, "me organization_upsert", id},
		{"zendesk", "custom_objects/thing", destination.Mirror, []string{"external_id"}, plain, 130, "me custom_fields custom_job job_status custom_delete", id},
		{"customerio", "people", destination.Mirror, []string{"id"}, custom, 300, "region batch", id},
		{"customerio", "objects/1", destination.Mirror, []string{"object_id"}, custom, 30, "region batch", id},
		{"braze", "users", destination.Mirror, []string{"external_id"}, custom, 200, "track delete", id},
		{"braze", "events/signup", destination.Append, []string{"event"}, "external_id:text time:instant " + custom, 200, "track", id},
		{"mixpanel", "profiles", destination.Mirror, []string{"distinct_id"}, custom, 2100, "profiles", id},
		{"mixpanel", "groups/company", destination.Mirror, []string{"group_id"}, custom, 300, "groups", id},
		{"mixpanel", "events/Signed up", destination.Append, []string{"event_id"}, "distinct_id:text time:instant " + custom, 2100, "events", id},
		{"klaviyo", "profiles", destination.Upsert, []string{"external_id"}, "email:text first_name:text " + custom, 20, "accounts import", id},
		{"klaviyo", "profiles", destination.Upsert, []string{"external_id"}, "email:text first_name:text " + custom, 300, "accounts bulk_import bulk_import_job", id},
		{"klaviyo", "lists/L1", destination.Mirror, []string{"email"}, "first_name:text " + custom, 20, "accounts list_remove", mail},
		{"intercom", "contacts", destination.Mirror, []string{"external_id"}, "email:text " + custom, 30, "me data_attributes contact_search contact_create contact_update contact_archive", id},
		{"intercom", "companies", destination.Mirror, []string{"company_id"}, custom, 20, "me data_attributes company_upsert company_delete", id},
		{"intercom", "custom_objects/Thing", destination.Mirror, []string{"external_id"}, custom, 20, "me custom_upsert custom_delete_by_id", id},
		{"meta_audiences", "23850000000000001", destination.Mirror, []string{"EMAIL_SHA256"}, "EXTERN_ID:text", 300, "audience add remove", hash},
		{"linkedin_segments", "1234567", destination.Mirror, []string{"SHA256_EMAIL"}, "", 300, "account users", hash},
		{"slack", "C0123456789", destination.Append, []string{"id"}, "text:text", 8, "auth_test post", id},
	}
}

// Every request that a description makes is one that the vendor describes.
func TestRequestsAreAsDescribed(t *testing.T) {
	t.Parallel()
	// no destinations: internal/platform asks the one, internal/hosted the other
	tried := map[string]bool{"dbt_cloud": true, "hightouch": true}
	for _, w := range wires() {
		tried[w.kind] = true
		t.Run(fmt.Sprintf("%s %s %s %d", w.kind, w.object, w.mode, w.records), func(t *testing.T) {
			t.Parallel()
			w.run(t)
		})
		if !w.byID() {
			continue
		}
		// ids are numbers in most warehouses, and texts at most services
		w.keyed, w.records, w.asks = number, min(w.records, 20), ""
		t.Run(fmt.Sprintf("%s %s %s by number", w.kind, w.object, w.mode), func(t *testing.T) {
			t.Parallel()
			w.run(t)
		})
	}
	for _, kind := range vendortest.Kinds() {
		if !tried[kind] {
			t.Errorf("%s is described, and nothing is sent to it", kind)
		}
	}
}

func (w wire) run(t *testing.T) {
	t.Helper()
	box := facadetest.New(t, facadetest.Harness{Kind: w.kind})
	to, err := url.Parse(box.URL)
	if err != nil {
		t.Fatal(err)
	}
	guard := vendortest.NewGuard(t, w.kind, facade.Mount(w.kind, facadetest.Connection), httputil.NewSingleHostReverseProxy(to))
	server := httptest.NewServer(guard)
	t.Cleanup(server.Close)
	target := w.target()
	box.Learn(w.object, learned(target)...)
	d := w.connect(t, server.URL+facade.Mount(w.kind, facadetest.Connection))
	if _, err := d.Account(t.Context()); err != nil {
		t.Fatalf("Account(): %v", err)
	}
	writer, err := d.Open(t.Context(), target)
	if err != nil {
		t.Fatalf("Open(): %v", err)
	}
	defer func() { _ = writer.Close() }()
	if r, ok := writer.(destination.Router); ok {
		r.Route(int64(w.records))
	}
	batch := w.batch(target)
	ids := write(t, writer, batch)
	if r, ok := d.(destination.Reader); ok && w.mode != destination.Append {
		read(t, r, target, batch)
	}
	if w.mode == destination.Mirror {
		w.again(t, writer, batch, ids)
	}
	seen := guard.Seen()
	for operation := range strings.FieldsSeq(w.asks) {
		if seen[operation] == 0 {
			t.Errorf("%s was not asked for; seen: %v", operation, seen)
		}
	}
}

// again changes the records that the destination took, and deletes them.
func (w wire) again(t *testing.T, writer destination.Writer, batch []record.Change, ids []string) {
	t.Helper()
	for _, op := range []record.Op{record.Update, record.Delete} {
		var next []record.Change
		for i, ch := range batch {
			if ids[i] != "-" {
				ch.Op, ch.RemoteID = op, ids[i]
				if op == record.Delete {
					ch.Values = nil
				}
				next = append(next, ch)
			}
		}
		if len(next) == 0 {
			t.Fatal("the destination took no record")
		}
		if op == record.Update {
			next = next[:1]
		}
		write(t, writer, next)
	}
}

func (w wire) target() destination.Target {
	t := destination.Target{Object: w.object, Mode: w.mode}
	for _, name := range w.key {
		t.Key = append(t.Key, destination.Field{Name: name, Kind: w.keyKind()})
	}
	for f := range strings.FieldsSeq(w.fields) {
		name, kind, _ := strings.Cut(f, ":")
		t.Fields = append(t.Fields, destination.Field{Name: name, Kind: kinds()[strings.TrimPrefix(kind, "__c:")]})
	}
	return t
}

// byID reports whether the key is an id, as opposed to a hash or an address.
func (w wire) byID() bool { return strings.HasPrefix(w.keyed(0), "Zoë") && w.kind != "slack" }

func (w wire) keyKind() record.Kind {
	if w.keyed(0) == number(0) {
		return record.Int
	}
	return record.Text
}

func kinds() map[string]record.Kind {
	return map[string]record.Kind{
		"text": record.Text, "int": record.Int, "decimal": record.Decimal, "float": record.Float, "bool": record.Bool,
		"date": record.Date, "instant": record.Instant, "json": record.JSON,
	}
}

func learned(t destination.Target) []facade.Field {
	types := map[record.Kind]string{
		record.Int: "number", record.Decimal: "number", record.Float: "number", record.Bool: "bool", record.Date: "date", record.Instant: "time",
	}
	var out []facade.Field
	for _, f := range t.Key {
		out = append(out, facade.Field{Name: f.Name, Type: "text", Key: true})
	}
	for _, f := range t.Fields {
		out = append(out, facade.Field{Name: f.Name, Type: types[f.Kind]})
	}
	return out
}

// awkward are values of a kind that encoders get wrong.
func awkward(kind record.Kind) []string {
	return map[record.Kind][]string{
		record.Text:    {"Ada", "", "Zoë 北京 🦊\u200d", "She said \"no\"\\", "two\nlines\tand\r\x01", strings.Repeat("long ", 150), "$rows ${token} {{ x }}", "=1+1", "a,b;c|d", "null", "-"},
		record.Int:     {"0", "-9223372036854775808", "9007199254740993"},
		record.Decimal: {"0.1", "12345678901234567890.123456789", "-0.000001", "100"},
		record.Float:   {"0.5", "1e+21", "-2.5e-07"},
		record.Bool:    {"true", "false"},
		record.Date:    {"2026-02-28", "1969-12-31", "2024-02-29"},
		record.Instant: {"2026-03-01T12:00:00.123456Z", "2026-11-01T00:00:00Z"},
		record.JSON:    {`{"a":[1,null,"x"],"b":{}}`, `[]`, `"text"`},
	}[kind]
}

// batch makes the records: every awkward value of every field, and nulls.
func (w wire) batch(t destination.Target) []record.Change {
	out := make([]record.Change, w.records)
	for i := range out {
		ch := record.Change{Op: record.Create, KeyVals: record.Record{{Kind: w.keyKind(), Data: []byte(w.keyed(i))}}}
		for n, f := range t.Fields {
			ch.Values = append(ch.Values, w.value(f, i, n))
		}
		ch.Key = record.AppendKey(nil, ch.KeyVals...)
		out[i] = ch
	}
	return out
}

func (w wire) value(f destination.Field, i, n int) record.Value {
	list := awkward(f.Kind)
	text := list[(i+n)%len(list)]
	switch {
	case f.Name == "email":
		text = fmt.Sprintf("user%d@example.com", i)
	case f.Name == "external_id", f.Name == "distinct_id":
		text = w.keyed(i % 7)
	case f.Name == "EXTERN_ID":
		text = fmt.Sprintf("ext-%d", i)
	case f.Name == "time":
		text = "2026-11-01T00:00:00Z"
	case f.Name == "name", f.Name == "text":
		if strings.TrimSpace(text) == "" {
			text = "x"
		}
	case (i+n)%5 == 4:
		return record.Value{Kind: record.Null}
	}
	return record.Value{Kind: f.Kind, Data: []byte(text)}
}

func (w wire) connect(t *testing.T, base string) destination.Destination {
	t.Helper()
	params, err := declared.Params(w.kind)
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{
		"url": base, "client_secret": "invented-secret", "email": "ops@example.com", "api_token": "invented-token", "token": "invented-token",
		"ad_account": "512345678",
	}
	for _, p := range params {
		if p.Required && given[p.Name] == "" {
			given[p.Name] = "invented-" + p.Name
		}
	}
	fast, err := yamlx.Parse("exposync.yml", []byte("{requests: 100000, per: 1s}"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := declared.Connect(declared.Config{
		Kind: w.kind, Name: "crm", Where: "exposync.yml:4", Params: given, File: "exposync.yml", Blocks: map[string]*yamlx.Node{"rate": fast},
		Rest: rest.Config{
			UserAgent: "exposync/test", Now: time.Now, Jitter: func() float64 { return 0 },
			WaitMin: time.Millisecond, WaitMax: time.Millisecond, Timeout: 30 * time.Second,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// write sends a batch in the sizes that the writer wants, and gives the ids that
// the destination told; "-" for a record that it did not take.
func write(t *testing.T, w destination.Writer, batch []record.Change) []string {
	t.Helper()
	var ids []string
	for chunk := range slices.Chunk(batch, max(1, w.Traits().Rows)) {
		var out []destination.Outcome
		if j, ok := w.(destination.Jobber); ok && w.Traits().Jobs && chunk[0].Op != record.Delete {
			out = throughJob(t, j, chunk)
		} else {
			out = w.Write(t.Context(), chunk)
		}
		for _, o := range out {
			switch o.State {
			case destination.OK:
				ids = append(ids, o.RemoteID)
			case destination.Rejected, destination.Bisect:
				ids = append(ids, "-")
			default:
				t.Fatalf("outcome %v: %s %s", o.State, o.Code, o.Message)
			}
		}
	}
	return ids
}

func throughJob(t *testing.T, j destination.Jobber, chunk []record.Change) []destination.Outcome {
	t.Helper()
	id, out := j.Submit(t.Context(), chunk, func(string) error { return nil })
	if id == "" {
		return out
	}
	for range 100 {
		p, err := j.Poll(t.Context(), id)
		if err != nil {
			t.Fatalf("Poll(): %v", err)
		}
		if !p.Ended {
			continue
		}
		results, err := j.Results(t.Context(), id, chunk)
		if err != nil {
			t.Fatalf("Results(): %v", err)
		}
		return results
	}
	t.Fatal("the job never ends")
	return nil
}

// read reads the records back, so that these requests are looked at, too.
func read(t *testing.T, r destination.Reader, target destination.Target, batch []record.Change) {
	t.Helper()
	var keys []record.Key
	for _, ch := range batch[:min(len(batch), 120)] {
		keys = append(keys, ch.Key)
	}
	for _, err := range r.Read(t.Context(), target, keys) {
		if err != nil {
			t.Logf("Read(): %v", err)
			return
		}
	}
}

var _ http.Handler = (*vendortest.Guard)(nil)
