package facade_test

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/sandbox/facade"
)

// memory is a Log without a disk.
type memory struct {
	order []string
	all   map[string]facade.Version
	fail  error
}

func (m *memory) Len() int { return len(m.order) }
func (m *memory) Known(id string) bool {
	_, ok := m.all[id]
	return ok
}

func (m *memory) Read(id string) (facade.Version, bool, error) {
	v, ok := m.all[id]
	return v, ok, nil
}

func (m *memory) Scan(from int, yield func(int, facade.Version) bool) error {
	for i := from; i < len(m.order); i++ {
		if !yield(i, m.all[m.order[i]]) {
			return nil
		}
	}
	return nil
}

func (m *memory) Append(versions []facade.Version) (func() error, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	for _, v := range versions {
		if !m.Known(v.ID) {
			m.order = append(m.order, v.ID)
		}
		m.all[v.ID] = v
	}
	return func() error { return nil }, nil
}

func newObject(t *testing.T) (*facade.Object, *memory) {
	t.Helper()
	log := &memory{all: map[string]facade.Version{}}
	s := facade.NewService(facade.Config{
		Kind: "k", Connection: "c", Dir: t.TempDir(), Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
		Log: func(string) (facade.Log, error) { return log, nil },
	})
	o, err := s.Object("things")
	if err != nil {
		t.Fatal(err)
	}
	return o, log
}

func named(name string) facade.Fields {
	f := facade.Fields{}
	f.Set("name", name)
	return f
}

var byName = facade.Property{Name: "name", Fold: true}

// found gives the id that a name finds; "-" for none.
func found(t *testing.T, tx *facade.Tx, name string) string {
	t.Helper()
	rec, ok, err := tx.Find(byName, name)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "-"
	}
	return rec.ID
}

func TestObjectFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{true, false} { // the index is made before the changes, or among them
		o, _ := newObject(t)
		err := o.Update(func(tx *facade.Tx) error {
			if early {
				found(t, tx, "ada")
			}
			rec, err := tx.Create(facade.Digits(100), named("Ada"))
			if err != nil {
				return err
			}
			if _, err := tx.Put("200", named("Bob")); err != nil {
				return err
			}
			if _, err := tx.Put(rec.ID, named("Cleo")); err != nil {
				return err
			}
			if a, b, c := found(t, tx, "ada"), found(t, tx, "BOB"), found(t, tx, "cleo"); a != "-" || b != "200" || c != "101" {
				t.Errorf("early %v, among the changes: %s %s %s", early, a, b, c)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		failed := errors.New("no")
		err = o.Update(func(tx *facade.Tx) error {
			if _, err := tx.Put("101", named("Dora")); err != nil {
				return err
			}
			if _, err := tx.Delete("200"); err != nil {
				return err
			}
			if d, b := found(t, tx, "dora"), found(t, tx, "bob"); d != "101" || b != "-" {
				t.Errorf("before it fails: %s %s", d, b)
			}
			return failed
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		_ = o.View(func(tx *facade.Tx) error {
			if d, b, c := found(t, tx, "dora"), found(t, tx, "bob"), found(t, tx, "cleo"); d != "-" || b != "200" || c != "101" {
				t.Errorf("after it failed: %s %s %s", d, b, c)
			}
			return nil
		})
	}
}

func TestObjectIDsAreNeverMadeTwice(t *testing.T) {
	t.Parallel()
	o, _ := newObject(t)
	var ids []string
	for range 3 {
		if err := o.Update(func(tx *facade.Tx) error {
			if _, err := tx.Put("103", named("given")); err != nil {
				return err
			}
			for range 2 {
				rec, err := tx.Create(facade.Digits(100), named("made"))
				if err != nil {
					return err
				}
				ids = append(ids, rec.ID)
			}
			_, err := tx.Delete(ids[0])
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if sorted := slices.Compact(slices.Sorted(slices.Values(ids))); len(sorted) != 6 || slices.Contains(ids, "103") {
		t.Errorf("ids %v", ids)
	}
}

// After a write that failed nobody knows what is on disk.
func TestObjectStopsAfterAFailedWrite(t *testing.T) {
	t.Parallel()
	o, log := newObject(t)
	put := func(tx *facade.Tx) error { _, err := tx.Put("1", named("x")); return err }
	log.fail = io.ErrShortWrite
	if err := o.Update(put); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
	log.fail = nil
	if err := o.Update(put); err == nil {
		t.Error("an object took a change after a write had failed")
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		facade.Digits(500)(1):              "501",
		facade.Prefixed("rec", 14)(36):     "rec00000000000010",
		facade.Checked18("001")(1):         "001000000000001AAA",
		facade.Checked18("00Q")(62*10 + 9): "00Q0000000000A9EAI",
	} {
		if id != want {
			t.Errorf("got %s, want %s", id, want)
		}
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *facade.Documents {
		return facade.NewService(facade.Config{Dir: dir, Now: time.Now, SyncDirs: func(...string) error { return nil }}).Documents
	}
	d := open()
	for _, name := range []string{"job-aB", "job-Ab", "job-../x", "other"} {
		if err := d.Save(name, name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.SaveBlob("job-aB", io.MultiReader(strings.NewReader("half"), broken{})); err == nil {
		t.Error("half an upload was kept")
	}
	names, err := open().List("job-")
	if err != nil || strings.Join(names, " ") != "job-../x job-Ab job-aB" {
		t.Errorf("%v, %v", names, err)
	}
	var text string
	if ok, err := open().Load("job-aB", &text); !ok || err != nil || text != "job-aB" {
		t.Errorf("%v %v %q", ok, err, text)
	}
	if err := d.Remove("other"); err != nil {
		t.Error(err)
	}
	if ok, _ := d.Load("other", &text); ok {
		t.Error("what was removed is there")
	}
	if _, err := d.OpenBlob("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	tokens := func() *facade.Tokens {
		return facade.NewService(facade.Config{Dir: "x", Now: func() time.Time { return now }}).Tokens
	}
	ours := tokens()
	token, other := ours.Issue(time.Hour), ours.Issue(time.Hour)
	ours.Revoke(other)
	if ours.Expired(token) || tokens().Expired(token) || !ours.Expired(other) || ours.Expired("given-by-the-user") {
		t.Error("a good token is expired, or a revoked one good")
	}
	now = now.Add(time.Hour)
	if !tokens().Expired(token) {
		t.Error("a token is good for longer than it was issued for")
	}
}
