package declared

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/destination"
)

// The ways in which real services name the records they refuse, in the words
// of a connection's `ops.upsert`.
func TestCorrelationModes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		response string // the rules, as YAML flow
		status   int
		body     string
		rows     int
		want     string
	}{
		"1 results in order": {
			`[{status: "200", each: {at: "@this", ok: success, code: errors.#.statusCode, class: {UNABLE_TO_LOCK_ROW: retry}}}]`, 200,
			`[{"success":true},{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW"}]},{"success":true}]`, 3,
			"ok retry/UNABLE_TO_LOCK_ROW ok",
		},
		"1 a word marks success": {
			`[{each: {at: result, ok: status, ok_in: [created, updated], code: reasons.#.code}}]`, 200,
			`{"result":[{"status":"created"},{"status":"skipped","reasons":[{"code":"1004"}]},{"status":"Updated"}]}`, 3,
			"ok fail/1004 fail",
		},
		"1 the absence of an error marks success": {
			`[{each: {at: "@this", ok: "!message", message: message}}]`, 201,
			`[{"id":"33"},{"message":"no"},{}]`, 3, "ok fail ok",
		},
		"1 an id marks success": {
			`[{each: {at: "@this", ok: id}}]`, 200, `[{"id":"33"},{"id":""},{"id":null}]`, 3, "ok fail fail",
		},
		"2 an index": {
			`[{status: "207", errors: [{at: errors, index: batch_index, code: reason}]}]`, 207,
			`{"errors":[{"batch_index":1,"reason":"invalid"}]}`, 3, "ok fail/invalid ok",
		},
		"3 lists of indexes under field names": {
			`[{errors: [{at: bad, map_keys: true, indexlist: "@this"}, {at: missing, map_keys: true, indexlist: "@this"}], rest: bisect}]`, 400,
			`{"bad":{"time":[2]},"missing":{"event_type":[0]}}`, 3, "fail bisect/unattributed fail",
		},
		"4 the trace that was sent": {
			`[{errors: [{at: errors, trace: context.objectWriteTraceId, code: category}]}]`, 207,
			`{"errors":[{"category":"CONFLICT","context":{"objectWriteTraceId":["1"]}}]}`, 3, "ok fail/CONFLICT ok",
		},
		"4 a trace nobody sent": {
			`[{errors: [{at: errors, trace: trace}]}]`, 207, `{"errors":[{"trace":"9"}]}`, 2, "bisect/unattributed bisect/unattributed",
		},
		"5 the key": {
			`[{errors: [{at: errors, key: email_address, code: error_code}]}]`, 200,
			`{"errors":[{"email_address":"k1","error_code":"GENERIC"}]}`, 3, "ok fail/GENERIC ok",
		},
		"5 the key in another case is another key": {
			`[{errors: [{at: errors, key: email, code: c}]}]`, 200, `{"errors":[{"email":"K1","c":"X"}]}`, 2, "bisect/X bisect/X",
		},
		"6 bare lists of keys": {
			`[{ok_count: successCount, errors: [{at: failed.invalid, keylist: invalid}, {at: failed.conflict, keylist: conflict}]}]`, 200,
			`{"successCount":1,"failed":{"invalid":["k0"],"conflict":["k2"]}}`, 3, "fail/invalid ok fail/conflict",
		},
		"7 a map from indexes": {
			`[{status: "400", errors: [{at: data.requests, map_index: true, code: code}], rest: bisect}]`, 400,
			`{"data":{"requests":{"1":{"code":"failed"}}}}`, 3, "bisect/unattributed fail/failed bisect/unattributed",
		},
		"7 a map from keys": {
			`[{errors: [{at: failed, map_key: true, code: c}]}]`, 200, `{"failed":{"k1":{"c":"A"}}}`, 2, "ok fail/A",
		},
		"7 a number that is a key is no index": {
			`[{errors: [{at: failed, map_key: true, code: c}]}]`, 200, `{"failed":{"1":{"c":"A"}}}`, 2, "bisect/A bisect/A",
		},
		"8 the whole batch": {
			`[{status: "422", outcome: bisect, code: error.type}]`, 422, `{"error":{"type":"X"}}`, 3, "bisect/X bisect/X bisect/X",
		},
		"a failure under 200": {
			`[{when: "!success", outcome: fail, code: errors.0.code, class: {"607": stop, "606": retry}}, {outcome: ok}]`, 200,
			`{"success":false,"errors":[{"code":"607"}]}`, 2, "stop/607 stop/607",
		},
		"a column that does not exist": {
			`[{status: "400", when: 'errors.#(code=="PROPERTY_DOESNT_EXIST")', outcome: mapping_error, code: errors.0.code}]`, 400,
			`{"errors":[{"code":"PROPERTY_DOESNT_EXIST"}]}`, 2, "mapping_error/PROPERTY_DOESNT_EXIST mapping_error/PROPERTY_DOESNT_EXIST",
		},
		"a 400 that names nobody": {
			`[{errors: [{at: errors, index: i}]}]`, 400, `{"errors":[]}`, 2, "bisect/400 bisect/400",
		},
		"two errors about one record": {
			`[{errors: [{at: a, index: i, code: c, class: {LOCKED: retry, KNOWN: ok}}]}]`, 200,
			`{"a":[{"i":0,"c":"LOCKED"},{"i":0,"c":"WRONG"},{"i":1,"c":"KNOWN"},{"i":1,"c":"LOCKED"}]}`, 2, "fail/WRONG retry/LOCKED",
		},
		"one error about two records": {
			`[{errors: [{at: a, key: ids, code: c}]}]`, 200, `{"a":[{"ids":["k0","k2"],"c":"X"}]}`, 3, "fail/X ok fail/X",
		},
		"one error about a known and an unknown record": {
			`[{errors: [{at: a, key: ids, code: c}]}]`, 200, `{"a":[{"ids":["k0","k9"],"c":"X"}]}`, 3, "fail/X bisect/X bisect/X",
		},
		"several codes, one of them for good": {
			`[{each: {at: r, ok: ok, code: e.#.c, class: {LOCKED: retry}}}]`, 200,
			`{"r":[{"e":[{"c":"LOCKED"},{"c":"WRONG"}]}]}`, 1, "fail/LOCKED,WRONG",
		},
		"a code for all others": {
			`[{each: {at: r, ok: ok, code: c, class: {A: stop, "*": retry}}}]`, 200, `{"r":[{"c":"A"},{"c":"B"},{}]}`, 3, "stop/A retry/B retry",
		},
		"success without a word":    {`[{status: "200", outcome: ok}]`, 200, ``, 2, "ok ok"},
		"but not with a wrong word": {`[{status: "200", outcome: ok}]`, 200, `<html>`, 2, "in_doubt/reply_not_json in_doubt/reply_not_json"},
		"the first rule wins":       {`[{status: 2xx, outcome: retry}, {status: "200", outcome: ok}]`, 200, `{}`, 1, "retry/200"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := service(t, answers(tt.status, "application/json", tt.body), "ops: {upsert: {response: "+tt.response+"}}")
			got := brief(open1(t, d, destination.Upsert).Write(t.Context(), persons(tt.rows)))
			if got != tt.want {
				t.Errorf("outcomes = %s, want %s", got, tt.want)
			}
		})
	}
}

// Any reply is fine where the connection says that it means nothing.
func TestAnyReply(t *testing.T) {
	t.Parallel()
	d := service(t, answers(200, "text/html", "thank you"), `ops: {upsert: {reply: any, response: [{status: "200", outcome: ok}]}}`)
	if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), persons(2))); got != "ok ok" {
		t.Errorf("outcomes = %s", got)
	}
}

// An operation that may not be repeated is bisected only if the service
// promises that a refused batch wrote nothing.
func TestAtomicAllowsBisecting(t *testing.T) {
	t.Parallel()
	for inline, want := range map[string]string{"": "fail/400 fail/400", "ops: {append: {atomic: true}}": "bisect/400 bisect/400"} {
		d := service(t, answers(400, "", ""), inline)
		if got := brief(open1(t, d, destination.Append).Write(t.Context(), persons(2))); got != want {
			t.Errorf("%q: %s, want %s", inline, got, want)
		}
	}
}

// That a refused batch wrote nothing says nothing about an answer of success:
// where sending twice does harm, one that does not add up is in doubt, also
// for a single record.
func TestAtomicIsNoExcuseForAnAnswerThatDoesNotAddUp(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status        int
		body          string
		two, one      string
		maybe, maybe1 bool
	}{
		"too short a list":         {200, `{"results":[]}`, "in_doubt/reply_not_declared in_doubt/reply_not_declared", "in_doubt/reply_not_declared", false, false},
		"too long a list":          {200, `{"results":[{"ok":true},{"ok":true},{"ok":true}]}`, "in_doubt/result_count_mismatch in_doubt/result_count_mismatch", "in_doubt/result_count_mismatch", false, false},
		"an error that names none": {200, `{"accepted":2,"errors":[{"code":"X"}]}`, "in_doubt/X in_doubt/X", "in_doubt/X", false, false},
		"another count":            {200, `{"accepted":7}`, "in_doubt/ok_count_mismatch in_doubt/ok_count_mismatch", "in_doubt/ok_count_mismatch", false, false},
		"refused":                  {422, `{"message":"no"}`, "bisect/422 bisect/422", "fail/422", false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := service(t, answers(tt.status, "application/json", tt.body), "ops: {append: {atomic: true}}")
			w := open1(t, d, destination.Append)
			two, one := w.Write(t.Context(), persons(2)), w.Write(t.Context(), persons(1))
			if brief(two) != tt.two || brief(one) != tt.one || two[0].Maybe != tt.maybe || one[0].Maybe != tt.maybe1 {
				t.Errorf("outcomes = %+v, %+v", two, one)
			}
		})
	}
}

// What a server's failure, or an answer that does not add up, left behind is
// not known: the engine must not take it for unwritten.
func TestWhatMayHaveBeenStored(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler http.HandlerFunc
		want    string
		maybe   bool
	}{
		"bad gateway":   {answers(502, "", ""), "retry/502 retry/502", true},
		"timed out":     {answers(408, "", ""), "retry/408 retry/408", true},
		"limited":       {answers(429, "", ""), "retry/429 retry/429", false},
		"too long":      {answers(200, "application/json", `{"results":[{"ok":true},{"ok":true},{"ok":true}]}`), "bisect/result_count_mismatch bisect/result_count_mismatch", true},
		"refused":       {answers(422, "", ""), "bisect/422 bisect/422", false},
		"another count": {answers(200, "application/json", `{"accepted":1}`), "bisect/ok_count_mismatch bisect/ok_count_mismatch", true},
		"shedding": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, "retry/503 retry/503", false},
		"an error of one record": {answers(200, "application/json", `{"results":[{"ok":true},{"ok":false,"code":"X"}]}`), "ok fail/X", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := open1(t, service(t, tt.handler, ""), destination.Upsert).Write(t.Context(), persons(2))
			if brief(out) != tt.want || out[0].Maybe != tt.maybe || out[1].Maybe != tt.maybe {
				t.Errorf("outcomes = %+v", out)
			}
		})
	}
	one := open1(t, service(t, answers(200, "application/json", `{"accepted":0}`), ""), destination.Upsert).Write(t.Context(), persons(1))
	if !one[0].Maybe || !one[0].Transient || brief(one) != "fail/ok_count_mismatch" {
		t.Errorf("a single record: %+v", one)
	}
}

func TestRemoteIDs(t *testing.T) {
	t.Parallel()
	const plainRules = `{response: [{outcome: ok}], echo: {id: results.#.id}}`
	const traced = `{response: [{outcome: ok}], echo: {id: results.#.id, trace: results.#.t}}`
	tests := map[string]struct{ op, body, want string }{
		"within a result":           {`{}`, `{"results":[{"ok":true,"id":7},{"ok":true},{"id":"x"}]}`, "7||"},
		"in a list":                 {plainRules, `{"results":[{"id":"a"},{"id":"b"},{"id":"c"}]}`, "a|b|c"},
		"a list with a gap":         {plainRules, `{"results":[{"id":"a"},{},{"id":"c"}]}`, "||"},
		"by trace":                  {traced, `{"results":[{"id":"c","t":"2"},{"id":"a","t":"0"}]}`, "a||c"},
		"a trace here, an id there": {traced, `{"results":[{"t":"2"},{"id":"a"}]}`, "||"},
		"ids for other results":     {plainRules, `{"results":[{"id":"a"},{},{"id":"b"},{"id":"c"}]}`, "||"},
		"a trace without an id":     {traced, `{"results":[{"t":"2"},{"id":"a","t":"0"}]}`, "||"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := service(t, answers(200, "application/json", tt.body), "ops: {upsert: "+tt.op+"}")
			out := open1(t, d, destination.Upsert).Write(t.Context(), persons(3))
			got := make([]string, len(out))
			for i, o := range out {
				got[i] = o.RemoteID
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "|")); diff != "" {
				t.Errorf("ids mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever a service answers, every record gets one outcome, and a record is
// ok only if a result at its own place says so.
func TestAnyAnswerIsSorted(t *testing.T) {
	t.Parallel()
	var body string
	status := 200
	d := service(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}, "")
	w := open1(t, d, destination.Upsert)
	result := rapid.SampledFrom([]string{
		`{"ok":true}`, `{"ok":true,"id":"1"}`, `{"ok":false}`, `{"ok":"yes"}`, `{}`, `null`, `[]`, `1`, `{"ok":{}}`, `{"ok":[0]}`, `{"code":"X"}`,
	})
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "records")
		results := rapid.SliceOfN(result, 0, 6).Draw(t, "results")
		body = `{"results":[` + strings.Join(results, ",") + `]}`
		if rapid.IntRange(0, 9).Draw(t, "cut") == 0 {
			body = body[:len(body)-1]
		}
		status = rapid.SampledFrom([]int{200, 201, 207, 400, 429, 500}).Draw(t, "status")
		d.client.Close()
		out := w.Write(t.Context(), persons(n))
		if len(out) != n {
			t.Fatalf("%d outcomes for %d records", len(out), n)
		}
		for i, o := range out {
			said := status < 300 && len(results) == n && (strings.HasPrefix(results[i], `{"ok":true`) || results[i] == `{"ok":"yes"}` || results[i] == `{"ok":[0]}`)
			if o.State == destination.OK && !said {
				t.Fatalf("record %d is ok after %d %s", i, status, body)
			}
		}
	})
}
