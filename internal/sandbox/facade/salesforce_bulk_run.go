package facade

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// sfBatch is how many records of a job are written at a time.
const sfBatch = 10_000

// sfResultsPage is how many results a page has, unless the client wants fewer:
// all of a job of the size that a sandbox sees. Clients exist that do not look
// for a second page.
const sfResultsPage = 1_000_000

// sfFile is one of the files of results.
type sfFile struct {
	buf bytes.Buffer
	csv *csv.Writer
}

func newFile(columns ...string) *sfFile {
	f := &sfFile{}
	f.csv = csv.NewWriter(&f.buf)
	f.add(columns...)
	return f
}

func (f *sfFile) add(cells ...string) { _ = f.csv.Write(cells) } // a buffer takes everything

// sfLoad is a job at work.
type sfLoad struct {
	w                       *sfWriter
	job                     *sfJob
	columns                 []string
	fields                  []sfField // by column
	success, failed, undone *sfFile
	counts                  map[string]int
}

// process writes the records of a job and keeps its results: what the job
// will say once it has ended.
func (o *org) process(r *http.Request, k *sfKept) error {
	upload, err := o.blob("upload-" + k.Job.ID)
	if err != nil {
		return err
	}
	k.End = k.Job
	k.End.State, k.End.TotalProcessingTime = sfComplete, 250
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(upload, []byte("\xef\xbb\xbf"))))
	in.Comma, in.FieldsPerRecord = sfDelimiter(k.Job.ColumnDelimiter), -1
	columns, err := in.Read()
	if err != nil {
		columns = nil // no line at all: a job without records
	}
	l, problem, err := o.load(r, &k.End, columns)
	if err != nil {
		return err
	}
	if problem != "" {
		k.End.State, k.End.ErrorMessage = sfFailed, "InvalidBatch : "+problem
		l.pass(in)
	} else if columns != nil {
		err = l.all(in, &k.End)
	}
	if err != nil {
		return err
	}
	for name, file := range map[string]*sfFile{"successfulResults-": l.success, "failedResults-": l.failed, "unprocessedrecords-": l.undone} {
		file.csv.Flush()
		if _, err := o.s.Documents.SaveBlob(name+k.Job.ID, &file.buf); err != nil {
			return err
		}
	}
	for what, n := range l.counts {
		l.w.call.Report(k.Job.Operation, what, n)
	}
	return nil
}

// load prepares a job; problem says why none of its records can be written.
func (o *org) load(r *http.Request, job *sfJob, columns []string) (l *sfLoad, problem string, err error) {
	sample := Fields{}
	for _, c := range columns {
		sample.Set(c, "")
	}
	w, err := o.writer(r, job.Object, []Fields{sample}, job.ExternalIDFieldName)
	if err != nil {
		return nil, "", err
	}
	l = &sfLoad{w: w, job: job, columns: columns, counts: map[string]int{}}
	l.success = newFile(append([]string{"sf__Id", "sf__Created"}, columns...)...)
	l.failed = newFile(append([]string{"sf__Id", "sf__Error"}, columns...)...)
	l.undone = newFile(columns...)
	for _, c := range columns {
		f, known := w.all[strings.ToLower(c)]
		if !known {
			return l, "Field name not found : " + c, nil
		}
		l.fields = append(l.fields, f)
	}
	return l, "", nil
}

// pass leaves all records as they are; what is no CSV is no record.
func (l *sfLoad) pass(in *csv.Reader) {
	for {
		line, err := in.Read()
		if err != nil {
			return
		}
		l.undone.add(line...)
	}
}

// all writes the records in batches. A line that is no CSV ends the job: what
// came before it is written.
func (l *sfLoad) all(in *csv.Reader, end *sfJob) error {
	for more := true; more; {
		var lines [][]string
		for more && len(lines) < sfBatch {
			line, err := in.Read()
			switch {
			case errors.Is(err, io.EOF):
				more = false
			case err != nil:
				end.State, end.ErrorMessage, more = sfFailed, "ClientInputError : LineEnding or quotes are invalid in the data", false
			default:
				lines = append(lines, line)
			}
		}
		if err := l.batch(lines, end); err != nil {
			return err
		}
	}
	return nil
}

func (l *sfLoad) batch(lines [][]string, end *sfJob) error {
	return l.w.object.Update(func(tx *Tx) error {
		for _, line := range lines {
			id, what, err := l.one(tx, line)
			reason, refused := errors.AsType[*sfReason](err)
			if err != nil && !refused {
				return err
			}
			end.Processed++
			if refused {
				end.Failed++
				l.counts["rejected"]++
				l.failed.add(append([]string{id, fmt.Sprintf("%s:%s:%s --", reason.code, reason.message, strings.Join(reason.fields, ","))}, line...)...)
				continue
			}
			l.counts[what]++
			l.success.add(append([]string{id, strconv.FormatBool(what == "created")}, line...)...)
		}
		return nil
	})
}

// one writes one line.
func (l *sfLoad) one(tx *Tx, line []string) (id, what string, err error) {
	if len(line) != len(l.columns) {
		return "", "", &sfReason{code: "INVALID_FIELD", message: "the line has another number of columns than the header"}
	}
	row := Fields{}
	for i, cell := range line {
		raw, given, err := l.fields[i].parseCSV(cell)
		if err != nil {
			return "", "", err
		}
		if given {
			row[l.fields[i].Name] = raw
		}
	}
	switch l.job.Operation {
	case "upsert":
		key, err := l.w.external(l.job.ExternalIDFieldName)
		if err != nil {
			return "", "", err
		}
		rec, what, err := l.w.upsert(tx, key, row)
		return rec.ID, what, err
	case "insert":
		if p, poisoned := l.w.call.Poisoned(l.w.label(row), row); poisoned {
			return "", "", sfPoisoned(p)
		}
		rec, err := l.w.create(tx, row)
		return rec.ID, "created", err
	case "update":
		return l.update(tx, row)
	}
	return row.Text("Id"), "deleted", l.w.delete(tx, row.Text("Id"))
}

func (l *sfLoad) update(tx *Tx, row Fields) (id, what string, err error) {
	rec, err := l.w.get(tx, row.Text("Id"))
	if err != nil {
		return row.Text("Id"), "", err
	}
	if p, poisoned := l.w.call.Poisoned(l.w.label(rec.Fields.Merge(row)), row); poisoned {
		return rec.ID, "", sfPoisoned(p)
	}
	changed, err := l.w.update(tx, rec, row)
	return rec.ID, sfChange(changed), err
}

// results gives one page of a job's results. The locator is the line to go on
// with.
func (o *org) results(w http.ResponseWriter, r *http.Request, which string) {
	o.jobs.Lock()
	k, err := o.job(r)
	o.jobs.Unlock()
	if err == nil {
		k.show(o.s.Now(), false)
		if s := k.Job.State; s == sfOpen || s == sfUploaded || s == sfInProgress {
			err = sfInvalidJob("InvalidJobState : the job is %s", s)
		}
	}
	var data []byte
	if err == nil {
		data, err = o.blob(which + "-" + k.Job.ID)
	}
	page, next, count := []byte(nil), "", 0
	if err == nil {
		page, next, count, err = sfPage(data, r.URL.Query().Get("locator"), r.URL.Query().Get("maxRecords"))
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	CallOf(r).Mode = "results"
	h := w.Header()
	h.Set("Content-Type", "text/csv")
	h.Set("Sforce-Locator", next)
	h.Set("Sforce-NumberOfRecords", strconv.Itoa(count))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(page)
}

// sfPage cuts a page out of a file of results.
func sfPage(data []byte, locator, most string) (page []byte, next string, count int, err error) {
	start, limit := 0, sfResultsPage
	if locator != "" {
		if start, err = strconv.Atoi(locator); err != nil || start < 0 {
			return nil, "", 0, &sfReason{code: "INVALID_LOCATOR", message: "the locator is invalid"}
		}
	}
	if n, err := strconv.Atoi(most); err == nil && n > 0 {
		limit = min(limit, n)
	}
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	var out bytes.Buffer
	writer := csv.NewWriter(&out)
	next = "null"
	for line := -1; ; line++ { // -1 is the header
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", 0, err
		}
		switch {
		case line < 0:
			err = writer.Write(cells)
		case line >= start && count < limit:
			count++
			err = writer.Write(cells)
		case count == limit:
			next = strconv.Itoa(line)
		}
		if err != nil {
			return nil, "", 0, err
		}
		if next != "null" {
			break
		}
	}
	writer.Flush()
	return out.Bytes(), next, count, nil
}
