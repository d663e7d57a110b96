package cli_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"exposync/internal/platform/platformtest"
)

// cloudToken stands where the service token of dbt platform does.
const cloudToken = "dbtc_canary_77e0"

type cloudKey struct{}

// startCloud starts a stand-in for dbt platform, and sets DBT_CLOUD_HOST and
// DBT_CLOUD_TOKEN: dbt-cloud.
func startCloud(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 0 {
		ts.Fatalf("usage: dbt-cloud")
	}
	stand := platformtest.New(cloudToken)
	server := httptest.NewServer(stand)
	ts.Defer(server.Close)
	*ts.Value(cloudKey{}).(**platformtest.Server) = stand
	ts.Setenv("DBT_CLOUD_HOST", server.URL)
	ts.Setenv("DBT_CLOUD_TOKEN", cloudToken)
}

func cloudOf(ts *testscript.TestScript) *platformtest.Server {
	stand := *ts.Value(cloudKey{}).(**platformtest.Server)
	if stand == nil {
		ts.Fatalf("there is no dbt-cloud")
	}
	return stand
}

// putRun adds a run, or changes it: cloud-run ID JOB STATUS [STEP…]. A step is
// COMMAND[:STATUS]=[DIR[#N]], where DIR holds what it wrote, and N means
// run_results.N.json. A run of a status below 10 has not ended; status 31 is
// one that was cancelled before it began, 11 one without saved artifacts.
// CLOUD_TARGET is the target of the job, CLOUD_RETRIES the run that it goes on
// with.
func putRun(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: cloud-run ID JOB STATUS [STEP…]")
	}
	run := platformtest.Run{
		ID: int64(integer(ts, args[0])), Job: int64(integer(ts, args[1])), Status: integer(ts, args[2]), Project: 11,
		Target: ts.Getenv("CLOUD_TARGET"), Steps: platformtest.Before(),
	}
	if before := ts.Getenv("CLOUD_RETRIES"); before != "" {
		run.Retries = int64(integer(ts, before))
	}
	if run.Status >= 10 {
		// the later one was put, the later it ended
		run.Finished = time.Now().Add(-3*time.Hour - 10*time.Minute + time.Duration(run.ID%1000)*time.Second)
	}
	switch run.Status {
	case 11:
		run.Status, run.NotSaved = 10, true
	case 31:
		run.Status, run.NotSaved, run.NeverBegan, run.Steps = 30, true, true, nil
	}
	for _, arg := range args[3:] {
		run.Steps = append(run.Steps, cloudStep(ts, arg))
	}
	cloudOf(ts).Put(run)
}

func cloudStep(ts *testscript.TestScript, arg string) platformtest.Step {
	command, dir, _ := strings.Cut(arg, "=")
	command, status, _ := strings.Cut(command, ":")
	step := platformtest.Step{Name: "Invoke dbt with `dbt " + command + "`", Status: 10, Files: map[string][]byte{}}
	if status != "" {
		step.Status = integer(ts, status)
	}
	dir, which, _ := strings.Cut(dir, "#")
	results := "run_results.json"
	if which != "" {
		results = "run_results." + which + ".json"
	}
	for name, file := range map[string]string{
		"manifest.json": "manifest.json", "run_results.json": results, "sources.json": "sources.json", "catalog.json": "catalog.json",
	} {
		if data, err := os.ReadFile(filepath.Join(ts.MkAbs(dir), file)); dir != "" && err == nil {
			step.Files[name] = data
		}
	}
	return step
}

func integer(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

// cloudTrouble lets dbt platform answer otherwise from now on: cloud-trouble
// STATUS [PART], for requests whose path holds PART; 200 is a page to log in,
// 0 ends the trouble.
func cloudTrouble(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: cloud-trouble STATUS [PART]")
	}
	status := integer(ts, args[0])
	part := strings.Join(args[1:], " ")
	cloudOf(ts).SetTrouble(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case status == 0 || !strings.Contains(r.URL.String(), part):
			return false
		case status == http.StatusOK:
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>Log in as " + r.Header.Get("Authorization")))
		case status == http.StatusFound:
			http.Redirect(w, r, "https://login.invalid/"+cloudToken, status)
		default:
			w.Header().Set("Retry-After", "7200")
			platformtest.Refuse(w, status, "for "+r.Header.Get("Authorization"))
		}
		return true
	})
}

// cloudSeen writes the requests since it was asked last: cloud-seen FILE.
func cloudSeen(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: cloud-seen FILE")
	}
	seen := append(cloudOf(ts).Seen(), "")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(seen, "\n")), 0o600))
}
