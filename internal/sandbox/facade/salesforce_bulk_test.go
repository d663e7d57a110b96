package facade_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade/facadetest"
)

const sfJobs = sfData + "/jobs/ingest"

// openJob makes a job and uploads its records.
func openJob(c *facadetest.Client, job, csv string) (id string) {
	c.T.Helper()
	doc := do(c, 200, "POST", sfJobs, job)
	id = doc.Get("id").String()
	if doc.Get("state").String() != "Open" || !strings.HasPrefix(id, "750") || len(id) != 18 {
		c.T.Fatalf("made %s", doc.Raw)
	}
	do(c, 201, "PUT", sfJobs+"/"+id+"/batches", csv, "Content-Type", "text/csv")
	return id
}

func closeJob(c *facadetest.Client, id string) {
	c.T.Helper()
	if doc := do(c, 200, "PATCH", sfJobs+"/"+id, `{"state":"UploadComplete"}`); doc.Get("state").String() != "UploadComplete" {
		c.T.Fatalf("closed %s", doc.Raw)
	}
}

func file(c *facadetest.Client, id, which string) (string, http.Header) {
	c.T.Helper()
	status, h, body := c.Do("GET", sfJobs+"/"+id+"/"+which, "")
	if status != 200 || !strings.HasPrefix(h.Get("Content-Type"), "text/csv") {
		c.T.Fatalf("%s: %d %s", which, status, body)
	}
	return body, h
}

const upsertJob = `{"object":"account","operation":"upsert","externalIdFieldName":"Ext__c","contentType":"CSV","lineEnding":"LF"}`

// A job goes on with every question; its files say what became of each line.
func TestSalesforceJob(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, salesforceHarness())
	do(c, 201, "PATCH", sfData+"/sobjects/Account/Ext__c/A-2", `{"Name":"Bee","Phone":"555","Fax":"5"}`)
	// jsforce puts a column Id in front, and leaves it empty
	id := openJob(c, upsertJob, "Id,Ext__c,Name,Phone,Fax\n,A-1,\"Acme, \"\"Inc\"\"\",1,2\n,A-2,Beh,,#N/A\n,A-3,"+strings.Repeat("x", 256)+",,\n")
	do(c, 400, "PUT", sfJobs+"/"+id+"/batches", "x\n", "Content-Type", "text/csv")
	do(c, 400, "GET", sfJobs+"/"+id+"/successfulResults", "")
	closeJob(c, id)
	closeJob(c, id) // again is no harm
	var states []string
	for range 4 {
		c.Restart()
		doc := do(c, 200, "GET", sfJobs+"/"+id, "")
		states = append(states, doc.Get("[state,numberRecordsProcessed,numberRecordsFailed]").Raw)
	}
	if got := strings.Join(states, " "); got != `["UploadComplete",0,0] ["InProgress",0,0] ["JobComplete",3,1] ["JobComplete",3,1]` {
		t.Errorf("states %s", got)
	}
	good, _ := file(c, id, "successfulResults")
	bad, _ := file(c, id, "failedResults")
	rest, _ := file(c, id, "unprocessedrecords")
	if !strings.HasPrefix(good, "sf__Id,sf__Created,Id,Ext__c,Name,Phone,Fax\n001") || strings.Count(good, "\n") != 3 ||
		!strings.Contains(good, ",true,,A-1,") || !strings.Contains(good, ",false,,A-2,") {
		t.Errorf("successfulResults %s", good)
	}
	if !strings.Contains(bad, "STRING_TOO_LONG:Name: data value too large") || strings.Count(bad, "\n") != 2 || rest != "Id,Ext__c,Name,Phone,Fax\n" {
		t.Errorf("failedResults %s\nunprocessedrecords %s", bad, rest)
	}
	two := do(c, 200, "GET", sfData+"/sobjects/Account/Ext__c/A-2?fields=Name,Phone,Fax", "")
	if two.Get("[Name,Phone,Fax]").Raw != `["Beh","555",null]` {
		t.Errorf("an empty cell keeps, #N/A clears: %s", two.Raw)
	}
	do(c, 204, "DELETE", sfJobs+"/"+id, "")
	do(c, 404, "GET", sfJobs+"/"+id, "")
}

// A column that there is none of ends the job before its first record.
func TestSalesforceJobOfAnUnknownColumn(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, salesforceHarness())
	id := openJob(c, upsertJob, "Ext__c,Name,Nope\nA-1,x,y\nA-2,x,y\n")
	closeJob(c, id)
	c.Pass(time.Minute)
	doc := do(c, 200, "GET", sfJobs+"/"+id, "")
	if doc.Get("state").String() != "Failed" || doc.Get("errorMessage").String() != "InvalidBatch : Field name not found : Nope" || doc.Get("numberRecordsProcessed").Int() != 0 {
		t.Errorf("ended %s", doc.Raw)
	}
	if rest, _ := file(c, id, "unprocessedrecords"); rest != "Ext__c,Name,Nope\nA-1,x,y\nA-2,x,y\n" {
		t.Errorf("unprocessedrecords %s", rest)
	}
	if n := len(c.Records("Account")); n != 0 {
		t.Errorf("%d records were written", n)
	}
}

// Results come in pages that a header leads through.
func TestSalesforceJobInPages(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, salesforceHarness())
	var csv strings.Builder
	csv.WriteString("Ext__c,Name\n")
	const n = 10_003
	for i := range n {
		fmt.Fprintf(&csv, "k%d,x\n", i)
	}
	id := openJob(c, upsertJob, csv.String())
	closeJob(c, id)
	c.Pass(time.Minute)
	lines, pages := 0, 0
	for path := "successfulResults?maxRecords=5000"; path != ""; pages++ {
		body, h := file(c, id, path)
		lines += strings.Count(body, "\n") - 1
		if path = ""; h.Get("Sforce-Locator") != "null" {
			path = "successfulResults?maxRecords=5000&locator=" + h.Get("Sforce-Locator")
		}
	}
	if lines != n || pages != 3 {
		t.Errorf("%d results on %d pages", lines, pages)
	}
	if body, h := file(c, id, "successfulResults"); strings.Count(body, "\n") != n+1 || h.Get("Sforce-Locator") != "null" {
		t.Errorf("without a wish all results come at once: %v", h)
	}
	if _, h := file(c, id, "successfulResults?maxRecords=10"); h.Get("Sforce-NumberOfRecords") != "10" || h.Get("Sforce-Locator") != "10" {
		t.Errorf("a page of ten: %v", h)
	}
}

// Other operations, an aborted job, and records that a fault refuses.
func TestSalesforceJobsOfOtherKinds(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, salesforceHarness())
	run := func(job, csv string) (good, bad string) {
		t.Helper()
		id := openJob(c, job, csv)
		closeJob(c, id)
		c.Pass(time.Minute)
		good, _ = file(c, id, "successfulResults")
		bad, _ = file(c, id, "failedResults")
		return good, bad
	}
	c.Faults(sandbox.Rule{Kind: "reject", Field: "Name", Value: []byte(`"no"`), Code: "UNABLE_TO_LOCK_ROW"})
	good, bad := run(`{"object":"Account","operation":"insert"}`, "Name,Phone\nyes,1\nno,2\n")
	if strings.Count(good, "\n") != 2 || !strings.Contains(bad, ",UNABLE_TO_LOCK_ROW:") {
		t.Fatalf("inserted %s\nrefused %s", good, bad)
	}
	id := good[strings.Index(good, "001"):][:18]
	good, _ = run(`{"object":"Account","operation":"update"}`, "Id,Phone\n"+id+",2\n")
	if !strings.Contains(good, id+",false,"+id) {
		t.Errorf("updated %s", good)
	}
	good, bad = run(`{"object":"Account","operation":"delete"}`, "Id\n"+id+"\n001000000000000AAA\n")
	if !strings.Contains(good, id) || !strings.Contains(bad, "INVALID_CROSS_REFERENCE_KEY") {
		t.Errorf("deleted %s\nrefused %s", good, bad)
	}
	job := openJob(c, `{"object":"Account","operation":"insert"}`, "Name\nx\n")
	if doc := do(c, 200, "PATCH", sfJobs+"/"+job, `{"state":"Aborted"}`); doc.Get("state").String() != "Aborted" {
		t.Errorf("aborted %s", doc.Raw)
	}
	do(c, 400, "PATCH", sfJobs+"/"+job, `{"state":"UploadComplete"}`)
	if rest, _ := file(c, job, "successfulResults"); rest != "" {
		t.Errorf("an aborted job has results: %s", rest)
	}
}
