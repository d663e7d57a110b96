package declared_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/engine"
	"exposync/internal/ledger/local"
	"exposync/internal/plan"
	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/facade/facadetest"
)

// bulkSync is one sync to the Salesforce facade, run after run.
type bulkSync struct {
	t      *testing.T
	stand  *stand
	engine *engine.Engine
	source *rows
	mode   plan.Mode
	stop   chan struct{}
}

func newSync(t *testing.T, mode plan.Mode, n int) *bulkSync {
	t.Helper()
	s := &bulkSync{t: t, stand: newStand(t, "salesforce"), source: &rows{of: map[string]string{}}, mode: mode, stop: make(chan struct{})}
	s.stand.Learn("Person__c", facade.Field{Name: "Ext__c", Type: "text", Key: true}, facade.Field{Name: "Title__c", Type: "text"})
	store, err := local.Open(t.TempDir(), local.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	s.engine = &engine.Engine{
		Ledger: store, Spool: t.TempDir(), Now: time.Now, Rand: func() float64 { return 0 },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	for i := range n {
		s.source.of[fmt.Sprintf("k%05d", i)] = fmt.Sprintf("name %d", i)
	}
	return s
}

// run is one run of the whole engine.
func (s *bulkSync) run() plan.Result {
	s.t.Helper()
	d := s.stand.connect(s.t)
	defer func() { _ = d.Close() }()
	guards := plan.DefaultGuards()
	guards.Deletes.Off, guards.Rows.Off = true, true
	p, err := s.engine.Prepare(s.t.Context(), engine.Request{
		Job: plan.Job{
			ID: "people", Project: "shop", Connection: "crm", Object: "Person__c", Mode: s.mode,
			Source: plan.Source{Relation: "people"}, Guards: guards,
			Key: []plan.KeyField{{Field: "Ext__c", Column: "id"}}, Fields: []plan.Field{{Name: "Title__c", Column: "name"}},
		},
		Warehouse: s.source, Destination: d, RunID: "run", First: plan.FirstSend,
	}, false)
	if err != nil {
		s.t.Fatalf("Prepare(): %v", err)
	}
	defer func() { _ = p.Close() }()
	res := s.engine.Apply(s.t.Context(), s.stop, p)
	if !res.Counts.SentAddsUp() || !res.Counts.ReadAddsUp() {
		s.t.Fatalf("the run does not add up: %+v", res.Counts)
	}
	return res
}

// holds checks that Salesforce holds what the source has, but for those that
// are refused.
func (s *bulkSync) holds(refused func(name string) bool) {
	s.t.Helper()
	held := map[string]string{}
	doc := s.query("SELECT Ext__c, Title__c FROM Person__c")
	for {
		for _, r := range doc.Records {
			held[r.Key] = r.Title
		}
		if doc.Next == "" {
			break
		}
		doc = s.get(doc.Next)
	}
	wanted := 0
	for key, name := range s.source.of {
		if refused(name) {
			continue
		}
		wanted++
		if held[key] != name {
			s.t.Fatalf("%s is %q there, want %q", key, held[key], name)
		}
	}
	if len(held) != wanted {
		s.t.Errorf("%d records are there, want %d", len(held), wanted)
	}
}

type page struct {
	Next    string `json:"nextRecordsUrl"`
	Records []struct {
		Key   string `json:"Ext__c"`
		Title string `json:"Title__c"`
	}
}

func (s *bulkSync) query(q string) page {
	s.t.Helper()
	return s.get("/services/data/v60.0/query?q=" + strings.ReplaceAll(q, " ", "+"))
}

func (s *bulkSync) get(path string) (p page) {
	s.t.Helper()
	r := s.stand.Request(http.MethodGet, path, "")
	r.Header.Set("Authorization", "Bearer x")
	status, _, body := s.stand.Send(r)
	if err := json.Unmarshal([]byte(body), &p); status != http.StatusOK || err != nil {
		s.t.Fatalf("%s: %d %.200s", path, status, body)
	}
	return p
}

func (s *bulkSync) jobs() (n int) {
	s.t.Helper()
	r := s.stand.Request(http.MethodGet, "/services/data/v60.0/jobs/ingest", "")
	r.Header.Set("Authorization", "Bearer x")
	_, _, body := s.stand.Send(r)
	return strings.Count(body, `"contentUrl"`)
}

func none(string) bool { return false }

// poison makes Salesforce refuse records with a title.
func (s *bulkSync) poison(title, code string, more ...sandbox.Rule) {
	s.t.Helper()
	value, _ := json.Marshal(title)
	rule := sandbox.Rule{Kind: "reject", Field: "Title__c", Value: value, Code: code, Message: "refused"}
	s.stand.Faults(append(more, rule)...)
}

// Many changes go as one job, few as collections; bad records cost only
// themselves, and deletes go by the ids that the job told.
func TestSalesforceRunsInBulk(t *testing.T) {
	t.Parallel()
	s := newSync(t, plan.Mirror, 5200)
	bad := func(name string) bool { return name == "bad" }
	s.source.of["k00007"], s.source.of["k05100"], s.source.of["k03333"] = "bad", "bad", "bad"
	s.poison("bad", "FIELD_CUSTOM_VALIDATION_EXCEPTION", sandbox.Rule{Kind: sandbox.TokenExpiry, After: 3, Times: 1})
	res := s.run()
	if res.Counts.OK != 5197 || res.Counts.Rejected != 3 || s.jobs() != 1 || len(s.stand.seen()) != 0 {
		t.Fatalf("first run: %+v, %d jobs, %v", res.Counts, s.jobs(), res.Problems)
	}
	if len(res.Rejects) != 1 || res.Rejects[0].Code != "FIELD_CUSTOM_VALIDATION_EXCEPTION" || res.Rejects[0].Records != 3 {
		t.Errorf("rejects %+v", res.Rejects)
	}
	s.holds(bad)
	if res = s.run(); res.Counts.Changes() != 0 || s.jobs() != 1 {
		t.Errorf("second run: %+v", res.Counts)
	}
	for i := range 2500 {
		delete(s.source.of, fmt.Sprintf("k%05d", 2000+i))
	}
	for i := range 150 {
		s.source.of[fmt.Sprintf("k%05d", i)] = fmt.Sprintf("new name %d", i)
	}
	res = s.run()
	if res.Counts.Delete != 2499 || res.Counts.OK != 2499+150 || s.jobs() != 3 || len(s.stand.seen()) != 0 {
		t.Fatalf("deletes: %+v, %d jobs, %v", res.Counts, s.jobs(), res.Problems)
	}
	s.holds(bad)
	for i := range 300 {
		s.source.of[fmt.Sprintf("k%05d", 100+i)] = "again"
		delete(s.source.of, fmt.Sprintf("k%05d", 1000+i))
	}
	res = s.run()
	if res.Counts.OK != 600 || s.jobs() != 3 || len(s.stand.seen()) != 2 {
		t.Errorf("collections: %+v, %d jobs, %d requests, %v", res.Counts, s.jobs(), len(s.stand.seen()), res.Problems)
	}
	s.holds(bad)
}

// A run that ends while its job goes on leaves the id: the next run asks that
// job, and starts none again.
func TestSalesforceJobIsAskedByTheNextRun(t *testing.T) {
	t.Parallel()
	s := newSync(t, plan.Upsert, 2500)
	s.source.of["k00042"] = "bad"
	s.poison("bad", "FIELD_CUSTOM_VALIDATION_EXCEPTION")
	wait := s.engine.Wait
	s.engine.Wait = func(ctx context.Context, _ time.Duration) error { // the user stops it at the first question
		select {
		case <-s.stop:
		default:
			close(s.stop)
		}
		<-ctx.Done()
		return ctx.Err()
	}
	res := s.run()
	if res.Counts.OK != 0 || s.jobs() != 1 {
		t.Fatalf("the run that was stopped: %+v, %d jobs", res.Counts, s.jobs())
	}
	s.engine.Wait, s.stop = wait, make(chan struct{})
	res = s.run()
	if res.Counts.Changes() != 0 || s.jobs() != 1 || len(s.stand.seen()) != 0 {
		t.Fatalf("the run after it: %+v, %d jobs, %v", res.Counts, s.jobs(), res.Problems)
	}
	if res.Counts.Standing != 1 {
		t.Errorf("the refused record does not stand: %+v", res.Counts)
	}
	s.holds(func(name string) bool { return name == "bad" })
	if res = s.run(); res.Counts.Changes() != 0 {
		t.Errorf("a third run sends: %+v", res.Counts)
	}
}

// What locks refuse now is sent again; a job that fails as a whole for an
// unknown column halts the run with nothing confirmed.
func TestSalesforceLocksPass(t *testing.T) {
	t.Parallel()
	s := newSync(t, plan.Upsert, 2100)
	for i := range 5 {
		s.source.of[fmt.Sprintf("k%05d", i)] = "locked"
	}
	value := json.RawMessage(`"locked"`)
	s.stand.Faults(
		sandbox.Rule{Kind: "reject", Field: "Title__c", Value: value, Code: "UNABLE_TO_LOCK_ROW", Method: http.MethodPatch, Times: 1},
		sandbox.Rule{Kind: sandbox.TooMany, Method: http.MethodGet, After: 4, Times: 1},
	)
	res := s.run()
	if res.Counts.OK != 2100 || res.Counts.Rejected != 0 || s.jobs() != 2 {
		t.Errorf("%+v, %d jobs, %v", res.Counts, s.jobs(), res.Problems)
	}
	s.holds(none)
}

// mode: update writes to what is there and creates nothing.
func TestSalesforceUpdatesOnlyWhatIsThere(t *testing.T) {
	t.Parallel()
	s := newSync(t, plan.Upsert, 450)
	if res := s.run(); res.Counts.OK != 450 {
		t.Fatalf("%+v %v", res.Counts, res.Problems)
	}
	other := newSync(t, plan.Update, 600)
	other.stand = s.stand
	for key := range other.source.of {
		other.source.of[key] = "updated " + key
	}
	res := other.run()
	if res.Counts.OK != 450 || res.Counts.Rejected != 150 || len(res.Rejects) != 1 || res.Rejects[0].Code != "not_found" {
		t.Fatalf("%+v %+v %v", res.Counts, res.Rejects, res.Problems)
	}
	for i := 450; i < 600; i++ {
		delete(other.source.of, fmt.Sprintf("k%05d", i))
	}
	other.holds(none)
}

// An integer key goes to a text field as text, both ways of proving work, and
// the organization is told.
func TestSalesforceProves(t *testing.T) {
	t.Parallel()
	s := newStand(t, "salesforce")
	s.Pass(time.Since(s.Now()))
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]string{
		"url": s.proxy.URL + facade.Mount("salesforce", facadetest.Connection), "client_id": "app", "username": "ada@example.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
	d, err := declared.New(declared.Config{Kind: "salesforce", Name: "sf", Where: "exposync.yml:4", Params: params, Rest: restConfig()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	account, err := d.Account(t.Context())
	if err != nil || len(account) != 18 || !strings.HasPrefix(account, "00D") {
		t.Errorf("Account() = %q, %v", account, err)
	}
	if !d.Identifies("Account", destination.Upsert) {
		t.Error("it does not tell ids, though collections and jobs do")
	}
}
