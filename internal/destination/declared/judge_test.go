package declared

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// Servers that misbehave: what an upsert, which may be sent again, and an
// append, which may not, make of each answer to three records.
func TestMisbehavingServers(t *testing.T) {
	t.Parallel()
	const js = "application/json"
	three := func(s string) string { return strings.TrimSuffix(strings.Repeat(s+" ", 3), " ") }
	tests := map[string]struct {
		handler          http.HandlerFunc
		upsert, appended string
	}{
		"all ok": {
			answers(200, js, `{"results":[{"ok":true},{"ok":true},{"ok":true}]}`), "ok ok ok", "ok ok ok",
		},
		"one refused": {
			answers(200, js, `{"results":[{"ok":true},{"ok":false,"code":"X"},{"ok":true}]}`), "ok fail/X ok", "ok fail/X ok",
		},
		"a result without a verdict": {
			answers(200, js, `{"results":[{"ok":true},{},{"ok":null}]}`), "ok fail fail", "ok fail fail",
		},
		"results that are no objects": {
			answers(200, js, `{"results":[{"ok":true},null,"ok"]}`),
			"ok bisect/unattributed bisect/unattributed", "ok in_doubt/unattributed in_doubt/unattributed",
		},
		"too few results": {
			answers(200, js, `{"results":[{"ok":true},{"ok":true}]}`),
			three("bisect/result_count_mismatch"), three("in_doubt/result_count_mismatch"),
		},
		"too many results": {
			answers(200, js, `{"results":[{"ok":true},{"ok":true},{"ok":true},{"ok":true}]}`),
			three("bisect/result_count_mismatch"), three("in_doubt/result_count_mismatch"),
		},
		"results in a map": {
			answers(200, js, `{"results":{"a":{"ok":true},"b":{"ok":true},"c":{"ok":true}}}`),
			three("bisect/result_count_mismatch"), three("in_doubt/result_count_mismatch"),
		},
		"no results":       {answers(200, js, `{"results":[]}`), three("in_doubt/reply_not_declared"), three("in_doubt/reply_not_declared")},
		"error under 200":  {answers(200, js, `{"error":{"code":"E7","message":"m"}}`), three("bisect/E7"), three("in_doubt/E7")},
		"other JSON":       {answers(200, js, `{"status":"fine"}`), three("in_doubt/reply_not_declared"), three("in_doubt/reply_not_declared")},
		"JSON but no map":  {answers(200, js, `true`), three("in_doubt/reply_not_declared"), three("in_doubt/reply_not_declared")},
		"HTML":             {answers(200, "text/html", `<html>sign in</html>`), three("in_doubt/reply_not_json"), three("in_doubt/reply_not_json")},
		"HTML called JSON": {answers(200, js, `<html>sign in</html>`), three("in_doubt/reply_not_json"), three("in_doubt/reply_not_json")},
		"JSON called HTML": {
			answers(200, "text/html", `{"results":[{"ok":true},{"ok":true},{"ok":true}]}`),
			three("in_doubt/reply_not_json"), three("in_doubt/reply_not_json"),
		},
		"half of a document": {
			answers(200, js, `{"results":[{"ok":true},{"ok":true},{"ok":true}`), three("in_doubt/reply_not_json"), three("in_doubt/reply_not_json"),
		},
		"nothing": {answers(200, "", ``), three("in_doubt/reply_empty"), three("in_doubt/reply_empty")},
		"204":     {answers(204, "", ``), three("in_doubt/reply_empty"), three("in_doubt/reply_empty")},
		"errors by index": {
			answers(200, js, `{"accepted":2,"errors":[{"index":2,"code":"X"}]}`), "ok ok fail/X", "ok ok fail/X",
		},
		"an index outside": {
			answers(200, js, `{"accepted":2,"errors":[{"index":3,"code":"X"}]}`), three("bisect/X"), three("in_doubt/X"),
		},
		"a negative index": {
			answers(200, js, `{"accepted":2,"errors":[{"index":-1,"code":"X"}]}`), three("bisect/X"), three("in_doubt/X"),
		},
		"half an index": {
			answers(200, js, `{"accepted":2,"errors":[{"index":1.5,"code":"X"}]}`), three("bisect/X"), three("in_doubt/X"),
		},
		"an error without an index": {
			answers(200, js, `{"accepted":2,"errors":[{"index":0,"code":"A"},{"code":"X"}]}`),
			"fail/A bisect/X bisect/X", "fail/A in_doubt/X in_doubt/X",
		},
		"errors that are no list": {
			answers(200, js, `{"accepted":3,"errors":{"index":0}}`), three("bisect/unattributed"), three("in_doubt/unattributed"),
		},
		"a count that does not fit": {
			answers(200, js, `{"accepted":1,"errors":[{"index":2,"code":"X"}]}`),
			"bisect/ok_count_mismatch bisect/ok_count_mismatch fail/X", "in_doubt/ok_count_mismatch in_doubt/ok_count_mismatch fail/X",
		},
		"errors without a count": {
			answers(200, js, `{"errors":[{"index":2,"code":"X"}]}`),
			"in_doubt/reply_not_declared in_doubt/reply_not_declared fail/X", "in_doubt/reply_not_declared in_doubt/reply_not_declared fail/X",
		},
		"only a count":     {answers(200, js, `{"accepted":3}`), "ok ok ok", "ok ok ok"},
		"too small":        {answers(200, js, `{"accepted":2}`), three("bisect/ok_count_mismatch"), three("in_doubt/ok_count_mismatch")},
		"zero":             {answers(200, js, `{"accepted":0}`), three("bisect/ok_count_mismatch"), three("in_doubt/ok_count_mismatch")},
		"too large":        {answers(200, js, `{"accepted":4}`), three("bisect/ok_count_mismatch"), three("in_doubt/ok_count_mismatch")},
		"redirect":         {answers(302, "", ``), three("stop/http_redirect"), three("stop/http_redirect")},
		"not modified":     {answers(304, "", ``), three("stop/http_redirect"), three("stop/http_redirect")},
		"bad request":      {answers(400, js, `{"message":"no"}`), three("bisect/400"), three("fail/400")},
		"denied":           {answers(401, js, `{}`), three("auth/401"), three("auth/401")},
		"forbidden":        {answers(403, js, `{}`), three("auth/403"), three("auth/403")},
		"no such object":   {answers(404, js, `{}`), three("stop/404"), three("stop/404")},
		"request timeout":  {answers(408, js, `{}`), three("retry/408"), three("in_doubt/408")},
		"conflict":         {answers(409, js, `{}`), three("bisect/409"), three("fail/409")},
		"too large a body": {answers(413, js, `{}`), three("bisect/413"), three("fail/413")},
		"outdated":         {answers(426, js, `{}`), three("stop/426"), three("stop/426")},
		"unprocessable":    {answers(422, "text/html", `<h1>no</h1>`), three("bisect/422"), three("fail/422")},
		"limited":          {answers(429, js, `{}`), three("retry/429"), three("retry/429")},
		"broken":           {answers(500, js, `{}`), three("retry/500"), three("in_doubt/500")},
		"not built":        {answers(501, js, `{}`), three("stop/501"), three("stop/501")},
		"unavailable":      {answers(503, js, `{}`), three("retry/503"), three("in_doubt/503")},
		"gateway":          {answers(504, "text/html", `<h1>x</h1>`), three("retry/504"), three("in_doubt/504")},
		"reset after the commit": {
			func(w http.ResponseWriter, _ *http.Request) { drop(t, w, "") },
			three("in_doubt/http_unreachable"), three("in_doubt/http_unreachable"),
		},
		"half a reply": {
			func(w http.ResponseWriter, _ *http.Request) {
				drop(t, w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{\"results\":[{\"ok\":true}")
			},
			three("in_doubt/http_unreachable"), three("in_doubt/http_unreachable"),
		},
		"half a chunked reply": {
			func(w http.ResponseWriter, _ *http.Request) {
				drop(t, w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntrue\r\n")
			},
			three("in_doubt/http_unreachable"), three("in_doubt/http_unreachable"),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := service(t, tt.handler, "")
			if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), persons(3))); got != tt.upsert {
				t.Errorf("upsert: %s, want %s", got, tt.upsert)
			}
			if got := brief(open1(t, d, destination.Append).Write(t.Context(), persons(3))); got != tt.appended {
				t.Errorf("append: %s, want %s", got, tt.appended)
			}
		})
	}
}

// drop writes raw bytes and closes the connection.
func drop(t *testing.T, w http.ResponseWriter, raw string) {
	t.Helper()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Errorf("hijack: %v", err)
		return
	}
	fmt.Fprint(conn, raw)
	_ = conn.Close()
}

// A single record cannot be cut in halves: what would be bisected is refused.
func TestSingleRecordIsRefused(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"results":[]}`:                             "in_doubt/reply_not_declared",
		`{"results":[{"ok":true},{"ok":true}]}`:      "fail/result_count_mismatch",
		`{"accepted":0}`:                             "fail/ok_count_mismatch",
		`{"accepted":1,"errors":[{"code":"E"}]}`:     "fail/E",
		`{"error":{"code":"E1"}}`:                    "fail/E1",
		`{"results":[{"ok":true,"id":"7"}]}`:         "ok",
		`{"results":[{"ok":"0"}]}`:                   "fail",
		`{"results":[{"ok":false}],"results":[1,2]}`: "fail", // of a doubled key the first counts
	} {
		d := service(t, answers(200, "application/json", body), "")
		out := open1(t, d, destination.Upsert).Write(t.Context(), persons(1))
		if got := brief(out); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
		// A bad answer must not hold a good record back for good.
		if garbled := strings.HasSuffix(want, "_mismatch"); out[0].Transient != garbled {
			t.Errorf("%s: Transient = %v", body, out[0].Transient)
		}
	}
}

// A redirect that keeps method and body may be followed by what may be sent
// twice; the records of anything else must not arrive by a detour.
func TestRedirectOnTheSameHost(t *testing.T) {
	t.Parallel()
	d := service(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/new") {
			http.Redirect(w, r, "/new"+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		answers(200, "application/json", `{"accepted":2}`)(w, r)
	}, "")
	for mode, want := range map[destination.Mode]string{
		destination.Upsert: "ok ok", destination.Append: "stop/http_redirect stop/http_redirect",
	} {
		if got := brief(open1(t, d, mode).Write(t.Context(), persons(2))); got != want {
			t.Errorf("%s: %s, want %s", mode, got, want)
		}
	}
}

func TestSlowServer(t *testing.T) {
	t.Parallel()
	quit := make(chan struct{})
	server := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-quit:
		case <-r.Context().Done():
		}
	}
	d := service(t, server, "")
	t.Cleanup(func() { close(quit) })
	cfg := connection(t, d.values.named["base_url"], "")
	cfg.Rest.Timeout = 50 * time.Millisecond
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), persons(1))); got != "in_doubt/http_timeout" {
		t.Errorf("upsert: %s, want in_doubt/http_timeout", got)
	}
}

func TestServerAsksToWait(t *testing.T) {
	t.Parallel()
	d := service(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1.5")
		w.WriteHeader(http.StatusServiceUnavailable)
	}, "")
	out := open1(t, d, destination.Upsert).Write(t.Context(), persons(2))
	if brief(out) != "retry/503 retry/503" || out[1].After != 1500*time.Millisecond {
		t.Errorf("Write() = %+v, want retry after 1.5 s", out)
	}
}

// After an answer that leaves no sense in going on, nothing more is sent.
func TestStopsWithinABatch(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	d := service(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusForbidden)
	}, "limits: {rows: 2}")
	out := open1(t, d, destination.Upsert).Write(t.Context(), persons(5))
	if got := brief(out); got != "auth/403 auth/403 not_sent not_sent not_sent" || calls.Load() != 1 {
		t.Errorf("Write() = %s in %d calls", got, calls.Load())
	}
}

func TestCircuitStopsTheRun(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{401: "auth/http_stopped", 500: "stop/http_stopped"} {
		d := service(t, answers(status, "", ""), "")
		w := open1(t, d, destination.Upsert)
		got := ""
		for range 25 {
			got = brief(w.Write(t.Context(), persons(1)))
		}
		if got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

// What a service says about a record often repeats it.
func TestMessagesHideValuesAndSecrets(t *testing.T) {
	t.Parallel()
	rows := persons(2)
	rows[0].Values[0] = val(record.Text, "Ada Lovelace")
	rows[1].Values = append(rows[1].Values[:0], val(record.Text, "no"), val(record.Int, "7"))
	tests := map[string]struct {
		body string
		want [2]string
	}{
		"a long value": {
			`{"results":[{"message":"name Ada Lovelace is taken"},{"message":"x"}]}`, [2]string{"name *** is taken", "x"},
		},
		"a short value in quotes": {
			`{"results":[{"message":"x"},{"message":"'no' is not a name, 7 too small, 17 fine"}]}`,
			[2]string{"x", "'***' is not a name, 7 too small, 17 fine"},
		},
		"a quoted digit": {`{"results":[{"message":"x"},{"message":"\"7\" is no"}]}`, [2]string{"x", `"***" is ***`}},
		"the key":        {`{"results":[{"message":"x"},{"message":"k1 is known, k0 not"}]}`, [2]string{"x", "*** is known, k0 not"}},
		"said of all":    {`{"error":{"message":"k1 and Ada Lovelace"}}`, [2]string{"*** and ***", "*** and ***"}},
		"the token":      {`{"error":{"message":"Bearer tok-canary expired"}}`, [2]string{"Bearer *** expired", "Bearer *** expired"}},
		"several lines":  {`{"error":{"message":"a\nb\u0000c"}}`, [2]string{"a b c", "a b c"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := service(t, answers(200, "application/json", tt.body), "")
			out := open1(t, d, destination.Upsert).Write(t.Context(), rows)
			if got := [2]string{out[0].Message, out[1].Message}; got != tt.want {
				t.Errorf("messages = %q, want %q", got, tt.want)
			}
		})
	}
	long := strings.Repeat("é", 1000)
	d := service(t, answers(400, "application/json", `{"message":"`+long+`"}`), "")
	if got := open1(t, d, destination.Upsert).Write(t.Context(), rows)[0].Message; len(got) > longestMessage+3 || !strings.HasSuffix(got, "é…") {
		t.Errorf("a long message is cut to %d bytes: %q", len(got), got)
	}
}

// A record that holds the number 409 does not make the status a secret.
func TestAStatusStaysReadable(t *testing.T) {
	t.Parallel()
	rows := persons(1)
	rows[0].Values = append(rows[0].Values[:0], val(record.Text, "no"), val(record.Int, "409"))
	d := service(t, answers(409, "application/json", `{"message":"409 is taken"}`), "ops: {upsert: {response: [{status: '409', outcome: fail, message: message}]}}")
	out := open1(t, d, destination.Upsert).Write(t.Context(), rows)[0]
	if out.Code != "409" || out.Message != "*** is taken" {
		t.Errorf("outcome = %+v", out)
	}
}
