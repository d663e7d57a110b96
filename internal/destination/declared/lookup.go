package declared

import (
	"context"
	"encoding/base64"
	"fmt"
	"iter"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/yamlx"
)

// lookup says how records are read by key.
type lookup struct {
	rows     int // keys of one request
	bytes    int // of its keys, as an address holds them; 0: any number
	request  request
	envelope *yamlx.Node // nil: no body
	row      *yamlx.Node
	quote    string // around a key in ${keys}
	join     string // between the keys in ${keys}; empty: a comma
	at       string
	key      string // path of the one key in a record, may hold ${…}; empty: the key's fields stand in fields
	fields   string
	id       string   // path of the service's own id in a record
	more     []string // columns to ask for beside the target's
	none     string   // a status that says that none of the keys is there
	fold     folding  // the service does not tell keys apart by case
	custom   string   // path of the fields that the service does not have by itself; empty: they stand with the others
	keys     []string // key fields that can be asked for; empty: any
	paging   paging
}

// between is what parts the keys of a request.
func (l *lookup) between() string {
	if l.join == "" {
		return ","
	}
	return l.join
}

// Readable is a Destination whose records can be read by key.
type Readable struct{ *Destination }

var _ destination.Reader = Readable{}

// Connect is New; what it gives is a destination.Reader where the spec says
// how records are read.
func Connect(cfg Config) (destination.Destination, error) {
	d, err := New(cfg)
	if err != nil {
		return nil, err
	}
	if d.spec.reads() {
		return Readable{d}, nil
	}
	return d, nil
}

// Read yields the records that have one of the keys.
func (r Readable) Read(ctx context.Context, t destination.Target, keys []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		l, err := r.lookerOf(t)
		if err != nil {
			yield(nil, err)
			return
		}
		for chunk := range l.chunks(keys) {
			for found, err := range l.entries(ctx, chunk) {
				if !yield(found.record, err) || err != nil {
					return
				}
			}
		}
	}
}

// looker reads the records of one target.
type looker struct {
	d      *Destination
	spec   *lookup
	t      destination.Target
	values values
	row    *template
	head   []byte
	tail   []byte
	key    string // path of the key in a record
	bare   bool   // the key's field holds numbers, which stand without quotes
	own    map[string]bool
	fold   bool
}

func (d *Destination) newLooker(t destination.Target) (*looker, error) {
	l := &looker{d: d, spec: d.spec.lookup, t: t, own: d.spec.own()}
	names := make([]string, 0, len(t.Fields))
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	columns := l.spec.columns(t)
	job := []pair{
		{"object", t.Object},
		{"mode", string(t.Mode)},
		{"key_field", ""},
		{"fields", strings.Join(names, ",")},
		{"keys", ""},
		{"columns", strings.Join(columns, ",")},
	}
	if len(t.Key) > 0 {
		job[2].text = t.Key[0].Name
	}
	l.fold = l.spec.fold.of(job[2].text)
	l.values = d.values.with(job...)
	c := &compiler{target: t, values: l.values, encode: &d.spec.encode, asked: columns}
	l.row = c.compile(l.spec.row)
	if l.spec.envelope != nil {
		l.head, l.tail, _ = c.compile(l.spec.envelope).split()
	}
	l.bare = len(t.Key) == 1 && d.familyOf(t.Object, t.Key[0].Name) == "number"
	var err error
	if l.key, err = l.values.text(l.spec.key); err != nil {
		c.failf("%s", err)
	}
	if k := job[2].text; len(l.spec.keys) > 0 && !slices.Contains(l.spec.keys, k) {
		c.failf("records are found by %s there, not by %q", strings.Join(l.spec.keys, " or "), k)
	}
	if l.spec.key != "" && len(t.Key) != 1 {
		c.failf("records can be read by one key field, the job has %d", len(t.Key))
	}
	if len(c.problems) > 0 {
		return nil, d.unread(t.Object, strings.Join(c.problems, "; "))
	}
	return l, nil
}

// columns are the names of all that a record is asked for: what the spec adds,
// the key, the fields, each of them once.
func (l *lookup) columns(t destination.Target) []string {
	out := slices.Clone(l.more)
	for _, f := range slices.Concat(t.Key, t.Fields) {
		if !slices.ContainsFunc(out, func(name string) bool { return strings.EqualFold(name, f.Name) }) {
			out = append(out, f.Name)
		}
	}
	return out
}

func (d *Destination) unread(object, why string) *fault.Fault {
	return &fault.Fault{
		Code: "target_unsupported", Kind: fault.Config, Whose: fault.Mapping, Where: d.cfg.Where,
		Msg:  fmt.Sprintf("connection %s, object %s cannot be read: %s", d.cfg.Name, object, why),
		Hint: "use --first send or --first adopt, or change `read` of the connection",
	}
}

// asked are the keys of one request by their text, and folded to lower case
// where the service does not tell them apart by case.
type asked struct {
	exact, folded map[string]record.Record
}

// find gives the key that an answer means. What several keys could be is none
// of them.
func (a asked) find(text string) (record.Record, bool) {
	if key, ok := a.exact[text]; ok {
		return key, true
	}
	key := a.folded[strings.ToLower(text)]
	return key, key != nil
}

// alike gives the keys of which an answer means one, nobody knows which.
func (a asked) alike(text string) (keys []record.Record) {
	folded := strings.ToLower(text)
	if key, twice := a.folded[folded]; !twice || key != nil {
		return nil
	}
	for other, key := range a.exact {
		if strings.ToLower(other) == folded {
			keys = append(keys, key)
		}
	}
	return keys
}

func (a asked) add(text string, key record.Record) {
	a.exact[text] = key
	if a.folded == nil {
		return
	}
	folded := strings.ToLower(text)
	if _, twice := a.folded[folded]; twice {
		key = nil
	}
	a.folded[folded] = key
}

// found is one record of an answer, with the id that the service has for it.
type found struct {
	record record.Record
	id     string
}

// entries reads as many keys as one request may have.
func (l *looker) entries(ctx context.Context, keys []record.Key) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		body, wanted, texts, err := l.question(keys)
		if err != nil {
			yield(found{}, err)
			return
		}
		v := l.values.with(pair{"keys", strings.Join(texts, l.spec.between())})
		for doc, err := range l.d.pages(ctx, v, l.spec.request, body, l.spec.paging, l.spec.none) {
			if err != nil {
				yield(found{}, err)
				return
			}
			items, err := l.items(doc)
			if err != nil {
				yield(found{}, err)
				return
			}
			for _, item := range items {
				rec, err := l.record(item, wanted)
				if !yield(found{rec, l.idOf(item)}, err) || err != nil {
					return
				}
			}
		}
	}
}

// idOf is the service's id of a record; empty where the spec does not say where
// it stands.
func (l *looker) idOf(item gjson.Result) string {
	if l.spec.id == "" {
		return ""
	}
	return plain(item.Get(l.spec.id))
}

// chunks cuts keys into as many as one request may have.
func (l *looker) chunks(keys []record.Key) iter.Seq[[]record.Key] {
	return func(yield func([]record.Key) bool) {
		start, size := 0, 0
		for i, key := range keys {
			n := 0
			if values, err := key.Values(); err == nil && l.spec.bytes > 0 {
				n = len(url.QueryEscape(l.quoted(l.text(values)))) + len("%2C")
			}
			if i > start && (i-start >= l.spec.rows || l.spec.bytes > 0 && size+n > l.spec.bytes) {
				if !yield(keys[start:i]) {
					return
				}
				start, size = i, 0
			}
			size += n
		}
		if start < len(keys) {
			yield(keys[start:])
		}
	}
}

// items are the records of one answer.
func (l *looker) items(doc gjson.Result) ([]gjson.Result, error) {
	items := doc
	if l.spec.at != "@this" {
		items = doc.Get(l.spec.at)
	}
	if doc.Exists() && !items.IsArray() {
		return nil, l.d.unreadable("read", fmt.Sprintf("%q is no list of records", l.spec.at))
	}
	return items.Array(), nil
}

// question is the body of a request for keys, and how to know them again.
func (l *looker) question(keys []record.Key) (body []byte, wanted asked, texts []string, err error) {
	wanted.exact = make(map[string]record.Record, len(keys))
	if l.fold {
		wanted.folded = make(map[string]record.Record, len(keys))
	}
	body = append(body, l.head...)
	row := rowContext{encode: &l.d.spec.encode}
	for i, key := range keys {
		values, err := key.Values()
		if err != nil {
			return nil, asked{}, nil, err
		}
		text := l.text(values)
		if l.parted() && strings.Contains(text, l.spec.between()) {
			return nil, asked{}, nil, l.d.unreadable("read", fmt.Sprintf("a key holds %q, which parts the keys of the request", l.spec.between()))
		}
		wanted.add(l.canonical(text), values)
		texts = append(texts, l.quoted(text))
		if l.spec.envelope == nil {
			continue
		}
		if i > 0 {
			body = append(body, ',')
		}
		row.change = &record.Change{Key: key, KeyVals: values}
		if body, err = l.row.append(body, &row); err != nil {
			return nil, asked{}, nil, err
		}
	}
	if l.spec.envelope == nil {
		return nil, wanted, texts, nil
	}
	return append(body, l.tail...), wanted, texts, nil
}

// parted reports whether a comma ends a key in the request.
func (l *looker) parted() bool {
	return l.spec.envelope == nil && l.spec.quote == "" && l.spec.rows > 1
}

// text is a key as an answer repeats it.
func (l *looker) text(values record.Record) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = l.d.spec.encode.plainKey(v)
	}
	return strings.Join(parts, "\x00")
}

var numberText = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// canonical is a key as it is compared: services write the number 12 as 12.0.
func (l *looker) canonical(text string) string {
	if l.bare {
		if data, ok := record.AppendDecimal(nil, text); ok {
			return string(data)
		}
	}
	return text
}

// quoted is a key as a text in a query; what would end the text is escaped.
func (l *looker) quoted(text string) string {
	q := l.spec.quote
	if q == "" || l.bare && numberText.MatchString(text) {
		return text
	}
	return q + strings.NewReplacer(`\`, `\\`, q, `\`+q).Replace(text) + q
}

// record reads one record of an answer.
func (l *looker) record(item gjson.Result, wanted asked) (record.Record, error) {
	fields := item
	if l.spec.fields != "" && l.spec.fields != "@this" {
		fields = item.Get(l.spec.fields)
	}
	key, ok := wanted.find(l.canonical(l.keyText(item)))
	if !ok {
		return nil, l.d.unreadable("read", "it holds a record that was not asked for")
	}
	out := make(record.Record, 0, len(key)+len(l.t.Fields))
	out = append(out, key...)
	more := fields
	if l.spec.custom != "" {
		more = item.Get(l.spec.custom)
	}
	for _, f := range l.t.Fields {
		from := more
		if l.own[f.Name] {
			from = fields
		}
		out = append(out, l.value(f, from.Get(gjson.Escape(f.Name))))
	}
	return out, nil
}

// keyText is the key of a record of an answer.
func (l *looker) keyText(item gjson.Result) string {
	if l.spec.key != "" {
		return plain(item.Get(l.key))
	}
	fields := item
	if l.spec.fields != "" && l.spec.fields != "@this" {
		fields = item.Get(l.spec.fields)
	}
	parts := make([]string, len(l.t.Key))
	for i, f := range l.t.Key {
		parts[i] = l.d.spec.encode.plainKey(l.value(f, fields.Get(gjson.Escape(f.Name))))
	}
	return strings.Join(parts, "\x00")
}

// value reads a value as one of the field's kind. What cannot be one stays
// text: it is another value than any of ours, and is written over.
func (l *looker) value(f destination.Field, v gjson.Result) record.Value {
	e := &l.d.spec.encode
	text := v.String()
	if !v.Exists() || v.Type == gjson.Null || e.null != nil && v.Type == gjson.String && v.Str == *e.null {
		return record.Value{Kind: record.Null}
	}
	if v.Type == gjson.Number {
		text = v.Raw
	}
	if data, kind, ok := e.read(f.Kind, text, v); ok {
		return record.Value{Kind: kind, Data: data}
	}
	return record.Value{Kind: record.Text, Data: []byte(text)}
}

// read undoes what append does.
func (e *encoding) read(kind record.Kind, text string, v gjson.Result) (data []byte, got record.Kind, ok bool) {
	switch kind {
	case record.Bool:
		switch {
		case text == "true", e.bools != nil && text == e.bools[0]:
			return []byte("true"), kind, true
		case text == "false", e.bools != nil && text == e.bools[1]:
			return []byte("false"), kind, true
		}
		return nil, kind, false
	case record.Int, record.Decimal:
		data, ok = record.AppendDecimal(nil, text)
		return data, record.Decimal, ok // all numbers are one kind to compare
	case record.Float:
		f, err := strconv.ParseFloat(text, 64)
		return record.AppendFloat(nil, f, 64), kind, err == nil
	case record.Date, record.Timestamp, record.Instant:
		data, ok = e.moment(kind, text)
		return data, kind, ok
	case record.JSON:
		raw := v.Raw
		if e.stringify || e.documents {
			raw = v.String()
		}
		data, err := record.AppendCanonicalJSON(nil, []byte(raw))
		return data, kind, err == nil
	case record.Bytes:
		data, err := base64.StdEncoding.DecodeString(text)
		return data, kind, err == nil
	default:
		return []byte(text), kind, true
	}
}

// moment reads a date or moment in one of the ways in which services write
// them.
func (e *encoding) moment(kind record.Kind, text string) ([]byte, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && e.date != isoDate {
		at := time.UnixMilli(n)
		if e.date == unixSeconds {
			at = time.Unix(n, 0)
		}
		return record.MomentOf(kind, at.UTC()).Data, true
	}
	if data, ok := record.AppendMoment(nil, kind, text); ok {
		return data, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999Z0700", "2006-01-02 15:04:05.999Z07:00", time.DateOnly} {
		at, err := time.Parse(layout, text)
		if midnight := at.UTC().Truncate(24 * time.Hour); err == nil && (kind != record.Date || at.Equal(midnight)) {
			return record.MomentOf(kind, at.UTC()).Data, true
		}
	}
	return nil, false
}
