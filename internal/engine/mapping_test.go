package engine_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/destination"
	"exposync/internal/engine"
	"exposync/internal/ledger"
	"exposync/internal/mapping"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// grid is a warehouse of any columns; the first one is the key.
type grid struct {
	columns []record.Column
	rows    []record.Record
}

func (g *grid) Snapshot(context.Context) (warehouse.Snapshot, error) { return g, nil }

func (g *grid) Columns(context.Context, string) ([]record.Column, error) { return g.columns, nil }

func (g *grid) Close() error { return nil }

func (g *grid) cells(q warehouse.Query, r record.Record) record.Record {
	out := make(record.Record, len(q.Columns))
	for i, name := range q.Columns {
		out[i] = r[slices.IndexFunc(g.columns, func(c record.Column) bool { return c.Name == name })]
	}
	return out
}

func (g *grid) Rows(_ context.Context, q warehouse.Query) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for _, r := range g.rows {
			if !yield(g.cells(q, r), nil) {
				return
			}
		}
	}
}

func (g *grid) Fetch(_ context.Context, q warehouse.Query, keys []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for _, r := range g.rows {
			key := string(record.AppendKey(nil, g.cells(warehouse.Query{Columns: q.Key}, r)...))
			if slices.ContainsFunc(keys, func(k record.Key) bool { return string(k) == key }) && !yield(g.cells(q, r), nil) {
				return
			}
		}
	}
}

// drawer is a destination that keeps every field, and can be read by key.
type drawer struct {
	held  map[string]map[string]record.Value
	keys  map[string]record.Record
	sent  []string
	t     destination.Target
	ids   bool // it tells its own id of every record: id-<key>
	deny  string
	reads int
}

func newDrawer() *drawer {
	return &drawer{held: map[string]map[string]record.Value{}, keys: map[string]record.Record{}}
}

func (s *drawer) Account(context.Context) (string, error) { return "drawer", nil }

func (s *drawer) Open(_ context.Context, t destination.Target) (destination.Writer, error) {
	s.t = t
	return s, nil
}

func (s *drawer) Traits() destination.Traits {
	return destination.Traits{Rows: 3, Concurrency: 1, Idempotent: true, Deletes: true}
}

func (s *drawer) Write(_ context.Context, batch []record.Change) []destination.Outcome {
	out := destination.All(len(batch), destination.Outcome{State: destination.OK})
	for i, ch := range batch {
		key := string(ch.KeyVals[0].Data)
		if s.ids {
			out[i].RemoteID = "id-" + key
		}
		if key == s.deny {
			out[i] = destination.Outcome{State: destination.Rejected, Code: "no"}
			continue
		}
		if s.held[key] == nil {
			s.held[key] = map[string]record.Value{}
		}
		s.keys[key] = ch.KeyVals.Clone()
		var said []string
		for j, v := range ch.Values.Clone() {
			if v.Kind != record.Absent {
				s.held[key][s.t.Fields[j].Name] = v
				said = append(said, s.t.Fields[j].Name+"="+string(v.Data))
			}
		}
		if ch.Op == record.Delete {
			delete(s.held, key)
		}
		s.sent = append(s.sent, ch.Op.String()+" "+key+": "+strings.Join(said, " "))
	}
	return out
}

func (s *drawer) Close() error { return nil }

// reading is a drawer that can be read by key.
type reading struct{ *drawer }

func (s reading) Read(_ context.Context, t destination.Target, keys []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		s.reads++
		for name, key := range s.keys {
			if s.held[name] == nil || !slices.ContainsFunc(keys, func(k record.Key) bool { return string(k) == string(record.AppendKey(nil, key...)) }) {
				continue
			}
			r := key.Clone()
			for _, f := range t.Fields {
				v := s.held[name][f.Name]
				if v.Kind == record.Absent {
					v.Kind = record.Null
				}
				r = append(r, v)
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// mapped is a job with its two ends.
type mapped struct {
	testing.TB
	grid   *grid
	drawer *drawer
	job    plan.Job
	engine *engine.Engine
	req    engine.Request
}

func mappedJob(tb testing.TB, fields ...plan.Field) *mapped {
	tb.Helper()
	off := plan.Limit{Off: true}
	m := &mapped{TB: tb, drawer: newDrawer(), grid: &grid{columns: []record.Column{
		{Name: "id", Kind: record.Text}, {Name: "n", Kind: record.Decimal}, {Name: "s", Kind: record.Text},
	}}, job: plan.Job{
		ID: "people", Object: "people", Type: "drawer", Key: []plan.KeyField{{Field: "id", Column: "id"}}, Fields: fields, First: plan.FirstSend,
		Mode: plan.Upsert, Guards: plan.Guards{Deletes: off, Creates: off, Rows: off, Keys: plan.DefaultGuards().Keys},
	}}
	for i := range m.job.Fields {
		if m.job.Fields[i].Nulls == "" {
			m.job.Fields[i].Nulls = plan.Clear
		}
	}
	m.engine = wideEngine(newMemory(), tb.TempDir())
	m.req.Destination = reading{m.drawer}
	return m
}

// rows sets the source: id, n, s; "" is null.
func (m *mapped) rows(rows ...[3]string) {
	m.grid.rows = nil
	for _, r := range rows {
		row := record.Record{text(r[0]), text(r[1]), text(r[2])}
		if r[1] != "" {
			row[1].Kind = record.Decimal
		}
		m.grid.rows = append(m.grid.rows, row)
	}
}

func (m *mapped) prepare() (*engine.Prepared, error) {
	req := m.req
	req.Job, req.Warehouse = m.job, m.grid
	return m.engine.Prepare(context.Background(), req, false)
}

// run gives the result, and what was sent.
func (m *mapped) run() (plan.Result, []string) {
	m.Helper()
	m.drawer.sent = nil
	p, err := m.prepare()
	if err != nil {
		m.Fatal(err)
	}
	res := m.engine.Apply(context.Background(), make(chan struct{}), p)
	if err := p.Close(); err != nil || len(res.Problems) > 0 || !res.Counts.ReadAddsUp() || !res.Counts.SentAddsUp() {
		m.Fatal(err, res.Problems, res.Counts)
	}
	slices.Sort(m.drawer.sent)
	return res, m.drawer.sent
}

func (m *mapped) wants(sent ...string) plan.Result {
	m.Helper()
	res, got := m.run()
	if d := cmp.Diff(sent, got); d != "" {
		m.Fatalf("sent (-want +got):\n%s", d)
	}
	return res
}

// A record whose value would lose something is invalid, with the reason, and
// everything else goes its way. It is neither changed nor gone.
func TestAValueThatWouldLoseSomethingIsInvalid(t *testing.T) {
	t.Parallel()
	m := mappedJob(t, plan.Field{Name: "clv", Column: "n", Rule: new(mapping.Rule{Cast: mapping.ToInteger})})
	m.job.Mode = plan.Mirror
	m.rows([3]string{"a", "1", ""}, [3]string{"b", "2.5", ""}, [3]string{"c", "", ""})
	res := m.wants("create a: clv=1", "create c: clv=")
	want := []plan.RejectGroup{{Code: "cast_lossy", Reason: "clv: cast: integer: the value has a fraction", Records: 1, State: "invalid"}}
	if d := cmp.Diff(want, res.Rejects); d != "" || res.Counts.Invalid != 1 || res.Status != plan.PartialDone || len(res.Plan.Holds) > 0 {
		t.Errorf("%s %+v %v\n%s", res.Status, res.Counts, res.Plan.Holds, d)
	}
	m.rows([3]string{"a", "1.5", ""}, [3]string{"b", "2", ""})
	res = m.wants("create b: clv=2", "delete c: ") // a is invalid, not gone, and c is gone for all that
	if res.Counts.Invalid != 1 || res.Counts.Delete != 1 {
		t.Errorf("%+v", res.Counts)
	}
	m.rows([3]string{"a", "3", ""}, [3]string{"b", "2", ""})
	if res = m.wants("update a: clv=3"); res.Status != plan.Success {
		t.Errorf("%s %v", res.Status, res.Rejects)
	}
}

// An invalid row that has its key twice is a duplicate, and counts once.
func TestInvalidDuplicates(t *testing.T) {
	t.Parallel()
	m := mappedJob(t, plan.Field{Name: "clv", Column: "n", Rule: new(mapping.Rule{Cast: mapping.ToInteger})})
	m.rows([3]string{"a", "1.5", ""}, [3]string{"a", "2", ""}, [3]string{"", "1.5", ""})
	p, err := m.prepare()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if p.Plan.Counts.Invalid != 3 || len(p.Plan.Standing) != 0 || len(p.Plan.Holds) != 1 || p.Plan.Holds[0].Code != "guard_keys" {
		t.Errorf("%+v %v %v", p.Plan.Counts, p.Plan.Standing, p.Plan.Holds)
	}
}

func TestFieldsOfCreationOnly(t *testing.T) {
	t.Parallel()
	m := mappedJob(t, plan.Field{Name: "name", Column: "s"}, plan.Field{Name: "first", Column: "n", Write: plan.WriteCreate})
	m.rows([3]string{"a", "1", "x"})
	m.wants("create a: name=x first=1")
	m.rows([3]string{"a", "2", "x"})
	m.wants() // it is no part of what counts as changed
	m.rows([3]string{"a", "3", "y"}, [3]string{"b", "4", "z"})
	m.wants("create b: name=z first=4", "update a: name=y")
	if m.wants(); string(m.drawer.held["a"]["first"].Data) != "1" {
		t.Errorf("%v", m.drawer.held)
	}
	m.job.Fields = append(m.job.Fields, plan.Field{Name: "s", Column: "s", Nulls: plan.Clear}) // all rows are kept while scanning
	m.wants("update a: name=y s=y", "update b: name=z s=z")
}

// The first run compares a record that is there without what it would only be
// created with.
func TestComparingFieldsOfCreation(t *testing.T) {
	t.Parallel()
	m := mappedJob(t, plan.Field{Name: "name", Column: "s"}, plan.Field{Name: "first", Column: "n", Write: plan.WriteCreate})
	m.job.First = plan.FirstCompare
	m.rows([3]string{"a", "1", "x"}, [3]string{"b", "1", "y"}, [3]string{"c", "1", "z"})
	m.drawer.keys = map[string]record.Record{"a": {text("a")}, "b": {text("b")}}
	m.drawer.held = map[string]map[string]record.Value{"a": {"name": text("x"), "first": text("9")}, "b": {"name": text("other"), "first": text("9")}}
	if res := m.wants("create c: name=z first=1", "update b: name=y"); res.Counts.Adopted != 1 {
		t.Errorf("%+v", res.Counts)
	}
	m.wants()
}

func TestFieldsThatFillWhatIsEmpty(t *testing.T) {
	t.Parallel()
	fields := []plan.Field{{Name: "name", Column: "s"}, {Name: "score", Column: "n", Write: plan.WriteIfEmpty}}
	m := mappedJob(t, fields...)
	m.rows([3]string{"a", "1", "x"}, [3]string{"b", "", "y"})
	m.wants("create a: name=x score=1", "create b: name=y score=")
	m.rows([3]string{"a", "2", "x"}, [3]string{"b", "5", "y"})
	m.wants("update a: name=x", "update b: name=y score=5")
	m.wants()
	m.drawer.held["a"]["score"] = text("") // somebody emptied it
	m.rows([3]string{"a", "3", "x"}, [3]string{"b", "5", "y"})
	m.wants("update a: name=x score=3")

	m.req.Destination = m.drawer
	if _, err := m.prepare(); err == nil || !strings.Contains(err.Error(), "if_empty_unsupported") {
		t.Errorf("a destination that cannot be read: %v", err)
	}
}

// Thousands of changes are asked for in parts.
func TestFillingManyRecords(t *testing.T) {
	t.Parallel()
	m := mappedJob(t, plan.Field{Name: "score", Column: "n", Write: plan.WriteIfEmpty})
	var rows [][3]string
	for i := range 5001 {
		rows = append(rows, [3]string{strconv.Itoa(i), "1", ""})
	}
	m.rows(rows...)
	m.drawer.keys["7"], m.drawer.held["7"] = record.Record{text("7")}, map[string]record.Value{"score": text("9")}
	if res, _ := m.run(); res.Counts.OK != 5001 || m.drawer.reads != 2 || string(m.drawer.held["7"]["score"].Data) != "9" {
		t.Errorf("%+v, %d reads, %v", res.Counts, m.drawer.reads, m.drawer.held["7"])
	}
}

// Samples show of what was made no more than of any column it was made of.
func TestDerivedFieldsInheritTheStrictestPolicy(t *testing.T) {
	t.Parallel()
	m := mappedJob(t,
		plan.Field{Name: "both", Rule: new(mapping.Rule{Expr: `s + text(n)`})},
		plan.Field{Name: "open", Column: "n", Rule: new(mapping.Rule{Cast: mapping.ToText})},
		plan.Field{Name: "hash", Column: "s", Rule: new(mapping.Rule{Hash: mapping.SHA256})},
		plan.Field{Name: "doc", Rule: new(mapping.Rule{Object: []mapping.Member{{Name: "n", Column: "n"}, {Name: "id", Column: "id"}}})},
		plan.Field{Name: "nobody", Rule: new(mapping.Rule{Expr: `"dbt"`})},
	)
	m.rows([3]string{"a", "1", "secret"})
	p, err := m.prepare()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	got, err := p.Samples(context.Background(), 1, func(column string) plan.Showing {
		return map[string]plan.Showing{"n": plan.Show, "id": plan.Hash}[column]
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []plan.Cell{
		{Field: "both", After: "‹text›"},
		{Field: "open", After: `"1"`},
		{Field: "hash", After: "‹text›"},
		{Field: "doc", After: "‹json 1›"},
		{Field: "nobody", After: `"dbt"`},
	}
	if d := cmp.Diff(want, got.Records[0].Fields); d != "" {
		t.Errorf("cells (-want +got):\n%s", d)
	}
}

// Whatever the mapping and the rows: the second run sends nothing, and the
// fingerprint is another one if and only if the mapping is.
func TestAnyMappingSettles(t *testing.T) {
	t.Parallel()
	dir := t
	rules := []*mapping.Rule{
		nil, new(mapping.Rule{Cast: mapping.ToText}), new(mapping.Rule{Cast: mapping.ToInteger}), new(mapping.Rule{Cast: mapping.ToJSON}),
		new(mapping.Rule{Cast: mapping.ToText, Hash: mapping.SHA256}), new(mapping.Rule{Cast: mapping.ToText, Normalize: mapping.Name}),
		new(mapping.Rule{Expr: `n * 2`}), new(mapping.Rule{Expr: `s ?? "none"`}), new(mapping.Rule{Expr: `n / 3`}),
		new(mapping.Rule{Object: []mapping.Member{{Name: "n", Column: "n", SkipNulls: true}, {Name: "s", Column: "s"}}}),
		new(mapping.Rule{Array: []mapping.Member{{Column: "n"}, {Column: "s"}}}),
	}
	rapid.Check(t, func(t *rapid.T) {
		type drawn struct {
			rule   int
			column string
			nulls  plan.Nulls
			write  plan.Write
		}
		draw := func(label string) []drawn {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) drawn {
				d := drawn{
					rapid.IntRange(0, len(rules)-1).Draw(t, "rule"), rapid.SampledFrom([]string{"n", "s"}).Draw(t, "column"),
					rapid.SampledFrom([]plan.Nulls{plan.Skip, plan.Clear}).Draw(t, "nulls"), rapid.SampledFrom([]plan.Write{"", "", plan.WriteCreate, plan.WriteIfEmpty}).Draw(t, "write"),
				}
				if r := rules[d.rule]; r != nil && (r.Expr != "" || r.Object != nil || r.Array != nil) {
					d.column = ""
				}
				return d
			}), 1, 3).Draw(t, label)
		}
		fields := func(ds []drawn) (out []plan.Field) {
			for i, d := range ds {
				out = append(out, plan.Field{Name: fmt.Sprint("f", i), Column: d.column, Rule: rules[d.rule], Nulls: d.nulls, Write: d.write})
			}
			return out
		}
		one, other := draw("one"), draw("other")
		m := mappedJob(dir, fields(one)...)
		m.job.Mode = rapid.SampledFrom([]plan.Mode{plan.Upsert, plan.Mirror, plan.Insert}).Draw(t, "mode")
		row := rapid.Custom(func(t *rapid.T) [3]string {
			return [3]string{
				rapid.StringMatching("[a-e]").Draw(t, "id"), rapid.SampledFrom([]string{"", "1", "2.5", "30"}).Draw(t, "n"),
				rapid.SampledFrom([]string{"", "x", "12", "{}"}).Draw(t, "s"),
			}
		})
		bound := func(fs []plan.Field) string {
			j := m.job
			j.Fields = fs
			b, problems := plan.Bind(j, m.grid.columns)
			if problems != nil {
				t.Fatal(problems)
			}
			return b.Mapping()
		}
		if same := cmp.Equal(one, other, cmp.AllowUnexported(drawn{})); same != (bound(fields(one)) == bound(fields(other))) {
			t.Fatalf("%+v and %+v: equal %t, fingerprints %s and %s", one, other, same, bound(fields(one)), bound(fields(other)))
		}
		m.job.Guards.Keys = plan.Limit{Off: true}
		for range 3 {
			m.rows(rapid.SliceOfN(row, 0, 6).Draw(t, "rows")...)
			first, _ := m.run()
			if second, sent := m.run(); len(sent) > 0 || second.Counts.Changes() > 0 || second.Counts.Invalid != first.Counts.Invalid {
				t.Fatalf("the second run sent %v: %+v after %+v", sent, second.Counts, first.Counts)
			}
		}
	})
}

// family are two jobs: contacts look up accounts.
func family(t *testing.T, miss plan.Miss) (accounts, contacts *mapped) {
	t.Helper()
	accounts = mappedJob(t, plan.Field{Name: "name", Column: "s"})
	accounts.job.ID, accounts.job.Object, accounts.drawer.ids = "accounts", "accounts", true
	accounts.req.Destination = identifying{accounts.drawer}
	contacts = mappedJob(t, plan.Field{Name: "name", Column: "s"},
		plan.Field{Name: "account", Column: "n", Rule: new(mapping.Rule{Cast: mapping.ToText}), Lookup: &plan.Lookup{Job: "accounts", Miss: miss}})
	contacts.job.ID = "contacts"
	contacts.req.Parents = map[string]engine.Parent{"accounts": {Job: accounts.job, Destination: accounts.req.Destination}}
	two := &several{syncs: map[string]*memory{"accounts": newMemory(), "contacts": newMemory()}, memory: newMemory()}
	accounts.engine.Ledger, contacts.engine.Ledger = two, two
	return accounts, contacts
}

// several is a ledger of several syncs.
type several struct {
	*memory
	syncs map[string]*memory
}

func (s *several) Open(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	return s.syncs[id.Job].Open(ctx, id, target)
}

func (s *several) View(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	return s.syncs[id.Job].View(ctx, id, target)
}

type identifying struct{ *drawer }

func (identifying) Identifies(string, destination.Mode) bool { return true }

func TestLookupsWaitForTheOtherRecord(t *testing.T) {
	t.Parallel()
	accounts, contacts := family(t, plan.MissWait)
	contacts.rows([3]string{"a", "1", "x"}, [3]string{"b", "2", "y"}, [3]string{"c", "", "z"})
	res := contacts.wants("create c: name=z account=")
	want := []plan.RejectGroup{{Code: "lookup_miss", Reason: "account: lookup accounts: it has not sent that record yet", Records: 2, State: "waiting"}}
	if d := cmp.Diff(want, res.Rejects); d != "" || res.Counts.HeldBack != 2 || engine.Handled(res) {
		t.Errorf("%+v handled %t\n%s", res.Counts, engine.Handled(res), d)
	}
	accounts.rows([3]string{"1", "", "One"}, [3]string{"2", "", "Two"})
	accounts.drawer.deny = "2"
	accounts.run()
	if res = contacts.wants("create a: name=x account=id-1"); res.Counts.HeldBack != 1 {
		t.Errorf("%+v", res.Counts)
	}
	accounts.drawer.deny = ""
	accounts.req.Retry = true
	accounts.run()
	if res = contacts.wants("create b: name=y account=id-2"); res.Counts.HeldBack != 0 || !engine.Handled(res) || len(res.Rejects) > 0 {
		t.Errorf("%+v", res)
	}
	contacts.wants()
	contacts.rows([3]string{"a", "2", "x"}, [3]string{"b", "2", "y"}, [3]string{"c", "3", "z"})
	contacts.wants("update a: name=x account=id-2") // c waits, and is no delete or change
}

func TestLookupsThatDoNotWait(t *testing.T) {
	t.Parallel()
	for miss, want := range map[plan.Miss]string{plan.MissSkip: "create a: name=x", plan.MissClear: "create a: name=x account="} {
		accounts, contacts := family(t, miss)
		contacts.rows([3]string{"a", "1", "x"})
		contacts.wants(want)
		contacts.wants()
		accounts.rows([3]string{"1", "", "One"})
		accounts.run()
		contacts.wants("update a: name=x account=id-1")
		contacts.wants()
	}
}

func TestLookupsThatFindNothingEver(t *testing.T) {
	t.Parallel()
	accounts, contacts := family(t, plan.MissSkip)
	accounts.rows([3]string{"1", "", "One"})
	accounts.run()
	contacts.rows([3]string{"a", "1", "x"})
	contacts.job.Fields[1].Rule = nil
	if _, err := contacts.prepare(); err == nil || !strings.Contains(err.Error(), "account: lookup: n holds values of type decimal, which the key of accounts is not") {
		t.Errorf("%v", err)
	}
	contacts.req.Parents["accounts"] = engine.Parent{Job: accounts.job, Destination: accounts.drawer}
	if _, err := contacts.prepare(); err == nil || !strings.Contains(err.Error(), "lookup_no_ids") {
		t.Errorf("%v", err)
	}
}

// More rows than stay in memory, two lookups one after the other, and one
// record at a time by `test`.
func TestManyLookups(t *testing.T) {
	t.Parallel()
	accounts, contacts := family(t, plan.MissWait)
	contacts.job.Fields = append(contacts.job.Fields, plan.Field{
		Name: "owner", Column: "s", Nulls: plan.Clear, Lookup: &plan.Lookup{Job: "accounts", Miss: plan.MissSkip},
	})
	var rows, people [][3]string
	for i := range 2000 {
		rows = append(rows, [3]string{strconv.Itoa(i), "", strings.Repeat("x", 200)})
		people = append(people, [3]string{fmt.Sprint("p", i), strconv.Itoa(i + 1000), strconv.Itoa(i / 2)})
	}
	accounts.rows(rows...)
	accounts.run()
	contacts.rows(people...)
	if res, _ := contacts.run(); res.Counts.OK != 1000 || res.Counts.HeldBack != 1000 {
		t.Fatalf("%+v", res.Counts)
	}
	for i := range 1000 {
		held := contacts.drawer.held[fmt.Sprint("p", i)]
		if a, o := string(held["account"].Data), string(held["owner"].Data); a != fmt.Sprint("id-", i+1000) || o != fmt.Sprint("id-", i/2) {
			t.Fatalf("p%d: %s %s", i, a, o)
		}
	}
	req := contacts.req
	req.Job, req.Warehouse = contacts.job, contacts.grid
	one, err := contacts.engine.One(context.Background(), nil, engine.OneRequest{Request: req, Keys: []string{"p7"}})
	if err != nil || one.Op != 0 || string(one.Fields[1].Sent.Data) != "id-1007" {
		t.Errorf("%+v %v", one, err)
	}
	if _, err = contacts.engine.One(context.Background(), nil, engine.OneRequest{Request: req, Keys: []string{"p1007"}}); err == nil || !strings.Contains(err.Error(), "lookup_miss") {
		t.Errorf("%v", err)
	}
}

// A key may be made as values are. A row whose key cannot be made is like one
// without a key.
func TestKeysThatAreMade(t *testing.T) {
	t.Parallel()
	m := mappedJob(t, plan.Field{Name: "name", Column: "s"})
	m.job.Mode = plan.Mirror
	m.job.Key = []plan.KeyField{{Field: "ext", Column: "n", Rule: new(mapping.Rule{Cast: mapping.ToInteger})}}
	m.job.Guards.Keys = plan.Limit{Off: true}
	m.rows([3]string{"a", "1", "x"}, [3]string{"b", "2", "y"})
	m.wants("create 1: name=x", "create 2: name=y")
	m.wants()
	m.rows([3]string{"a", "1", "z"}, [3]string{"b", "2.5", "y"}, [3]string{"c", "", "y"})
	res := m.wants("update 1: name=z") // nobody knows whether 2 is gone
	want := []plan.RejectGroup{{Code: "cast_lossy", Reason: "ext: cast: integer: the value has a fraction", Records: 1, State: "no_key"}}
	if d := cmp.Diff(want, res.Rejects); d != "" || res.Counts.Invalid != 2 || res.Plan.Deletes {
		t.Errorf("%+v deletes %t\n%s", res.Counts, res.Plan.Deletes, d)
	}
	m.rows([3]string{"a", "1", "z"}, [3]string{"b", "1", "y"})
	if res = m.wants(); res.Counts.Invalid != 2 || len(res.Rejects) > 0 {
		t.Errorf("two rows with one key: %+v %v", res.Counts, res.Rejects)
	}
	m.rows([3]string{"a", "1", "z"})
	m.wants("delete 2: ")
	req := m.req
	req.Job, req.Warehouse = m.job, m.grid
	one, err := m.engine.One(context.Background(), nil, engine.OneRequest{Request: req, Keys: []string{"1"}})
	if err != nil || one.Op != 0 || string(one.Key[0].Sent.Data) != "1" || one.There != 1 {
		t.Errorf("%+v %v", one, err)
	}

	m.job.Key[0].Rule = new(mapping.Rule{Cast: mapping.ToText, Hash: mapping.SHA256})
	m.rows([3]string{"a", "1", "z"})
	m.wants("create 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b: name=z", "delete 1: ")
}
