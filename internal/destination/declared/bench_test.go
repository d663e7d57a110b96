package declared

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
)

// wide is a target as exports have them: a key and eight fields.
func wide() destination.Target {
	t := destination.Target{Object: "people", Mode: destination.Upsert, Key: []destination.Field{{Name: "id"}}}
	for _, name := range []string{"email", "first_name", "last_name", "score", "lifetime_value", "active", "first_seen", "country"} {
		t.Fields = append(t.Fields, destination.Field{Name: name})
	}
	return t
}

func wideChange(i int) record.Change {
	n := strconv.Itoa(i)
	ch := record.Change{Op: record.Create, KeyVals: record.Record{val(record.Text, "customer-"+n)}}
	ch.Key = record.AppendKey(nil, ch.KeyVals...)
	ch.Values = record.Record{
		val(record.Text, "user"+n+"@example.com"), val(record.Text, "Adélaïde"), val(record.Text, "O'Neil \"Ace\""),
		val(record.Int, n), val(record.Decimal, "1234.56"), val(record.Bool, "true"),
		val(record.Instant, "2024-02-29T12:34:56.789Z"),
		{Kind: record.Null},
	}
	return ch
}

// asMap is the same record the way a program without a plan encodes it.
func asMap(ch record.Change) map[string]any {
	score, _ := strconv.Atoi(string(ch.Values[3].Data))
	return map[string]any{
		"id": string(ch.KeyVals[0].Data), "email": string(ch.Values[0].Data), "first_name": string(ch.Values[1].Data),
		"last_name": string(ch.Values[2].Data), "score": score, "lifetime_value": json.Number(ch.Values[4].Data),
		"active": true, "first_seen": string(ch.Values[6].Data), "country": nil,
	}
}

// BenchmarkEncode measures one record against encoding/json of a map in the
// same run; the ratio is the metric to watch (8 and more).
func BenchmarkEncode(b *testing.B) {
	s, err := builtin("http", nil)
	if err != nil {
		b.Fatal(err)
	}
	d := &Destination{spec: s, values: values{named: map[string]string{}}, header: http.Header{}, creds: &credentials{}}
	sender, problems := d.sender("upsert", wide())
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	const rows = 1000
	changes, maps := make([]record.Change, rows), make([]map[string]any, rows)
	for i := range changes {
		changes[i], maps[i] = wideChange(i), asMap(wideChange(i))
	}
	var ours, theirs time.Duration
	buf := make([]byte, 0, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		buf = buf[:0]
		row := rowContext{encode: &s.encode}
		for i := range changes {
			row.change, row.trace = &changes[i], i
			if buf, err = sender.row.append(buf, &row); err != nil {
				b.Fatal(err)
			}
		}
		ours += time.Since(start)
		start = time.Now()
		for i := range maps {
			if _, err := json.Marshal(maps[i]); err != nil {
				b.Fatal(err)
			}
		}
		theirs += time.Since(start)
	}
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N*rows), "ns/row")
	b.ReportMetric(float64(theirs)/float64(ours), "x_encoding/json")
}

// BenchmarkJudge measures reading the results of 1000 records.
func BenchmarkJudge(b *testing.B) {
	s, err := builtin("http", nil)
	if err != nil {
		b.Fatal(err)
	}
	d := &Destination{spec: s, values: values{named: map[string]string{}}, header: http.Header{}, creds: &credentials{}}
	sender, _ := d.sender("upsert", wide())
	const rows = 1000
	var body bytes.Buffer
	j := &judge{s: sender, batch: make([]record.Change, rows)}
	for i := range rows {
		j.batch[i], j.at = wideChange(i), append(j.at, i)
		fmt.Fprintf(&body, `,{"ok":true,"id":"%d"}`, i)
	}
	resp := &rest.Response{Status: 200, Header: http.Header{}, Body: []byte(`{"results":[` + body.String()[1:] + `]}`)}
	b.ReportAllocs()
	for b.Loop() {
		if out := j.answered(resp); out[rows-1].RemoteID != "999" {
			b.Fatalf("%+v", out[rows-1])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}

const (
	deliverRows = 50_000
	deliverSize = 500
	workers     = 4
)

// sink takes batches of JSON and confirms every record.
func sink(b *testing.B) *httptest.Server {
	b.Helper()
	reply := []byte(`{"results":[` + string(bytes.Repeat([]byte(`{"ok":true},`), deliverSize-1)) + `{"ok":true}]}`)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(reply)
	}))
	b.Cleanup(s.Close)
	return s
}

// BenchmarkDeliver sends batches to a server on this machine: encoded by the
// template, sent through rest and sorted, against bodies that were encoded
// before and are sent with net/http alone. Same batches, same workers, same
// run, turn by turn; x_net/http is the share of its speed (0.85 and more for
// the client alone).
func BenchmarkDeliver(b *testing.B) {
	server := sink(b)
	cfg := Config{Kind: "http", Name: "crm", Params: map[string]string{"url": server.URL}, Rest: rest.Config{
		Now: time.Now, Jitter: func() float64 { return 0 },
	}}
	d, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	w, err := d.Open(b.Context(), wide())
	if err != nil {
		b.Fatal(err)
	}
	batch := make([]record.Change, deliverSize)
	for i := range batch {
		batch[i] = wideChange(i)
	}
	body := encoded(b, w.(*writer), batch)
	bare := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	var whole, client, floor time.Duration
	for b.Loop() {
		floor += race(func() bool { return post(b, bare, server.URL+"/people", body) })
		client += race(func() bool {
			resp, err := d.client.Do(b.Context(), rest.Request{
				Class: rest.Upsert, Method: http.MethodPost, URL: server.URL + "/people", Header: w.(*writer).write.header, Body: body,
			})
			return err == nil && resp.OK()
		})
		whole += race(func() bool { return w.Write(b.Context(), batch)[deliverSize-1].State == destination.OK })
	}
	b.ReportMetric(float64(deliverRows*b.N)/whole.Seconds(), "rows/s")
	b.ReportMetric(floor.Seconds()/client.Seconds(), "rest_x_net/http")
	b.ReportMetric(floor.Seconds()/whole.Seconds(), "whole_x_net/http")
}

// race runs all batches with all workers and gives the time it took.
func race(send func() bool) time.Duration {
	var left atomic.Int64
	left.Store(deliverRows / deliverSize)
	var group sync.WaitGroup
	start := time.Now()
	for range workers {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if !send() {
					panic("a batch was not delivered")
				}
			}
		})
	}
	group.Wait()
	return time.Since(start)
}

func encoded(b *testing.B, w *writer, batch []record.Change) []byte {
	b.Helper()
	body := append([]byte(nil), w.write.head...)
	for i := range batch {
		if i > 0 {
			body = append(body, ',')
		}
		var err error
		if body, err = w.write.row.append(body, &rowContext{change: &batch[i]}); err != nil {
			b.Fatal(err)
		}
	}
	return append(body, w.write.tail...)
}

func post(b *testing.B, c *http.Client, url string, body []byte) bool {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK && len(reply) > 0
}
