package declared

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
)

// trialOp is an operation of one of our descriptions, ready to judge answers.
type trialOp struct {
	name   string
	sender *sender
}

// extraSpecs describe what none of ours uses yet.
const extraSpecs = `
ops:
  upsert:
    response:
      - {status: "2xx", when: failed, errors: [{at: failed, index: i, index_match: "^row-([0-9]+)$", code: c}, {at: lists, map_keys: true, indexlist: "@this"}, {at: byrow, map_index: true, code: c}, {at: bykey, map_key: true, code: c}], rest: bisect}
      - {status: "2xx", when: keys, errors: [{at: keys, keylist: GONE}, {at: traced, trace: t, code: c, class: {LOCKED: retry, KNOWN: ok}}], ok_count: n}
      - {status: "207", each: {at: "@this", ok_in: [created, updated], ok: s, code: e.#.c}}
      - {status: "2xx", when: "!error", each: {at: r, ok: ok, id: id, class: {"*": retry}}}
    row: {t: $trace, "...": [$key, $fields]}
    echo: {id: r.#.id, trace: r.#.t}
  append:
    atomic: true
`

// trialOps are all operations of all descriptions, with one key and two fields.
func trialOps(tb testing.TB) []trialOp {
	tb.Helper()
	var out []trialOp
	for _, kind := range append(Kinds(), "") {
		s := trialSpec(tb, kind)
		d, err := open(trialConfig(s), s)
		if err != nil {
			tb.Fatalf("%s: %v", kind, err)
		}
		d.values.named["base_url"] = "https://fixture.invalid"
		names := make([]string, 0, len(s.ops))
		for name := range s.ops {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			sender, problems := d.sender(name, people(destination.Upsert))
			if problems.Err() != nil {
				continue // its rows need more than a key and two fields
			}
			out = append(out, trialOp{kind + "." + name, sender})
		}
	}
	return out
}

// trialSpec is a description without credentials; that of no kind is extraSpecs.
func trialSpec(tb testing.TB, kind string) *spec {
	tb.Helper()
	over := newOverlay("", nil)
	if kind == "" {
		kind, over = "http", newOverlay("extra", blocksOf(tb, extraSpecs))
	}
	s, err := builtin(kind, over)
	if err != nil {
		tb.Fatalf("%s: %v", kind, err)
	}
	plain := *s
	plain.auth, plain.rate = []auth{{kind: "none"}}, rateLimit{}
	return &plain
}

func trialConfig(s *spec) Config {
	cfg := Config{Kind: s.name, Name: "trial", Params: map[string]string{}, Rest: rest.Config{Now: noon, Jitter: func() float64 { return 0 }}}
	for _, p := range s.params {
		cfg.Params[p.Name] = "fixture"
		if p.Kind == "url" {
			cfg.Params[p.Name] = "https://fixture.invalid"
		}
	}
	return cfg
}

// answersOf are the answers that the fixtures of a description hold.
func answersOf(kind string) []answer {
	s, err := builtin(kind, newOverlay("", nil))
	if err != nil {
		return nil
	}
	var out []answer
	for _, f := range s.fixtures {
		out = append(out, f.answer)
		out = append(out, f.script...)
	}
	return out
}

// Whatever a service answers, every record has one state that an engine can
// go on with, and none is accepted that the answer does not account for.
func FuzzAnswer(f *testing.F) {
	ops := trialOps(f)
	for i := range ops {
		kind, _, _ := strings.Cut(ops[i].name, ".")
		for _, a := range answersOf(kind) {
			f.Add(uint8(i), uint8(3), uint16(a.status), false, []byte(a.body))
		}
		for _, body := range []string{
			``, `{}`, `[]`, `null`, `<html>`, `{"results":[{"ok":true}]}`, `{"results":[{"ok":true},{"ok":true},{"ok":true}]}`,
			`{"accepted":3}`, `{"accepted":2,"errors":[{"index":0,"code":"X"}]}`, `{"accepted":3,"errors":[{"code":"X"}]}`, `{"errors":"x"}`,
			`{"failed":[{"i":"row-1"}],"lists":{"a":[0]},"byrow":{"2":{}},"bykey":{"k0":{}}}`, `{"keys":["k0"],"traced":[{"t":"1","c":"KNOWN"}],"n":2}`,
			`[{"s":"created"},{"s":"x"},{"s":"updated"}]`, `{"r":[{"ok":1,"id":"a","t":"0"},{"ok":1},{"id":"b"}]}`, `[{"success":true},{"success":true},{}]`,
		} {
			for _, status := range []uint16{200, 207, 400, 503} {
				f.Add(uint8(i), uint8(3), status, false, []byte(body))
			}
		}
	}
	f.Fuzz(func(t *testing.T, which, rows uint8, status uint16, html bool, body []byte) {
		op := ops[int(which)%len(ops)]
		n, code := 1+int(rows)%5, 100+int(status)%500
		batch := persons(n)
		j := &judge{s: op.sender, batch: batch, at: make([]int, n)}
		for i := range j.at {
			j.at[i] = i
		}
		kind := "application/json"
		if html {
			kind = "text/html"
		}
		resp := &rest.Response{Status: code, Header: http.Header{"Content-Type": {kind}}, Body: body, Host: "https://fixture.invalid"}
		out := j.answered(resp)
		if len(out) != n {
			t.Fatalf("%s: %d outcomes for %d records", op.name, len(out), n)
		}
		checkOutcomes(t, op, code, html, body, out)
	})
}

func checkOutcomes(t *testing.T, op trialOp, status int, html bool, body []byte, out []destination.Outcome) {
	t.Helper()
	valid := json.Valid(body) && !html
	for i, o := range out {
		if o.State > destination.Mapping {
			t.Fatalf("%s: record %d: %+v is no answer", op.name, i, o)
		}
		if strings.ContainsAny(o.Code+o.Message, "\n\r\x00") || len(o.Code) > longestCode+3 || len(o.Message) > longestMessage+3 {
			t.Fatalf("%s: record %d: %q %q", op.name, i, o.Code, o.Message)
		}
		if (o.State == destination.Retry || o.State == destination.Bisect) && o.Maybe && !op.sender.op.safe() {
			t.Fatalf("%s: record %d may be stored, and would be sent twice: %+v", op.name, i, o)
		}
		if o.State != destination.OK {
			continue
		}
		if o.Code != "" || o.Message != "" || o.Maybe {
			t.Fatalf("%s: record %d is accepted, and yet %+v", op.name, i, o)
		}
		if status >= 200 && status < 300 && !valid && len(body) > 0 && !op.sender.op.anyReply {
			t.Fatalf("%s: record %d is accepted by an answer that is no JSON: %q", op.name, i, body)
		}
	}
	checkCounts(t, op, status, body, out)
}

// checkCounts reads the answer of the contract of type http with other means:
// its lists and numbers have to agree with what is accepted.
func checkCounts(t *testing.T, op trialOp, status int, body []byte, out []destination.Outcome) {
	t.Helper()
	accepted := 0
	for _, o := range out {
		if o.State == destination.OK {
			accepted++
		}
	}
	if accepted == 0 || !strings.HasPrefix(op.name, "http.") {
		return
	}
	var doc map[string]any
	if json.Unmarshal(body, &doc) != nil || status < 200 || status > 299 {
		t.Fatalf("%s: %d accepted by %d %q", op.name, accepted, status, body)
	}
	if gjson.GetBytes(body, "@keys.#").Int() != int64(len(doc)) {
		return // of a doubled key two readers see two values
	}
	results, _ := doc["results"].([]any)
	if len(results) > 0 {
		if len(results) != len(out) {
			t.Fatalf("%s: %d accepted of %d by %d results", op.name, accepted, len(out), len(results))
		}
		return
	}
	if n, _ := doc["accepted"].(float64); int(n) != accepted && fmt.Sprint(doc["accepted"]) != strconv.Itoa(accepted) && !sameNumber(doc["accepted"], accepted) {
		t.Fatalf("%s: %d accepted, the answer says %v", op.name, accepted, doc["accepted"])
	}
	if list, _ := doc["errors"].([]any); len(list) > 0 {
		for _, e := range list {
			m, _ := e.(map[string]any)
			i, ok := m["index"].(float64)
			if !ok && m["index"] == nil || ok && (i < 0 || int(i) >= len(out) || i != float64(int(i))) {
				t.Fatalf("%s: %d accepted although an error names nobody: %s", op.name, accepted, body)
			}
			if ok && out[int(i)].State == destination.OK {
				t.Fatalf("%s: record %d is accepted and refused: %s", op.name, int(i), body)
			}
		}
	}
}

func sameNumber(v any, n int) bool {
	text, ok := v.(string)
	if !ok {
		return false
	}
	m, err := strconv.Atoi(text)
	return err == nil && m == n
}

// Whatever files and documents a job tells its results in, no record is
// accepted that they do not name, or that the counts do not prove.
func FuzzJobResults(f *testing.F) {
	s := trialSpec(f, "salesforce")
	d, err := open(trialConfig(s), s)
	if err != nil {
		f.Fatal(err)
	}
	sender, problems := d.sender("upsert_bulk", people(destination.Upsert))
	if problems.Err() != nil {
		f.Fatal(problems)
	}
	f.Add([]byte("\"sf__Id\",\"sf__Created\",email\n\"1\",\"true\",\"k0\"\n"), uint16(3), uint16(0), false)
	f.Add([]byte("\"sf__Id\",\"sf__Error\",email\n\"\",\"STRING_TOO_LONG:a \"b\" c:Name --\",\"k1\"\n"), uint16(3), uint16(1), true)
	f.Add([]byte("email\nk2\nk2\n\n\"k1"), uint16(3), uint16(0), true)
	f.Add([]byte("\xef\xbb\xbfemail,email\r\nk0,k1\r\n"), uint16(0), uint16(0), false)
	f.Add([]byte(`{"failures":[{"key":"k1","code":"X"},{"index":"2"},{}]}`), uint16(3), uint16(2), true)
	f.Fuzz(func(t *testing.T, body []byte, processed, failed uint16, listed bool) {
		own := *sender.job.job
		j := &jobSender{s: sender, job: &own, values: sender.job.values}
		lists := []results{{format: "csv", key: "email", state: destination.OK, id: "sf__Id"}, {format: "csv", key: "email", state: destination.Rejected, code: "sf__Error"}}
		doc := gjson.Parse(fmt.Sprintf(`{"state":"JobComplete","p":%d,"f":%d}`, processed, failed))
		own.poll.processed, own.poll.failed = "p", "f"
		batch := persons(3)
		for n := range lists {
			for one, err := range lists[n].lines(body, "email") {
				if err == nil && one.key != "" && !bytes.Contains(body, []byte(strings.SplitN(one.key, `"`, 2)[0])) {
					t.Fatalf("a record %q that the file does not hold", one.key)
				}
			}
		}
		own.missing = destination.InDoubt
		if listed {
			own.missing = destination.OK
		}
		own.results = []results{{at: "failures", key: "key", index: "index", code: "code", state: destination.Rejected}}
		told := doc
		if json.Valid(body) {
			told = gjson.ParseBytes(append(append([]byte(`{"state":"JobComplete","p":`+strconv.Itoa(int(processed))+`,"f":`+strconv.Itoa(int(failed))+`,"failures":`), gjson.GetBytes(body, "failures").Raw...), '}'))
			if !gjson.Valid(told.Raw) {
				told = doc
			}
		}
		out, err := j.outcomes(t.Context(), "1", batch, told)
		if err != nil {
			return
		}
		for i, o := range out {
			if o.State == destination.OK && (!listed || int(processed) != len(batch)) {
				t.Fatalf("record %d is accepted: processed %d, failed %d, %s", i, processed, failed, told.Raw)
			}
		}
	})
}

// Whatever values a record has, its body is one that others can read, and what
// they read is what was meant.
func FuzzEncode(f *testing.F) {
	f.Add("k0", "Ada \"the first\"\n", "-12.50", uint8(0))
	f.Add("", " , ", "NaN", uint8(1))
	f.Add("\xff", "#N/A", "1e400", uint8(2))
	f.Add("a&b=c", "\x00\u2028", "0", uint8(3))
	formats := []string{"json", "ndjson", "csv", "form"}
	senders := make([]*sender, len(formats))
	for i, format := range formats {
		over := newOverlay("", blocksOf(f, fmt.Sprintf("limits: {rows: 1}\nops: {upsert: {encode: {format: %s, null: \"#N/A\"}, row: {k: $key, fixed: \"${object}\", n: $field.name, s: $field.score}}}", format)))
		s, err := builtin("http", over)
		if err != nil {
			f.Fatal(err)
		}
		d, err := open(trialConfig(s), s)
		if err != nil {
			f.Fatal(err)
		}
		sender, problems := d.sender("upsert", people(destination.Upsert))
		if problems.Err() != nil {
			f.Fatal(problems)
		}
		senders[i] = sender
	}
	f.Fuzz(func(t *testing.T, key, name, score string, which uint8) {
		s, format := senders[int(which)%len(senders)], formats[int(which)%len(formats)]
		ch := record.Change{Op: record.Create, KeyVals: record.Record{val(record.Text, key)}, Values: record.Record{val(record.Text, name), {Kind: record.Null}}}
		if data, ok := record.AppendDecimal(nil, score); ok {
			ch.Values[1] = record.Value{Kind: record.Decimal, Data: data}
		}
		ch.Key = record.AppendKey(nil, ch.KeyVals...)
		out := destination.All(1, destination.Outcome{})
		p, fits := s.pack([]record.Change{ch}, func(int) bool { return true }, out)
		if !fits {
			if out[0].State != destination.Rejected || out[0].Code == "" {
				t.Fatalf("it is not sent, and nobody says why: %+v", out[0])
			}
			return
		}
		got, err := readBody(format, append(p.body, s.tail...))
		if err != nil {
			t.Fatalf("%s: %v: %q", format, err, p.body)
		}
		sent := "#N/A"
		if ch.Values[1].Kind != record.Null {
			sent = string(ch.Values[1].Data)
		}
		if format == "csv" && name == "" { // an empty cell says nothing
			name = "#N/A"
		}
		if format == "csv" { // this reader takes a line break of two letters for one
			key, name = strings.ReplaceAll(key, "\r\n", "\n"), strings.ReplaceAll(name, "\r\n", "\n")
		}
		if got["k"] != key && (format != "csv" || key != "") || got["n"] != name || got["s"] != sent || got["fixed"] != "people" {
			t.Fatalf("%s: %q, %q, %q became %q", format, key, name, sent, got)
		}
	})
}

// readBody reads the one record of a body with other means than ours.
func readBody(format string, body []byte) (map[string]string, error) {
	out := map[string]string{}
	switch format {
	case "csv":
		in := csv.NewReader(bytes.NewReader(body))
		head, err := in.Read()
		if err != nil {
			return nil, err
		}
		line, err := in.Read()
		if err != nil {
			return nil, err
		}
		for i, name := range head {
			out[name] = line[i]
		}
		if _, err := in.Read(); !errors.Is(err, io.EOF) {
			return nil, errors.New("more than one record")
		}
		return out, nil
	case "form":
		values, err := url.ParseQuery(string(body))
		for name := range values {
			out[name] = values.Get(name)
		}
		return out, err
	}
	var doc any
	in := json.NewDecoder(bytes.NewReader(body))
	in.UseNumber()
	if err := in.Decode(&doc); err != nil {
		return nil, err
	}
	if m, ok := doc.(map[string]any); ok && format == "json" {
		list, _ := m["records"].([]any)
		if len(list) != 1 {
			return nil, errors.New("not one record")
		}
		doc = list[0]
	}
	m, ok := doc.(map[string]any)
	if !ok || in.More() {
		return nil, errors.New("not one record")
	}
	for name, v := range m {
		out[name] = fmt.Sprint(v)
	}
	return out, nil
}
