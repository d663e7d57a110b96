package declared

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// Two records as every format and choice writes them.
func TestFormats(t *testing.T) {
	t.Parallel()
	two := persons(2)
	two[0].Values[0] = val(record.Text, `Ada "A", née
B`)
	two[1].Values = record.Record{{Kind: record.Null}, val(record.Int, "7")}
	tests := map[string]struct{ inline, want, kind string }{
		"ndjson": {
			`{encode: {format: ndjson}, ops: {upsert: {envelope: null}}}`,
			`{"email":"k0","name":"Ada \"A\", née\nB","score":0}` + "\n" + `{"email":"k1","name":null,"score":7}` + "\n", "application/x-ndjson",
		},
		"csv": {
			`{encode: {format: csv, null: "#N/A"}, ops: {upsert: {envelope: null}}}`,
			"email,name,score\nk0,\"Ada \"\"A\"\", née\nB\",0\nk1,#N/A,7\n", "text/csv; charset=UTF-8",
		},
		"csv of one operation": {
			`{ops: {upsert: {envelope: null, encode: {format: csv}, row: {id: $key, kind: person, "a,b": $field.score}}}}`,
			"id,kind,\"a,b\"\nk0,person,0\nk1,person,7\n", "text/csv; charset=UTF-8",
		},
		"form": {
			`{limits: {rows: 1}, encode: {format: form}, ops: {upsert: {envelope: null}}}`,
			"email=k0&name=Ada+%22A%22%2C+n%C3%A9e%0AB&score=0", "application/x-www-form-urlencoded",
		},
		"hash": {
			`{encode: {hash: {name: sha256}}, ops: {upsert: {envelope: null, row: {name: $field.name}}}}`,
			`[{"name":"` + sum256("ada \"a\", née\nb") + `"},{"name":null}]`, "application/json",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			d := service(t, r.handle, strings.Replace(tt.inline, "upsert: {", "upsert: {"+accept+", ", 1))
			if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), two)); got != "ok ok" {
				t.Fatalf("outcomes = %s", got)
			}
			if diff := cmp.Diff(tt.want, r.sent[0].body); diff != "" {
				t.Errorf("body mismatch (-want +got):\n%s", diff)
			}
			if got := r.sent[0].header.Get("Content-Type"); got != tt.kind {
				t.Errorf("Content-Type = %s", got)
			}
		})
	}
}

func sum256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestGzip(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, r.handle, `{encode: {gzip: true}, ops: {upsert: {`+accept+`}}}`)
	if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), persons(1))); got != "ok" {
		t.Fatal(got)
	}
	unpacked, err := gzip.NewReader(strings.NewReader(r.sent[0].body))
	if err != nil || r.sent[0].header.Get("Content-Encoding") != "gzip" {
		t.Fatal(err, r.sent[0].header)
	}
	if body, _ := io.ReadAll(unpacked); string(body) != `{"records":[{"email":"k0","name":"Ada","score":0}]}` {
		t.Errorf("body = %s", body)
	}
}

// Values under every choice, as JSON and as plain text.
func TestValueChoices(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	tests := map[string]struct {
		v           record.Value
		e           encoding
		json, plain string
	}{
		"bool":           {val(record.Bool, "true"), encoding{}, "true", "true"},
		"bool as words":  {val(record.Bool, "false"), encoding{bools: &[2]string{"1", "0"}}, `"0"`, "0"},
		"bool as text":   {val(record.Bool, "true"), encoding{stringify: true}, `"true"`, "true"},
		"decimal":        {val(record.Decimal, "12345678901234567890.125"), encoding{}, "12345678901234567890.125", "12345678901234567890.125"},
		"decimal text":   {val(record.Decimal, "0.1"), encoding{decimal: true}, `"0.1"`, "0.1"},
		"day in ms":      {val(record.Date, "2024-02-29"), encoding{date: epochMillis}, "1709164800000", "1709164800000"},
		"day as text":    {val(record.Date, "2024-02-29"), encoding{date: epochMillis, stringify: true}, `"1709164800000"`, "1709164800000"},
		"moment in s":    {val(record.Instant, "2024-02-29T12:34:56.789Z"), encoding{date: unixSeconds}, "1709210096", "1709210096"},
		"moment in ms":   {val(record.Timestamp, "2024-02-29T12:34:56.789"), encoding{date: epochMillis}, "1709210096789", "1709210096789"},
		"before 1970":    {val(record.Date, "1969-12-31"), encoding{date: unixSeconds}, "-86400", "-86400"},
		"never":          {val(record.Date, "infinity"), encoding{date: unixSeconds}, "error", "error"},
		"iso":            {val(record.Instant, "2024-02-29T12:34:56Z"), encoding{}, `"2024-02-29T12:34:56Z"`, "2024-02-29T12:34:56Z"},
		"null":           {record.Value{Kind: record.Null}, encoding{}, "null", ""},
		"null as text":   {record.Value{Kind: record.Null}, encoding{null: text("-")}, `"-"`, "-"},
		"empty in csv":   {val(record.Text, ""), encoding{format: "csv", null: text("#N/A")}, `""`, "#N/A"},
		"says null":      {val(record.Text, "#N/A"), encoding{null: text("#N/A")}, "error", "error"},
		"NaN":            {val(record.Float, "NaN"), encoding{}, "error", "error"},
		"not UTF-8":      {val(record.Text, "a\xff"), encoding{}, "error", "error"},
		"absent":         {record.Value{}, encoding{}, "error", "error"},
		"absent as text": {record.Value{}, encoding{absent: text("")}, "error", ""},
		"bytes":          {val(record.Bytes, "\x00\x01"), encoding{}, `"AAE="`, "AAE="},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, got := range map[string]func() ([]byte, error){
				tt.json:  func() ([]byte, error) { return appendValue(nil, tt.v, &tt.e) },
				tt.plain: func() ([]byte, error) { return appendPlain(nil, tt.v, &tt.e) },
			} {
				b, err := got()
				if text := string(b); err != nil && what != "error" || err == nil && text != what {
					t.Errorf("got %q, %v, want %q", text, err, what)
				}
			}
		})
	}
}

// Whatever stands in a value, a reader of the format gets exactly that back.
func TestFormatsKeepEveryText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringMatching("[a-z,;&=\"'\n+% é\t#]{1,8}"), 3, 3).Draw(t, "texts")
		ch := record.Change{KeyVals: record.Record{val(record.Text, texts[0])}, Values: record.Record{val(record.Text, texts[1]), val(record.Text, texts[2])}}
		cells := []cell{{"k", &template{kind: keyPart}}, {"a", &template{kind: field}}, {"b", &template{kind: field, index: 1}}}
		line, err := appendCSV(nil, cells, &rowContext{change: &ch, encode: &encoding{format: "csv"}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := csv.NewReader(strings.NewReader(string(line))).Read()
		if diff := cmp.Diff(texts, got); err != nil || diff != "" {
			t.Fatalf("CSV %q: %v %s", line, err, diff)
		}
		form, err := appendForm(nil, cells, &rowContext{change: &ch, encode: &encoding{format: "form"}})
		if err != nil {
			t.Fatal(err)
		}
		values, err := url.ParseQuery(string(form))
		if diff := cmp.Diff(texts, []string{values.Get("k"), values.Get("a"), values.Get("b")}); err != nil || diff != "" {
			t.Fatalf("form %q: %v %s", form, err, diff)
		}
	})
}

// A field that is left as it is has no cell, unless the description says how.
func TestAbsentInCSV(t *testing.T) {
	t.Parallel()
	two := persons(2)
	two[1].Values[0] = record.Value{}
	for inline, want := range map[string]string{
		`{encode: {format: csv}, ops: {upsert: {` + accept + `, envelope: null}}}`:             "ok fail/invalid_value",
		`{encode: {format: csv, absent: ""}, ops: {upsert: {` + accept + `, envelope: null}}}`: "ok ok",
	} {
		d := service(t, (&recorder{}).handle, inline)
		if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), two)); got != want {
			t.Errorf("%s: outcomes = %s, want %s", inline, got, want)
		}
	}
}

// A line with nothing on it is no record to whoever reads the file.
func TestALineOfOneEmptyCell(t *testing.T) {
	t.Parallel()
	cells := []cell{{"email", &template{kind: keyPart}}}
	row := &rowContext{change: &record.Change{KeyVals: record.Record{val(record.Text, "")}}, encode: &encoding{format: "csv"}}
	if got, err := appendCSV(nil, cells, row); err != nil || string(got) != "\"\"\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// A text that would clear its field is refused in every format.
func TestATextThatClearsItsField(t *testing.T) {
	t.Parallel()
	wipe := "#N/A"
	e := &encoding{null: &wipe}
	if _, err := appendValue(nil, val(record.Text, wipe), e); err == nil {
		t.Error("the text that clears a field was sent as one that does not")
	}
	if got, err := appendValue(nil, record.Value{Kind: record.Null}, e); err != nil || string(got) != `"#N/A"` {
		t.Errorf("%s, %v", got, err)
	}
}

// The same values in other fields are another request: a service that knows
// the first by its name must not take it for the second.
func TestIdempotencyKeysTellFieldsApart(t *testing.T) {
	t.Parallel()
	of := func(fields ...string) string {
		target := people(destination.Upsert)
		for i, name := range fields {
			target.Fields[i].Name = name
		}
		ch := person(1)
		row := &rowContext{change: &ch, scope: scopeOf("https://x.example.com", target)}
		return row.idempotencyKey()
	}
	if of("first", "second") == of("second", "first") {
		t.Error("the names of fields do not count")
	}
}
