package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exposync/internal/sandbox"
)

// BenchmarkBatch writes batches of 1000 records with eight clients at once,
// each on disk before its answer.
func BenchmarkBatch(b *testing.B) {
	box := setup(b, b.TempDir())
	var next atomic.Int64
	var group sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	work := make(chan struct{})
	for range 8 {
		group.Go(func() {
			for range work {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, box.url+"/v1/crm/contacts/batch", strings.NewReader(thousand(next.Add(1))))
				if err != nil {
					b.Error(err)
					continue
				}
				req.Header.Set("Content-Type", "application/json")
				resp, err := client.Do(req)
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Errorf("%v %v", resp, err)
					continue
				}
				_ = resp.Body.Close()
			}
		})
	}
	for b.Loop() {
		work <- struct{}{}
	}
	close(work)
	group.Wait()
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(0, "ns/op")
}

func thousand(batch int64) string {
	var body strings.Builder
	body.WriteString(`{"mode":"upsert","records":[`)
	for n := range 1000 {
		if n > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"op":"upsert","key":{"id":%d},"fields":{"email":"user%d@example.com","first_name":"Ada","last_name":"Lovelace","score":%d,"updated_at":"2026-11-24T10:15:00Z"}}`, batch*1000+int64(n), n, n%97)
	}
	return body.String() + "]}"
}

// BenchmarkOpen opens a store with a million versions of 100,000 records.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	box := setup(b, dir)
	for n := range int64(1000) {
		body := strings.ReplaceAll(thousand(n%100), "Lovelace", fmt.Sprint("Lovelace ", n/100))
		if status, answer := box.call(http.MethodPost, "/v1/crm/contacts/batch", body); status != http.StatusOK {
			b.Fatal(answer)
		}
	}
	if err := box.box.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		again, err := sandbox.Open(sandbox.Config{Dir: dir, Now: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		if err := again.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
