package facade

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sfJob is a job of Bulk API 2.0. The work is done when the upload is
// declared complete; what the job says of its state moves on with every
// question, or as time passes, as it would where others wait, too.
type sfJob struct {
	ID                  string    `json:"id"`
	Operation           string    `json:"operation"` // insert, update, upsert, delete, hardDelete
	Object              string    `json:"object"`
	ExternalIDFieldName string    `json:"externalIdFieldName,omitempty"`
	State               string    `json:"state"`
	ErrorMessage        string    `json:"errorMessage,omitempty"`
	Processed           int       `json:"numberRecordsProcessed"`
	Failed              int       `json:"numberRecordsFailed"`
	Retries             int       `json:"retries"`
	ContentType         string    `json:"contentType"`
	LineEnding          string    `json:"lineEnding"`
	ColumnDelimiter     string    `json:"columnDelimiter"`
	ConcurrencyMode     string    `json:"concurrencyMode"`
	JobType             string    `json:"jobType"`
	ContentURL          string    `json:"contentUrl,omitempty"`
	APIVersion          float64   `json:"apiVersion"`
	CreatedDate         time.Time `json:"createdDate"`
	SystemModstamp      time.Time `json:"systemModstamp"`
	CreatedByID         string    `json:"createdById"`
	TotalProcessingTime int64     `json:"totalProcessingTime"`
}

// sfKept is a job with what nobody else sees.
type sfKept struct {
	Job      sfJob     `json:"job"`
	End      sfJob     `json:"end"` // what it will say at its end
	Closed   time.Time `json:"closed"`
	Asked    int       `json:"asked"` // how often since it was closed
	Uploaded bool      `json:"uploaded"`
}

// The states of a job.
const (
	sfOpen       = "Open"
	sfUploaded   = "UploadComplete"
	sfInProgress = "InProgress"
	sfComplete   = "JobComplete"
	sfFailed     = "Failed"
	sfAborted    = "Aborted"
)

// sfWork is after which time a job has ended, though nobody asked.
const sfWork = 10 * time.Second

// sfUploadMost is the most bytes of an upload.
const sfUploadMost = 150 << 20

func (o *org) bulkRoutes(mux *http.ServeMux, base string) {
	mux.HandleFunc("POST "+base, o.createJob)
	mux.HandleFunc("GET "+base, o.listJobs)
	mux.HandleFunc("GET "+base+"/{job}", o.getJob)
	mux.HandleFunc("PATCH "+base+"/{job}", o.patchJob)
	mux.HandleFunc("DELETE "+base+"/{job}", o.deleteJob)
	mux.HandleFunc("PUT "+base+"/{job}/batches", o.upload)
	for _, results := range []string{"successfulResults", "failedResults", "unprocessedrecords"} {
		mux.HandleFunc("GET "+base+"/{job}/"+results, func(w http.ResponseWriter, r *http.Request) { o.results(w, r, results) })
		mux.HandleFunc("GET "+base+"/{job}/"+results+"/{$}", func(w http.ResponseWriter, r *http.Request) { o.results(w, r, results) })
	}
}

func sfInvalidJob(format string, args ...any) error {
	return &sfReason{code: "INVALIDJOB", message: fmt.Sprintf(format, args...)}
}

// createJob makes a job: it waits for its records.
func (o *org) createJob(w http.ResponseWriter, r *http.Request) {
	body, err := ReadBody(r, 1<<20)
	j := sfJob{ContentType: "CSV", LineEnding: "LF", ColumnDelimiter: "COMMA"}
	if err == nil && json.Unmarshal(body, &j) != nil {
		err = &sfReason{code: "JSON_PARSER_ERROR", message: "The HTTP entity body is no job"}
	}
	if err == nil {
		err = o.acceptable(r, &j)
	}
	if err == nil {
		err = o.startJob(r, &j)
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	JSON(w, http.StatusOK, j)
}

// acceptable says why there can be no such job.
func (o *org) acceptable(r *http.Request, j *sfJob) error {
	name, known := o.objectName(j.Object)
	switch {
	case !known:
		return &sfReason{code: "INVALIDENTITY", message: "Entity '" + j.Object + "' is not supported by the Bulk API."}
	case !slices.Contains([]string{"insert", "update", "upsert", "delete", "hardDelete"}, j.Operation):
		return sfInvalidJob("InvalidJob : Unknown operation")
	case j.ContentType != "CSV":
		return sfInvalidJob("InvalidJob : contentType must be CSV")
	case j.LineEnding != "LF" && j.LineEnding != "CRLF":
		return sfInvalidJob("InvalidJob : unknown lineEnding")
	case sfDelimiter(j.ColumnDelimiter) == 0:
		return sfInvalidJob("InvalidJob : unknown columnDelimiter")
	case j.Operation == "upsert" && j.ExternalIDFieldName == "":
		return sfInvalidJob("InvalidJob : externalIdFieldName is required for upsert")
	}
	j.Object = name
	if j.Operation != "upsert" {
		return nil
	}
	sw, err := o.writer(r, name, nil, j.ExternalIDFieldName)
	if err == nil {
		if _, err = sw.external(j.ExternalIDFieldName); err != nil {
			err = sfInvalidJob("InvalidJob : Field name provided does not match an External ID for %s", name)
		}
	}
	return err
}

func sfDelimiter(name string) rune {
	return map[string]rune{"COMMA": ',', "SEMICOLON": ';', "TAB": '\t', "PIPE": '|', "CARET": '^', "BACKQUOTE": '`'}[name]
}

func (o *org) startJob(r *http.Request, j *sfJob) error {
	o.jobs.Lock()
	defer o.jobs.Unlock()
	all, err := o.s.Documents.List("job-")
	if err != nil {
		return err
	}
	for n := int64(len(all)) + 1; ; n++ {
		j.ID = Checked18("750")(n)
		if !slices.Contains(all, "job-"+j.ID) {
			break
		}
	}
	version := r.PathValue("version")
	j.APIVersion, _ = strconv.ParseFloat(strings.TrimPrefix(version, "v"), 64)
	j.State, j.ErrorMessage, j.Processed, j.Failed, j.Retries = sfOpen, "", 0, 0, 0
	j.ConcurrencyMode, j.JobType, j.CreatedByID = "Parallel", "V2Ingest", Checked18("005")(1)
	j.ContentURL = "services/data/" + version + "/jobs/ingest/" + j.ID + "/batches"
	j.CreatedDate, j.SystemModstamp = o.s.Now(), o.s.Now()
	return o.s.Documents.Save("job-"+j.ID, sfKept{Job: *j})
}

// job gives the job of a request; o.jobs is held.
func (o *org) job(r *http.Request) (sfKept, error) {
	var k sfKept
	known, err := o.s.Documents.Load("job-"+r.PathValue("job"), &k)
	if err == nil && !known {
		err = &sfReason{status: http.StatusNotFound, code: "NOT_FOUND", message: "The requested resource does not exist"}
	}
	return k, err
}

func (o *org) saveJob(k *sfKept) error {
	k.Job.SystemModstamp = o.s.Now()
	return o.s.Documents.Save("job-"+k.Job.ID, *k)
}

// upload takes the records of a job, once.
func (o *org) upload(w http.ResponseWriter, r *http.Request) {
	o.jobs.Lock()
	defer o.jobs.Unlock()
	k, err := o.job(r)
	switch {
	case err != nil:
	case k.Job.State != sfOpen || k.Uploaded:
		err = sfInvalidJob("InvalidJobState : the job is %s, or has its records already", k.Job.State)
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "text/csv"):
		err = &sfReason{status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE", message: "The content of a job is text/csv"}
	}
	if err == nil {
		var body []byte
		if body, err = ReadBody(r, sfUploadMost); err == nil {
			_, err = o.s.Documents.SaveBlob("upload-"+k.Job.ID, strings.NewReader(string(body)))
		}
	}
	if err == nil {
		k.Uploaded = true
		err = o.saveJob(&k)
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	CallOf(r).Mode = "upload"
	w.WriteHeader(http.StatusCreated)
}

// patchJob closes or aborts a job.
func (o *org) patchJob(w http.ResponseWriter, r *http.Request) {
	body, err := ReadBody(r, 1<<20)
	var wish struct{ State string }
	if err == nil && json.Unmarshal(body, &wish) != nil {
		err = &sfReason{code: "JSON_PARSER_ERROR", message: "The HTTP entity body is no state"}
	}
	o.jobs.Lock()
	defer o.jobs.Unlock()
	k := sfKept{}
	if err == nil {
		k, err = o.job(r)
	}
	if err == nil {
		err = o.move(r, &k, wish.State)
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	JSON(w, http.StatusOK, k.Job)
}

func (o *org) move(r *http.Request, k *sfKept, state string) error {
	k.show(o.s.Now(), false)
	switch {
	case state == k.Job.State && (state == sfUploaded || state == sfAborted):
		return nil
	case state == sfAborted && (k.Job.State == sfOpen || k.Job.State == sfUploaded || k.Job.State == sfInProgress):
		k.Job.State, k.End.State = sfAborted, sfAborted
		return o.saveJob(k)
	case state == sfUploaded && k.Job.State == sfOpen && k.Uploaded:
		if err := o.process(r, k); err != nil {
			return err
		}
		k.Closed, k.Job.State = o.s.Now(), sfUploaded
		return o.saveJob(k)
	}
	return sfInvalidJob("InvalidJobState : the job cannot go from %s to %s", k.Job.State, state)
}

// show moves what the job says of itself on.
func (k *sfKept) show(now time.Time, asked bool) {
	if k.Job.State != sfUploaded && k.Job.State != sfInProgress {
		return
	}
	if asked {
		k.Asked++
	}
	switch {
	case k.Asked >= 3 || now.Sub(k.Closed) >= sfWork:
		k.Job = k.End
	case k.Asked == 2:
		k.Job.State = sfInProgress
	}
}

// getJob tells how far a job is.
func (o *org) getJob(w http.ResponseWriter, r *http.Request) {
	o.jobs.Lock()
	defer o.jobs.Unlock()
	k, err := o.job(r)
	if err == nil {
		before := k.Job.State
		k.show(o.s.Now(), true)
		if before == sfUploaded || before == sfInProgress {
			err = o.saveJob(&k)
		}
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	CallOf(r).Mode = "poll"
	JSON(w, http.StatusOK, k.Job)
}

func (o *org) listJobs(w http.ResponseWriter, r *http.Request) {
	o.jobs.Lock()
	defer o.jobs.Unlock()
	names, err := o.s.Documents.List("job-")
	jobs := []sfJob{}
	for _, name := range names {
		var k sfKept
		if _, err = o.s.Documents.Load(name, &k); err != nil {
			break
		}
		k.show(o.s.Now(), false)
		jobs = append(jobs, k.Job)
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	JSON(w, http.StatusOK, map[string]any{"done": true, "records": jobs, "nextRecordsUrl": nil})
}

// deleteJob forgets a job that has ended.
func (o *org) deleteJob(w http.ResponseWriter, r *http.Request) {
	o.jobs.Lock()
	defer o.jobs.Unlock()
	k, err := o.job(r)
	if err == nil {
		k.show(o.s.Now(), false)
		if k.Job.State == sfOpen || k.Job.State == sfInProgress {
			err = sfInvalidJob("InvalidJobState : the job is %s", k.Job.State)
		}
	}
	for _, name := range []string{"upload-", "successfulResults-", "failedResults-", "unprocessedrecords-", "job-"} {
		if err == nil {
			err = o.s.Documents.Remove(name + k.Job.ID)
		}
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// blob reads what was kept; nothing if there is none.
func (o *org) blob(name string) ([]byte, error) {
	f, err := o.s.Documents.OpenBlob(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(f)
}
