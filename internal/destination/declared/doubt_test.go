package declared

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
)

// A question asks for what the description adds, and for no column twice,
// A key that cannot stand in a question is refused alone: the others are asked
// A delete that asks for all ids does not hit a record that somebody made anew
// Of a job that failed as a whole, and whose results are gone, nobody knows
// what it wrote, unless it says that it came to nothing.
func TestADeadJobWhoseResultsAreGone(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "csv"} {
		for processed, want := range map[int]string{0: "mapping_error/Invalid", 2: "in_doubt/Invalid"} {
			s := &bulkService{say: func(step string, w http.ResponseWriter, do func()) bool {
				switch do(); step {
				case "poll":
					fmt.Fprintf(w, `{"state":"dead","why":"Invalid","processed":%d}`, processed)
				case "failures":
					w.WriteHeader(http.StatusNotFound)
				default:
					return false
				}
				return true
			}}
			inline := strings.Replace(bulkOps, "at: failures, key: key, index: index", "format: "+format+", key: key", 1)
			inline = strings.Replace(inline, "      results:", "      dead_rules: [{field: why, match: Invalid, outcome: mapping_error, message: why}]\n      results:", 1)
			w, _ := open1(t, service(t, s.ServeHTTP, inline), destination.Upsert).(destination.Jobber)
			id, _ := w.Submit(t.Context(), persons(1), func(string) error { return nil })
			out, err := w.Results(t.Context(), id, persons(1))
			if err != nil || brief(out) != want {
				t.Errorf("%s, %d processed: %s, %v, want %s", format, processed, brief(out), err, want)
			}
		}
	}
}

// The results of a job may be longer than other answers, also where only an
// object has jobs.
func TestLongAnswersOfAnObject(t *testing.T) {
	t.Parallel()
	o := &op{job: &job{}, limits: limits{bytes: 50_000_000}}
	s := &spec{objects: []objectSpec{{"people", &spec{ops: map[string]*op{"upsert": o}}}}}
	if got := s.longestReply(0); got != 150_000_000 {
		t.Errorf("the longest reply = %d", got)
	}
}

// A record without a result may be written all the same: that a refused
// request writes nothing says nothing of an answer of success.
func TestNoResultUnderAnAlias(t *testing.T) {
	t.Parallel()
	j := &judge{s: &sender{op: &op{idempotent: true, atomic: true, alias: &alias{name: "r"}}}, at: []int{0, 1}, batch: persons(2)}
	out := j.settle(j.aliased(&each{ok: "ok"}, parsed(`{"r1":[1]}`)), &rest.Response{Status: 200})
	if brief(out) != "bisect/no_result bisect/unattributed" || !out[0].Maybe || !out[1].Maybe {
		t.Errorf("outcomes = %+v", out)
	}
}

// Several items of a record have no place beside variables.
func TestNoMoreItemsUnderAnAlias(t *testing.T) {
	t.Parallel()
	_, err := parse("x.yaml", []byte("name: x\nops: {upsert: {request: {path: /g}, limits: {rows: 5}, alias: {call: \"f(k: $key)\", variables: {key: ID}}, row: {key: $key}, also: [{key: $key}], "+
		"envelope: {query: \"${calls}\", variables: $rows}, response: [{outcome: ok}]}}\n"))
	if err == nil || !strings.Contains(err.Error(), "also") {
		t.Errorf("parse() = %v", err)
	}
}

// Of a record of several items one may be taken and another refused: it is not
// certain any more what the service holds.
func TestHalfARecordIsNoRefusal(t *testing.T) {
	t.Parallel()
	two := persons(2) // three items: k0, k1, k1
	two[1].Values[0] = record.Value{Kind: record.Null}
	for rule, body := range map[string]string{
		`errors: [{at: errors, index: i, code: c}]`: `{"errors":[{"i":0,"c":"E"},{"i":2,"c":"E"}]}`,
		`each: {at: r, ok: ok, code: c}`:            `{"r":[{"c":"E"},{"ok":1},{"c":"E"}]}`,
	} {
		d := described1(t, answers(200, "application/json", body), "ops: {upsert: {idempotent: true, limits: {rows: 9}, request: {path: /x}, "+
			"row: {id: $key, set: $values}, also: [{id: $key, unset: $nulls}], response: [{"+rule+"}]}}")
		out := open1(t, d, destination.Upsert).Write(t.Context(), two)
		if brief(out) != "fail/E fail/E" || out[0].Maybe || !out[1].Maybe {
			t.Errorf("%s: outcomes = %+v", rule, out)
		}
	}
}

// An answer that refuses some of a request and takes the others, and names
// none of those that it refused, leaves all of them uncertain, whatever its
// status: they are neither halved where sending twice does harm, nor taken for
// unwritten.
func TestARefusalOfSomeThatNamesNone(t *testing.T) {
	t.Parallel()
	for op, want := range map[string]string{
		"idempotent: true, ": "bisect/X bisect/X true", "atomic: true, ": "in_doubt/X in_doubt/X false", "": "in_doubt/X in_doubt/X false",
	} {
		for rest, sure := range map[string]bool{"ok": false, "bisect": true} {
			d := described1(t, answers(400, "application/json", `{"errors":[{"c":"X"}]}`), "ops: {upsert: {"+op+"limits: {rows: 9}, request: {path: /x}, "+
				"row: {id: $key}, response: [{status: \"400\", errors: [{at: errors, index: i, code: c}], rest: "+rest+"}]}}")
			out := open1(t, d, destination.Upsert).Write(t.Context(), persons(2))
			got := fmt.Sprintf("%s %v", brief(out), out[0].Maybe)
			if sure && (out[0].Maybe || out[0].State == destination.InDoubt) || !sure && got != want {
				t.Errorf("%q, rest %s: %s, want %s", op, rest, got, want)
			}
		}
	}
}

// What only the description knows of a field counts beside what the service
// The results of a job by id are of the record that was found, not of the one
// A record there is not taken for gone because it could be of either of two
// The sample of a request names its record where the address does.
func TestSampleOfAnAddress(t *testing.T) {
	t.Parallel()
	s, err := parse("x.yaml", []byte("name: x\nparams: {url: {kind: url}}\nvars: {base_url: \"${url}\"}\n"+
		"ops: {upsert: {idempotent: true, limits: {rows: 1}, request: {method: PUT, path: \"/people/${key}\"}, envelope: $row, row: $fields, response: [{outcome: ok}]}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if r := s.sample(); r == nil || r.Path != "/people/C-1001" {
		t.Errorf("sample = %+v", r)
	}
}

// What is there and what is not may be written by one operation, and one that
