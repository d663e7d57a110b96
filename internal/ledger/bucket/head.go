package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
	"exposync/internal/plan"
)

const (
	headPrefix  = "heads/"
	headVersion = 1
	// keptSeals is how many takeovers a holder can sleep through and still find
	// the seal of its journal. Beyond, it finds that its lease is gone.
	keptSeals = 32
)

// head is everything that counts about one sync.
type head struct {
	Version int           `json:"version"`
	Sync    plan.SyncID   `json:"sync"`
	Targets []string      `json:"targets,omitempty"` // dbt targets of the runs that wrote, sorted; none: nothing was written
	Header  ledger.Header `json:"header"`            // of the marks; its generation may be later than that of the object
	Marks   *marksObject  `json:"marks,omitempty"`   // nil: no marks
	Token   int64         `json:"token"`             // of the newest lease; grows for ever
	Lease   *lease        `json:"lease,omitempty"`   // nil: nobody has it
	Journal journalRef    `json:"journal"`
	Seals   []string      `json:"seals,omitempty"`  // objects of journals that may not go on
	Litter  bool          `json:"litter,omitempty"` // there may be objects that nothing names
	Write   string        `json:"write"`
}

// marksObject names a snapshot of marks.
type marksObject struct {
	Key    string `json:"key"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// journalRef names the commits that count on top of the marks.
type journalRef struct {
	Token int64 `json:"token"`
	Start int64 `json:"start"` // the first one
	// End is the number behind the last one, where that is known: the journal
	// was closed or sealed. Else it ends with the first number that is not there.
	End    int64 `json:"end,omitempty"`
	Closed bool  `json:"closed,omitempty"`
}

func (h *head) wrote(target string) bool { return slices.Contains(h.Targets, target) }

// claim remembers a target.
func (h *head) claim(target string) {
	if !h.wrote(target) {
		h.Targets = append(slices.Clone(h.Targets), target)
		slices.Sort(h.Targets)
	}
}

// headObject is a head as it was read.
type headObject struct {
	head
	version string
	object  object
}

func headKey(id plan.SyncID) string { return headPrefix + format.SyncName(id) + ".json" }

// syncPrefix is where the objects of a sync are.
func syncPrefix(id plan.SyncID) string { return "syncs/" + format.SyncName(id) + "/" }

func commitPrefix(id plan.SyncID, token int64) string {
	return fmt.Sprintf("%sjournal/%010d-", syncPrefix(id), token)
}

func commitKey(id plan.SyncID, token, number int64) string {
	return fmt.Sprintf("%s%010d", commitPrefix(id, token), number)
}

// tokenOf is the token in the key of a commit or of marks, 0 if there is none.
func tokenOf(key string) int64 {
	name := key[strings.LastIndexByte(key, '/')+1:]
	token, _, _ := strings.Cut(name, "-")
	n, _ := strconv.ParseInt(token, 10, 64)
	return n
}

// readHead reads any head; the error is errAbsent if there is none.
func (s *store) readHead(ctx context.Context, key string) (headObject, error) {
	o, err := s.objects.get(ctx, key)
	if err != nil {
		return headObject{}, err
	}
	h := headObject{version: o.version, object: o}
	where := s.objects.where(key)
	const after = "nothing is remembered of that sync any more then, and its next run is a first run"
	switch err := json.Unmarshal(o.body, &h.head); {
	case err == nil && h.Version > headVersion:
		return headObject{version: o.version, object: o}, newer(where, h.Version)
	case err != nil || h.Version < 1:
		return headObject{version: o.version, object: o}, damagedAlone(where, "it is not the JSON that was written", after)
	case headKey(h.Sync) != key:
		return headObject{version: o.version, object: o}, damagedAlone(where, "it names another sync than its key", after)
	}
	return h, nil
}

// readSync reads the head of a sync; a sync that has none has an empty one.
func (s *store) readSync(ctx context.Context, id plan.SyncID) (headObject, error) {
	if err := ctx.Err(); err != nil {
		return headObject{}, err
	}
	h, err := s.readHead(ctx, headKey(id))
	if errors.Is(err, errAbsent) {
		return headObject{head: head{Version: headVersion, Sync: id}}, nil
	}
	return h, err
}

// writeHead swaps the head that was read as was.
func (s *store) writeHead(ctx context.Context, was string, h *head) (string, error) {
	h.Version, h.Write = headVersion, newID()
	b, err := json.Marshal(h)
	if err != nil {
		return "", err
	}
	return swap(ctx, s.objects, headKey(h.Sync), b, was)
}
