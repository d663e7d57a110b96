package declared

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"exposync/internal/record"
)

// encoding says how values and bodies are written where there is a choice.
type encoding struct {
	stringify bool       // numbers and booleans as text
	decimal   bool       // decimals as text
	documents bool       // JSON documents as text
	matching  bool       // as text what goes to a field that the service says holds text
	null      *string    // a null as this text
	absent    *string    // csv: a field that is left as it is, as this text
	bools     *[2]string // true and false as these texts
	date      dateForm
	zoned     bool                // a moment without a zone is written as one of UTC
	dates     map[string]dateForm // over date, by field
	text      []string            // fields that are sent as text whatever their kind; $key for those of the key
	hash      []string            // fields that are sent as a digest only
	format    string              // json, ndjson, csv, form, none
	gzip      bool
}

// dateForm is how dates and moments are written.
type dateForm uint8

const (
	isoDate dateForm = iota
	epochMillis
	unixSeconds
)

func dateWords() []string { return []string{"iso", "epoch_ms", "unix_s"} }

func dateFormOf(word string) dateForm {
	return map[string]dateForm{"epoch_ms": epochMillis, "unix_s": unixSeconds}[word]
}

// of is how the values of one field are written.
func (e *encoding) of(name string, key bool) *encoding {
	if e == nil {
		return nil
	}
	date, own := e.dates[name]
	asText := slices.Contains(e.text, name) || key && slices.Contains(e.text, "$key")
	if !own && !asText {
		return nil
	}
	out := *e
	if own {
		out.date = date
	}
	if asText {
		out.stringify, out.null = true, nil
	}
	return &out
}

// What cannot be written. The messages name no value.
var (
	errMoment   = errors.New("the date is not one that a count of seconds can express")
	errNotUTF8  = errors.New("the text is not valid UTF-8")
	errNotFinal = errors.New("the number is not finite (NaN or infinity)")
	errIsNull   = errors.New("the text is the one that clears a field at this destination")
	errNoAbsent = errors.New("this format cannot leave a field as it is")
)

// contentType is the type of a body.
func (e encoding) contentType() string {
	switch e.format {
	case "ndjson":
		return "application/x-ndjson"
	case "csv":
		return "text/csv; charset=UTF-8"
	case "form":
		return "application/x-www-form-urlencoded"
	}
	return "application/json"
}

// epoch appends a moment as a count since 1970.
func (e encoding) epoch(dst []byte, v record.Value) ([]byte, error) {
	layout := "2006-01-02T15:04:05.999999Z"
	switch v.Kind {
	case record.Date:
		layout = time.DateOnly
	case record.Timestamp:
		layout = "2006-01-02T15:04:05.999999"
	default:
	}
	t, err := time.Parse(layout, string(v.Data))
	if err != nil {
		return dst, errMoment
	}
	if e.date == epochMillis {
		return strconv.AppendInt(dst, t.UnixMilli(), 10), nil
	}
	return strconv.AppendInt(dst, t.Unix(), 10), nil
}

func isMoment(k record.Kind) bool {
	return k == record.Date || k == record.Timestamp || k == record.Instant
}

// appendValue appends a value as JSON.
func appendValue(dst []byte, v record.Value, e *encoding) ([]byte, error) {
	asText := false
	switch v.Kind {
	case record.Null:
		if e.null != nil {
			return record.AppendJSONText(dst, *e.null)
		}
	case record.Bool:
		if e.bools != nil {
			return record.AppendJSONText(dst, e.boolText(v))
		}
		asText = e.stringify
	case record.Int, record.Float:
		asText = e.stringify
	case record.Decimal:
		asText = e.stringify || e.decimal
	case record.Date, record.Timestamp, record.Instant:
		if e.date != isoDate {
			return e.appendEpoch(dst, v)
		}
		if e.zoned && v.Kind == record.Timestamp {
			return append(append(append(dst, '"'), v.Data...), 'Z', '"'), nil
		}
	case record.JSON:
		if e.stringify || e.documents {
			return record.AppendJSONText(dst, v.Data)
		}
	case record.Text:
		if e.null != nil && *e.null != "" && string(v.Data) == *e.null {
			return dst, errIsNull
		}
	default:
	}
	if !asText {
		return record.AppendJSON(dst, v)
	}
	start := len(dst)
	out, err := record.AppendJSON(append(dst, '"'), v)
	if err != nil {
		return out[:start], err
	}
	return append(out, '"'), nil
}

func (e *encoding) appendEpoch(dst []byte, v record.Value) ([]byte, error) {
	if !e.stringify {
		return e.epoch(dst, v)
	}
	out, err := e.epoch(append(dst, '"'), v)
	if err != nil {
		return dst, err
	}
	return append(out, '"'), nil
}

func (e *encoding) boolText(v record.Value) string {
	if string(v.Data) == "true" {
		return e.bools[0]
	}
	return e.bools[1]
}

// appendPlain appends a value as text without quotes, for formats that have
// nothing else.
func appendPlain(dst []byte, v record.Value, e *encoding) ([]byte, error) {
	switch {
	case v.Kind == record.Absent && e.absent != nil:
		return append(dst, *e.absent...), nil
	case v.Kind == record.Absent:
		return dst, errAbsent
	case v.Kind == record.Null:
		if e.null != nil {
			dst = append(dst, *e.null...)
		}
		return dst, nil
	case v.Kind == record.Bool && e.bools != nil:
		return append(dst, e.boolText(v)...), nil
	case isMoment(v.Kind) && e.date != isoDate:
		return e.epoch(dst, v)
	case e.zoned && v.Kind == record.Timestamp:
		return append(append(dst, v.Data...), 'Z'), nil
	case v.Kind == record.Bytes:
		return base64.StdEncoding.AppendEncode(dst, v.Data), nil
	case !utf8.Valid(v.Data):
		return dst, errNotUTF8
	case (v.Kind == record.Float || v.Kind == record.Decimal) && !record.Finite(v):
		return dst, errNotFinal
	case v.Kind == record.Text && e.format == "csv" && e.null != nil && len(v.Data) == 0:
		return append(dst, *e.null...), nil // an empty cell says nothing there
	case e.null != nil && *e.null != "" && string(v.Data) == *e.null:
		return dst, errIsNull
	}
	return append(dst, v.Data...), nil
}

// plainKey is a key as an answer repeats it.
func (e *encoding) plainKey(v record.Value) string {
	out, err := appendPlain(nil, v, e)
	if err != nil {
		return ""
	}
	return string(out)
}

// digest is a value that only its hash may leave as: trimmed and in lower
// case, as all services that match by hash want it.
func digest(v record.Value) record.Value {
	if v.Kind == record.Absent || v.Kind == record.Null {
		return v
	}
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(string(v.Data)))))
	return record.Value{Kind: record.Text, Data: []byte(hex.EncodeToString(sum[:]))}
}

// cell is one column of a record in a format without nesting.
type cell struct {
	name  string
	value *template
}

// flat lists the columns of a row. A form writes what is nested as
// metadata[plan], a CSV has no way to.
func (c *compiler) flat(row *template, format string) []cell {
	if row.kind != object {
		c.failf("format %s needs a row that is a map", format)
		return nil
	}
	var out []cell
	for _, e := range row.entries {
		name := gjson.ParseBytes(bytes.TrimSuffix(e.name, []byte(":"))).Str
		switch {
		case e.value.kind == object && format == "form":
			for _, inner := range c.flat(e.value, format) {
				part, rest, _ := strings.Cut(inner.name, "[")
				if rest != "" {
					rest = "[" + rest
				}
				out = append(out, cell{name + "[" + part + "]" + rest, inner.value})
			}
		case e.value.kind == object || e.value.kind == array:
			c.failf("format %s has no nested values, %s is one", format, e.name)
		default:
			out = append(out, cell{name, e.value})
		}
	}
	return out
}

// distinct makes sure that nothing stands twice in a form.
func (c *compiler) distinct(cells []cell) []cell {
	seen := map[string]bool{}
	for _, x := range cells {
		if seen[x.name] {
			c.failf("%q would stand twice in one form: rename the field, or the entry of row", x.name)
		}
		seen[x.name] = true
	}
	return cells
}

// plain appends what a template stands for as text without quotes.
func (t *template) plain(dst []byte, c *rowContext) ([]byte, error) {
	switch t.kind {
	case literal:
		return append(dst, gjson.ParseBytes(t.bytes).String()...), nil
	case keyPart:
		return appendPlain(dst, c.change.KeyVals[t.index], t.encoding(c))
	case field:
		return appendPlain(dst, c.value(t), t.encoding(c))
	default:
		text, err := t.append(nil, c)
		if err != nil {
			return dst, err
		}
		return append(dst, gjson.ParseBytes(text).String()...), nil
	}
}

// appendCSV appends one record as a line.
func appendCSV(dst []byte, cells []cell, c *rowContext) ([]byte, error) {
	start := len(dst)
	for i := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		at := len(dst)
		out, err := cells[i].value.plain(dst, c)
		if err == errAbsent { //nolint:errorlint // the sentinel itself, on the hot path
			err = errNoAbsent
		}
		if err != nil {
			return out[:start], err
		}
		dst = quoteCSV(out, at)
	}
	if len(dst) == start { // readers skip a line with nothing on it
		dst = append(dst, `""`...)
	}
	return append(dst, '\n'), nil
}

// quoteCSV puts the cell that begins at a place in quotes, where it needs
// them.
func quoteCSV(dst []byte, at int) []byte {
	text := dst[at:]
	padded := len(text) > 0 && (text[0] == ' ' || text[len(text)-1] == ' ')
	if !padded && !bytes.ContainsAny(text, "\",\r\n") {
		return dst
	}
	quoted := append([]byte{'"'}, bytes.ReplaceAll(text, []byte{'"'}, []byte(`""`))...)
	return append(append(dst[:at], quoted...), '"')
}

// headCSV is the line of column names.
func headCSV(cells []cell) []byte {
	var out []byte
	for i, c := range cells {
		if i > 0 {
			out = append(out, ',')
		}
		at := len(out)
		out = quoteCSV(append(out, c.name...), at)
	}
	return append(out, '\n')
}

// appendForm appends the one record of a form.
func appendForm(dst []byte, cells []cell, c *rowContext) ([]byte, error) {
	start, first := len(dst), true
	for i := range cells {
		text, err := cells[i].value.plain(nil, c)
		if err == errAbsent { //nolint:errorlint // the sentinel itself, on the hot path
			continue
		}
		if err != nil {
			return dst[:start], err
		}
		if !first {
			dst = append(dst, '&')
		}
		first = false
		dst = append(append(append(dst, url.QueryEscape(cells[i].name)...), '='), url.QueryEscape(string(text))...)
	}
	return dst, nil
}

// packed is a body as gzip.
func packed(body []byte) []byte {
	var buf bytes.Buffer
	w, _ := gzip.NewWriterLevel(&buf, gzip.BestSpeed) // the level is one that exists
	_, _ = w.Write(body)                              // a buffer takes everything
	_ = w.Close()
	return buf.Bytes()
}
