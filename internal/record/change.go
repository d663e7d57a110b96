package record

// Op is what a change does at the destination.
type Op uint8

// The operations.
const (
	Create Op = iota + 1 // the ledger has no confirmed mark of the key
	Update               // the mapped values differ from the mark
	Delete               // mirror mode: a confirmed key is gone from the source
)

// String is the word that reports use.
func (o Op) String() string {
	switch o {
	case Create:
		return "create"
	case Update:
		return "update"
	case Delete:
		return "delete"
	}
	return "unknown"
}

// Change is one record to create, update or delete. It is valid until the
// next one is read.
type Change struct {
	Op       Op
	Key      Key    // canonical bytes
	KeyHash  Hash   // Key.Hash()
	RowHash  Hash   // hash of Values; zero for a delete
	KeyVals  Record // the key, in the order of the target's key fields
	Values   Record // mapped values, in the order of the target's fields; nil for a delete
	RemoteID string // the destination's id, where it told one before
	Attempts int    // runs that tried the same values before
	Since    int64  // unix seconds of the first of them; 0 if none
}

// Mark is what the ledger knows of one key.
type Mark struct {
	KeyHash  Hash
	RowHash  Hash   // mapped values as last confirmed; zero if never confirmed
	Key      Key    // for deletes and lookups
	RemoteID string // the destination's id of the record; may be empty
	Adopted  bool   // taken over without being sent (first: adopt)
	Standing *Standing
}

// Confirmed reports whether the destination holds this record as far as the
// ledger knows.
func (m Mark) Confirmed() bool { return m.RowHash != Hash{} }

// Standing is what stands against a key since its last attempt.
type Standing struct {
	State     StandingState
	RowHash   Hash   // the values that were tried; zero for a delete
	Attempts  int    // how many runs tried these values
	Code      string // the destination's code, e.g. "23514" or "VALIDATION_ERROR"
	Reason    string // its message, without record values
	Permanent bool   // will fail again unless the record or the mapping changes
	Since     int64  // unix seconds of the first attempt
}

// StandingState says why a key is standing.
type StandingState uint8

// The states.
const (
	Rejected    StandingState = iota + 1 // the destination refused it
	InDoubt                              // sent, but nobody knows whether it arrived
	Quarantined                          // rejected too often: waits for a release
)
