package declared

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

const discovers = `
discover:
  request: {path: "/fields/${object}"}
  paging: {next: next}
  fields:
    at: fields
    name: name
    type: type
    types: {num: number, str: text, flag: bool, day: date}
    writable: "!calculated"
    unique: unique
    required: [must, "!preset"]
    options: "options.#.value"
    many: several
`

// schemaService tells its fields on two pages and takes everything.
func schemaService(asked, written *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodPost:
			written.Add(1)
			fmt.Fprint(w, `{"results":[{"ok":true}]}`)
		case r.URL.Path != "/fields/people":
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{}`)
		case r.URL.Query().Get("page") == "2":
			asked.Add(1)
			fmt.Fprint(w, `{"fields":[{"name":"stage","type":"str","options":[{"value":"lead"},{"value":"customer"}]},
				{"name":"tags","type":"str","several":true,"options":[{"value":"a"},{"value":"b"}]},
				{"name":"must","type":"str","must":true},{"name":"born","type":"day"},
				{"name":"preset","type":"str","must":true,"preset":true}]}`)
		default:
			asked.Add(1)
			fmt.Fprintf(w, `{"next":"http://%s/fields/people?page=2","fields":[{"name":"email","type":"str","unique":true},{"name":"name","type":"str"},
				{"name":"score","type":"num"},{"name":"total","type":"num","calculated":true}]}`, r.Host)
		}
	}
}

// What is wrong with a job's fields is told before anything is written, all
// of it at once.
func TestFieldsAreChecked(t *testing.T) {
	t.Parallel()
	f := func(name string, kind record.Kind) destination.Field {
		return destination.Field{Name: name, Kind: kind}
	}
	tests := map[string]struct {
		target destination.Target
		want   []string
	}{
		"good": {
			destination.Target{Object: "people", Mode: destination.Upsert, Key: []destination.Field{f("email", record.Text)}, Fields: []destination.Field{f("score", record.Int), f("must", record.Text)}},
			nil,
		},
		"everything": {
			destination.Target{
				Object: "people", Mode: destination.Upsert, Key: []destination.Field{f("name", record.Text)},
				Fields: []destination.Field{f("scores", record.Int), f("score", record.Bool), f("total", record.Int), f("born", record.Int)},
			},
			[]string{"field_kind", "field_kind", "field_missing", "field_readonly", "field_required", "key_not_unique"},
		},
		"update creates nothing": {
			destination.Target{Object: "people", Mode: destination.Update, Key: []destination.Field{f("email", record.Text)}, Fields: []destination.Field{f("score", record.Int)}},
			nil,
		},
		"no such object": {
			destination.Target{Object: "persons", Mode: destination.Upsert, Key: []destination.Field{f("email", record.Text)}},
			[]string{"object_missing"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked, written atomic.Int64
			d := service(t, schemaService(&asked, &written), discovers)
			_, err := d.Open(t.Context(), tt.target)
			var codes []string
			for _, f := range fault.All(err) {
				codes = append(codes, f.Code)
			}
			slices.Sort(codes)
			if diff := cmp.Diff(tt.want, codes); diff != "" {
				t.Errorf("codes mismatch (-want +got):\n%s\n%v", diff, err)
			}
			if written.Load() != 0 {
				t.Error("something was written")
			}
			if name == "everything" && !strings.Contains(fmt.Sprint(fault.All(err)[1].Hint), "did you mean score?") {
				t.Errorf("hint = %v", fault.All(err)[1].Hint)
			}
			_, _ = d.Open(t.Context(), tt.target)
			if n := asked.Load(); n > 2 {
				t.Errorf("the fields were asked for %d times, on two pages", n)
			}
		})
	}
}

// A value that its field cannot take is one refused record, and is not sent.
func TestValuesThatDoNotFit(t *testing.T) {
	t.Parallel()
	var asked, written atomic.Int64
	d := service(t, schemaService(&asked, &written), discovers)
	w, err := d.Open(t.Context(), destination.Target{
		Object: "people", Mode: destination.Update, Key: []destination.Field{{Name: "email"}},
		Fields: []destination.Field{{Name: "stage", Kind: record.Text}, {Name: "score", Kind: record.Text}, {Name: "tags", Kind: record.Text}},
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := []record.Record{
		{val(record.Text, "canary-lead"), val(record.Text, "1"), val(record.Text, "a")},
		{val(record.Text, "lead"), val(record.Text, "canary"), val(record.Text, "a")},
		{val(record.Text, "lead"), val(record.Text, "1"), val(record.Text, "a;canary")},
		{val(record.Text, "lead"), val(record.Text, "-1.5"), val(record.Text, "a;b")},
		{{Kind: record.Null}, {}, val(record.Text, "")},
	}
	batch := persons(len(rows))
	for i := range batch {
		batch[i].Values = rows[i]
	}
	out := w.Write(t.Context(), batch[:3])
	if got := brief(out); got != "fail/option_unknown fail/wrong_type fail/option_unknown" || written.Load() != 0 {
		t.Errorf("outcomes = %s after %d requests", got, written.Load())
	}
	for _, o := range out {
		if strings.Contains(o.Message, "canary") {
			t.Errorf("message holds a value: %s", o.Message)
		}
	}
	if got := brief(w.Write(t.Context(), batch[3:4])) + brief(w.Write(t.Context(), batch[4:])); got != "okok" {
		t.Errorf("outcomes = %s", got)
	}
}

// The next page is followed on the same service only: credentials go along.
func TestPagesStayAtHome(t *testing.T) {
	t.Parallel()
	d := service(t, answers(200, "application/json", `{"fields":[{"name":"a"}],"next":"https://evil.example.com/fields"}`), discovers)
	_, err := d.Open(t.Context(), people(destination.Update))
	if err == nil || !strings.Contains(err.Error(), "another host") {
		t.Errorf("Open() = %v", err)
	}
	circle := service(t, answers(200, "application/json", `{"fields":[{"name":"a"}],"next":"/fields/people"}`), discovers)
	if _, err := circle.Open(t.Context(), people(destination.Update)); err == nil || !strings.Contains(err.Error(), "circles") {
		t.Errorf("Open() = %v", err)
	}
}
