package plan

import (
	"fmt"
	"strconv"
	"time"

	"exposync/internal/fault"
	"exposync/internal/record"
)

// Incremental says how a source is read that is too large to be read as a
// whole every time. The zero value reads all of it.
type Incremental struct {
	Column   string // ours: grows with every change, or with every event
	Lookback Lookback
	// Forget: the ledger remembers only what is inside of the window that is
	// read (cursor:, in mode append). Else it remembers all (changed_since:).
	Forget bool
	// FullRead is how old the last reading of the whole source may be, with
	// changed_since:; 0 if it is never read as a whole by itself.
	FullRead time.Duration
}

// On reports whether the source is read in part at all.
func (i Incremental) On() bool { return i.Column != "" }

// Setting is the key that declares it.
func (i Incremental) Setting() string {
	if i.Forget {
		return "cursor"
	}
	return "changed_since"
}

// Lookback is how far before the last value a reading begins: a duration for
// dates and times, steps for whole numbers.
type Lookback struct {
	Age   time.Duration
	Steps int64 // if Age is 0
}

// String is the lookback as people write it.
func (l Lookback) String() string {
	if l.Age > 0 {
		return Age(l.Age)
	}
	return strconv.FormatInt(l.Steps, 10)
}

// Reading says what was read of the source, and from where on.
type Reading struct {
	Rows   int64  `json:"rows_read"`  // that the warehouse gave; one that is fetched again by its key counts once
	Bytes  int64  `json:"bytes_read"` // of all values that came, each in its canonical text
	Full   bool   `json:"full_read"`  // the whole source was compared
	Column string `json:"column,omitempty"`
	Since  string `json:"since,omitempty"` // the lowest value of Column that was asked for
	// Why says why a source that can be read in part was read as a whole.
	Why string `json:"why,omitempty"`
	// Asked: because somebody asked for it, with --full-refresh.
	Asked bool `json:"asked,omitempty"`
	// Forgotten are the records that the ledger will no longer remember.
	Forgotten int64 `json:"forgotten,omitempty"`
	// Cursor and FullAt are for the ledger's header once every change has its
	// outcome.
	Cursor string `json:"cursor,omitempty"`
	FullAt int64  `json:"full_at,omitempty"`
}

// since binds the column of an incremental reading and checks that it has an
// order which every warehouse shares.
func (b *binder) since(job Job) *BoundPart {
	i := job.Incremental
	if !i.On() {
		return nil
	}
	part := b.column(i.Setting(), i.Column, i.Column)
	if part.Index < 0 {
		return nil
	}
	refuse := func(why, hint string) {
		b.problems = append(b.problems, &fault.Fault{
			Code: "cursor_type", Kind: fault.Config, Whose: fault.Mapping, Where: job.Where,
			Msg:  fmt.Sprintf("job %s: %s: the column %q of %s %s", job.ID, i.Setting(), part.Column, job.Source.Name, why),
			Hint: hint,
		})
	}
	const cast = "take a column of type timestamp, date or integer, or cast it in the export model; SQLite keeps no type of a computed column: cast(strftime('%s', …) as integer) there"
	switch part.Kind {
	case record.Date, record.Timestamp, record.Instant:
		if i.Lookback.Age == 0 {
			refuse("holds times, but lookback is the number "+i.Lookback.String(), "write lookback as a duration: 6h, 3d")
		}
	case record.Int, record.Decimal:
		if i.Lookback.Age > 0 {
			refuse("holds numbers, but lookback is a duration", "write lookback as the number of values to read again: 10000")
		}
	case record.Text:
		refuse("is a text: no two warehouses sort texts alike, so rows could be missed", cast)
	case record.Float:
		refuse("is a float: it is rounded, so rows could be missed", cast)
	default:
		refuse("has no order in which it grows: it is of type "+part.Kind.String(), cast)
	}
	return &part
}
