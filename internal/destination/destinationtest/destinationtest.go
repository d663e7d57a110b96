// Package destinationtest is what every destination has to do, as tests: an
// adapter is done when Run passes. It writes through the seam only, settles
// what comes back as the engine does, and reads back through the harness.
package destinationtest

import (
	"context"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// Harness describes one destination to the suite.
type Harness struct {
	// New gives a destination with an empty object of its own, with the
	// fields that Target names. It cleans up through t.
	New func(t *testing.T) *Subject
	// Missing names what the destination cannot do, or the harness cannot
	// arrange, with the reason. Everything that is not named is tested; what
	// is named but turns out to be there fails.
	Missing map[Ability]string
}

// Subject is one destination under test.
type Subject struct {
	Destination destination.Destination
	Object      string // for Target.Object
	// Rows reads what the destination holds, after a writer was closed.
	Rows func(t *testing.T) []Row
	// Spoil makes a change that the destination refuses, by itself and for
	// good, whatever else is in its batch.
	Spoil func(ch *record.Change)
	// Fail arranges what the next writes, or the next account request, meet.
	Fail func(t *testing.T, f Failure)
	// Seen tells the size of every batch that arrived, refused ones too.
	Seen func() []Size
	// Keeps names the fields that the destination can hold as they are, beside
	// the key; nil for all.
	Keeps []string
	// LongestText is how many bytes a text may have; 0 for any number.
	LongestText int
	// Refuses tells changes that the destination may refuse for what they
	// hold, by its documentation; nil for none.
	Refuses func(ch record.Change) bool
	// Secrets are what must never show in an error, outcome or account.
	Secrets []string
}

// Row is one record that the destination holds: its fields, the key's too, as
// canonical text; nil stands for null, no entry for a field that was never
// set.
type Row map[string]*string

// Size is one batch as it arrived; Bytes is 0 where that means nothing.
type Size struct{ Rows, Bytes int }

// Ability is something that not every destination can do.
type Ability string

// The abilities.
const (
	Upserts     Ability = "mode upsert"
	Updates     Ability = "mode update"
	Inserts     Ability = "mode insert"
	Mirrors     Ability = "mode mirror"
	Appends     Ability = "mode append"
	Spoils      Ability = "a record that is refused (Subject.Spoil)"
	SeesSizes   Ability = "sizes of batches (Subject.Seen)"
	Sheds       Ability = "a temporary failure (Failure Shed)"
	LosesAnswer Ability = "an answer that is lost (Failure LoseAnswer)"
	Hangs       Ability = "a destination that never answers (Failure Hang)"
	Denies      Ability = "bad credentials (Failure Deny)"
	Dies        Ability = "a destination that is down (Failure Die)"
	KeepsAbsent Ability = "a field left as it is (record.Absent)"
	KeepsNulls  Ability = "null told from empty text"
	JSONNulls   Ability = "null told from the JSON document null"
)

// Failure is what the suite asks a harness to arrange.
type Failure uint8

// The failures.
const (
	Shed       Failure = iota // the next write is refused for now, the one after is taken
	LoseAnswer                // the next write is done, but its answer never arrives
	Hang                      // from now on no write is answered and none is done
	Deny                      // from now on the credentials are not accepted
	Die                       // from now on nobody answers
)

// Run tests a destination.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *Subject){
		"account is told and stable":         testAccount,
		"traits make sense":                  testTraits,
		"empty batch":                        testEmptyBatch,
		"create and update":                  testUpsert,
		"values arrive exactly":              testValues,
		"more than one batch":                testBatches,
		"concurrent batches":                 testConcurrent,
		"many writers, one after another":    testWriters,
		"an outcome for each, in order":      testOrder,
		"cancelled before the write":         testCancelled,
		"the same delivery again is no harm": testAgain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h.need(t, Upserts)
			test(t, h.subject(t))
		})
	}
	for _, test := range h.abilityTests() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, a := range test.needs {
				h.need(t, a)
			}
			test.run(t, h.subject(t))
		})
	}
}

type abilityTest struct {
	name  string
	needs []Ability
	run   func(*testing.T, *Subject)
}

// abilityTests are those that not every destination can pass.
func (h Harness) abilityTests() []abilityTest {
	return []abilityTest{
		{"null clears", []Ability{Upserts, KeepsNulls}, testNull},
		{"null is not the document null", []Ability{Upserts, JSONNulls}, testJSONNull},
		{"absent leaves a field as it is", []Ability{Upserts, KeepsAbsent}, testAbsent},
		{"one bad record among good ones", []Ability{Upserts, Spoils}, testOneBad},
		{"only bad records", []Ability{Upserts, Spoils}, testOnlyBad},
		{"update must not create", []Ability{Updates}, testUpdate},
		{"insert must not change", []Ability{Inserts, Upserts}, testInsert},
		{"append adds every time", []Ability{Appends}, testAppend},
		{"mirror deletes", []Ability{Mirrors}, testMirror},
		{"creates and deletes in one batch", []Ability{Mirrors}, testMixed},
		{"delete what is not there", []Ability{Mirrors}, testDeleteMissing},
		{"limits are honoured", []Ability{Upserts, SeesSizes}, testLimits},
		{"temporary failure, then success", []Ability{Upserts, Sheds}, testShed},
		{"answer lost after the write", []Ability{Upserts, LosesAnswer}, testLoseAnswer},
		{"answer lost after an append", []Ability{Appends, LosesAnswer}, testLoseAppend},
		{"cancelled in the middle", []Ability{Upserts, Hangs}, testHang},
		{"bad credentials", []Ability{Upserts, Denies}, testDeny},
		{"a dead destination confirms nothing", []Ability{Upserts, Dies}, testDie},
	}
}

// need skips what the harness declares missing. An ability that is neither
// declared missing nor there is found out by the test itself.
func (h Harness) need(t *testing.T, a Ability) {
	t.Helper()
	if reason, missing := h.Missing[a]; missing {
		if reason == "" {
			t.Fatalf("%s is declared missing without a reason", a)
		}
		t.Skipf("declared missing: %s: %s", a, reason)
	}
}

func (h Harness) subject(t *testing.T) *Subject {
	t.Helper()
	s := h.New(t)
	for a, there := range map[Ability]bool{
		Spoils: s.Spoil != nil, SeesSizes: s.Seen != nil,
	} {
		if _, missing := h.Missing[a]; missing == there {
			t.Fatalf("the harness declares %q missing: %v, but has it: %v", a, missing, there)
		}
	}
	t.Cleanup(func() {
		if err := s.Destination.Close(); err != nil {
			t.Errorf("Destination.Close(): %v", err)
		}
	})
	return s
}

// Target is what the suite writes to: one text key and a field of most kinds.
func (s *Subject) Target(mode destination.Mode) destination.Target {
	return destination.Target{
		Object: s.Object, Key: KeyFields(), Fields: Fields(), Mode: mode, RunID: "20240229T120000Z-test",
	}
}

// KeyFields is the suite's key.
func KeyFields() []destination.Field { return []destination.Field{{Name: "id", Kind: record.Text}} }

// Fields are the suite's other fields, in order.
func Fields() []destination.Field {
	return []destination.Field{
		{Name: "name", Kind: record.Text},
		{Name: "score", Kind: record.Int},
		{Name: "amount", Kind: record.Decimal},
		{Name: "active", Kind: record.Bool},
		{Name: "day", Kind: record.Date},
		{Name: "at", Kind: record.Instant},
		{Name: "local", Kind: record.Timestamp},
		{Name: "doc", Kind: record.JSON},
	}
}

// open gives a writer for the mode.
func (s *Subject) open(t *testing.T, mode destination.Mode) destination.Writer {
	t.Helper()
	w, err := s.Destination.Open(t.Context(), s.Target(mode))
	if err != nil {
		t.Fatalf("Open(%s): %v", mode, err)
	}
	return w
}

// write delivers changes as the engine would and gives the final outcomes.
func (s *Subject) write(t *testing.T, mode destination.Mode, changes ...record.Change) []destination.Outcome {
	t.Helper()
	w := s.open(t, mode)
	out := deliver(t.Context(), w, changes)
	settle(t, w, out)
	return out
}

// settle ends a writer and makes pending outcomes final.
func settle(t *testing.T, w destination.Writer, out []destination.Outcome) {
	t.Helper()
	if settler, ok := w.(destination.Settler); ok && w.Traits().Settles {
		err := settler.Settle(context.WithoutCancel(t.Context()))
		for i := range out {
			if out[i].State == destination.Pending {
				out[i].State = destination.OK
				if err != nil {
					out[i] = destination.Outcome{State: destination.NotSent, Message: err.Error()}
				}
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Errorf("Writer.Close(): %v", err)
	}
}
