package facade

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// hubspotInput is one input of a batch.
type hubspotInput struct {
	ID         string                     `json:"id"`
	IDProperty string                     `json:"idProperty"`
	Trace      *string                    `json:"objectWriteTraceId"`
	Properties map[string]json.RawMessage `json:"properties"`
}

type hubspotBatch struct {
	Inputs     []hubspotInput `json:"inputs"`
	IDProperty string         `json:"idProperty"` // of read
	Properties []string       `json:"properties"` // of read: which to give
}

// hubspotResult is one record in an answer.
type hubspotResult struct {
	ID         string             `json:"id"`
	New        *bool              `json:"new,omitempty"`
	Trace      *string            `json:"objectWriteTraceId,omitempty"`
	Properties map[string]*string `json:"properties"`
	CreatedAt  time.Time          `json:"createdAt"`
	UpdatedAt  time.Time          `json:"updatedAt"`
	Archived   bool               `json:"archived"`
}

// hubspotRowError is an input that was refused while others were taken.
type hubspotRowError struct {
	Status   string              `json:"status"`
	Category string              `json:"category"`
	Message  string              `json:"message"`
	Context  map[string][]string `json:"context"`
}

// hubspotReason says why an input is refused.
type hubspotReason struct {
	category, message, code string
	property                string // that is to blame
	ids                     []string
	existing                string
}

func (e *hubspotReason) Error() string { return e.message }

const hubspotMax = 100 // inputs of a batch

// batch takes any of the batches of an object.
func (h *hub) batch(w http.ResponseWriter, r *http.Request) {
	body, err := ReadBody(r, 16<<20)
	if errors.Is(err, ErrTooLarge) {
		hubspotRefuse(w, r, TooLarge)
		return
	}
	var b hubspotBatch
	if err != nil || json.Unmarshal(body, &b) != nil {
		hubspotInvalid(w, r, "Invalid input JSON.")
		return
	}
	if len(b.Inputs) > hubspotMax {
		hubspotInvalid(w, r, "The maximum batch size is 100.")
		return
	}
	if message := badValue(&b); message != "" {
		hubspotInvalid(w, r, message)
		return
	}
	switch op := r.PathValue("op"); op {
	case "upsert", "update", "create":
		h.write(w, r, op, &b)
	case "read":
		h.read(w, r, &b)
	case "archive":
		h.archiveAll(w, r, &b)
	default:
		hubspotRefuse(w, r, NotFound)
	}
}

// badValue finds a property whose value is no text: the API maps texts to
// texts, and refuses the whole batch.
func badValue(b *hubspotBatch) string {
	for i := range b.Inputs {
		for name, raw := range b.Inputs[i].Properties {
			if len(raw) == 0 || raw[0] != '"' {
				return "Invalid input JSON: the value of the property " + name + " is not a string."
			}
		}
	}
	return ""
}

// twice gives the ids that stand in a batch more than once.
func twice(inputs []hubspotInput) (ids []string) {
	seen := map[string]int{}
	for i := range inputs {
		at := inputs[i].IDProperty + "\x00" + inputs[i].ID
		if seen[at]++; seen[at] == 2 && inputs[i].ID != "" {
			ids = append(ids, inputs[i].ID)
		}
	}
	return ids
}

func (h *hub) write(w http.ResponseWriter, r *http.Request, op string, b *hubspotBatch) {
	call := CallOf(r)
	ids := twice(b.Inputs)
	if len(b.Inputs) > 1 && call.Duplicated() {
		ids = []string{b.Inputs[0].ID}
	}
	if op != "create" && len(ids) > 0 {
		hubspotFail(w, r, http.StatusBadRequest, &hubspotError{
			Category: "VALIDATION_ERROR", Message: "Duplicate IDs found in batch input", Context: map[string][]string{"ids": ids},
		})
		return
	}
	o, object, err := h.object(r)
	if err != nil {
		hubspotRefuse(w, r, NotFound)
		return
	}
	all, unknown, err := h.known(object, b.Inputs)
	if err != nil {
		hubspotRefuse(w, r, Down)
		return
	}
	if len(unknown) > 0 {
		hubspotUnknown(w, r, unknown)
		return
	}
	h.writeAll(w, r, op, &hubspotWriter{h: h, o: o, all: all, op: op, call: call}, b)
}

func (h *hub) writeAll(w http.ResponseWriter, r *http.Request, op string, wr *hubspotWriter, b *hubspotBatch) {
	start := h.s.Now()
	var results []hubspotResult
	var refused []hubspotRowError
	counts := map[string]int{}
	err := wr.o.Update(func(tx *Tx) error {
		for i := range b.Inputs {
			result, what, err := wr.write(tx, &b.Inputs[i])
			if reason, is := errors.AsType[*hubspotReason](err); is {
				if b.Inputs[i].Trace == nil {
					return reason // without a trace an input cannot be told from the others
				}
				refused = append(refused, hubspotRow(reason, &b.Inputs[i]))
				what, err = "rejected", nil
			} else if err == nil {
				results = append(results, result)
			}
			if err != nil {
				return err
			}
			counts[what]++
		}
		return nil
	})
	if reason, is := errors.AsType[*hubspotReason](err); is {
		wr.call.Report(op, "rejected", len(b.Inputs))
		hubspotWhole(w, r, reason)
		return
	}
	if err != nil {
		hubspotRefuse(w, r, Down)
		return
	}
	for what, n := range counts {
		wr.call.Report(op, what, n)
	}
	h.answer(w, r, op, start, results, refused)
}

// answer tells what became of a batch. Before 2026-09 a part that was refused
// makes the status 207; from then on it stands inside of a 200.
func (h *hub) answer(w http.ResponseWriter, r *http.Request, op string, start time.Time, results []hubspotResult, refused []hubspotRowError) {
	if results == nil {
		results = []hubspotResult{}
	}
	out := map[string]any{"status": "COMPLETE", "startedAt": start, "completedAt": h.s.Now(), "results": results}
	status := http.StatusOK
	if op == "create" {
		status = http.StatusCreated
	}
	if len(refused) > 0 {
		out["numErrors"], out["errors"] = len(refused), refused
		status = http.StatusMultiStatus
	}
	if r.PathValue("version") == "2026-09" {
		status = http.StatusOK
	}
	JSON(w, status, out)
}

func hubspotRow(reason *hubspotReason, in *hubspotInput) hubspotRowError {
	e := hubspotRowError{Status: "error", Category: reason.category, Message: reason.message, Context: map[string][]string{}}
	if in.Trace != nil {
		e.Context["objectWriteTraceId"] = []string{*in.Trace}
	}
	if len(reason.ids) > 0 {
		e.Context["ids"] = reason.ids
	}
	if reason.existing != "" {
		e.Context["existingId"] = []string{reason.existing}
	}
	return e
}

// hubspotWhole refuses a request for one record in it.
func hubspotWhole(w http.ResponseWriter, r *http.Request, reason *hubspotReason) {
	status := http.StatusBadRequest
	switch reason.category {
	case "CONFLICT":
		status = http.StatusConflict
	case "OBJECT_NOT_FOUND":
		status = http.StatusNotFound
	}
	e := &hubspotError{Category: reason.category, Message: reason.message}
	if reason.code != "" {
		e.Errors = []hubspotDetail{{Message: reason.message, Code: reason.code, Context: map[string][]string{"propertyName": {reason.property}}}}
	}
	hubspotFail(w, r, status, e)
}

// hubspotUnknown refuses a request for properties that do not exist.
func hubspotUnknown(w http.ResponseWriter, r *http.Request, names []string) {
	e := &hubspotError{Category: "VALIDATION_ERROR", Message: "Property values were not valid"}
	for _, name := range names {
		e.Errors = append(e.Errors, hubspotDetail{
			Message: `Property "` + name + `" does not exist`, Code: "PROPERTY_DOESNT_EXIST", Context: map[string][]string{"propertyName": {name}},
		})
	}
	hubspotFail(w, r, http.StatusBadRequest, e)
}
