package dbtshow

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"exposync/internal/record"
)

// errGarbled says that rows could not be read. The message of the JSON reader
// is left out: it may quote a value.
var errGarbled = errors.New("what dbt printed as rows is not JSON, or ends early")

// table reads the rows that dbt prints: dbt 1.x as the object {"show": […]},
// over many lines; v2 as an array on one line.
type table struct {
	relation string
	columns  []column
	masked   bool
	keep     func(record.Record) error

	names [][3]string // of each column's cell in lower and upper case, and of its check
	row   record.Record
	buf   []byte
	rows  int64
	total int64 // rows that the warehouse counted
}

func (t *table) read(a answer) error {
	start, err := jsonStart(a)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(io.MultiReader(strings.NewReader(start), a.rest))
	dec.UseNumber()
	if err := t.open(dec); err != nil {
		return err
	}
	t.row = make(record.Record, len(t.columns))
	for i := range t.columns {
		n := strconv.Itoa(i)
		t.names = append(t.names, [3]string{"c" + n, "C" + n, "x" + n})
	}
	cells := map[string]any{}
	for dec.More() {
		clear(cells)
		if err := dec.Decode(&cells); err != nil {
			return errGarbled
		}
		if err := t.take(cells); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil { // the end of the array
		return errGarbled
	}
	if t.rows > 0 && t.rows != t.total {
		return fmt.Errorf("dbt printed %d rows, and the warehouse counted %d", t.rows, t.total)
	}
	return nil
}

// jsonStart passes what is no JSON, an error of dbt for instance, and gives
// the line that begins it.
func jsonStart(a answer) (string, error) {
	for {
		line, err := a.rest.ReadString('\n')
		line = clock().ReplaceAllString(line, "") // before 1.8 it stands before the first brace too
		bare := strings.TrimSpace(line)
		if bare == "{" || strings.HasPrefix(bare, `{"`) || strings.HasPrefix(bare, "[{") || bare == "[" || bare == "[]" {
			return line, nil
		}
		a.said.add(line)
		if err != nil {
			return "", errUnanswered
		}
	}
}

// clock matches the time that dbt writes before its messages, in colours.
func clock() *regexp.Regexp { return regexp.MustCompile(`^(\x1b\[[0-9;]*m)*\d\d:\d\d:\d\d\s+`) }

// open goes to the first row.
func (t *table) open(dec *json.Decoder) error {
	for {
		token, err := dec.Token()
		switch {
		case err != nil:
			return errGarbled
		case token == json.Delim('['):
			return nil
		case token != json.Delim('{') && token != "show":
			return errGarbled
		}
	}
}

// take makes a record of one row.
func (t *table) take(cells map[string]any) error {
	t.buf = t.buf[:0]
	for i, c := range t.columns {
		cell, ok := cells[t.names[i][0]]
		if !ok {
			if cell, ok = cells[t.names[i][1]]; !ok { // Snowflake and Oracle
				return errGarbled
			}
		}
		if c.form.check && count(cells, t.names[i][2]) != 0 {
			return lossy(t.relation, c)
		}
		text, null, err := t.text(cell)
		switch {
		case err != nil:
			return err
		case null:
			t.row[i] = record.Value{Kind: record.Null}
		default:
			t.row[i], t.buf = value(c.form, text, t.buf)
		}
	}
	t.rows++
	t.total = count(cells, "n")
	return t.keep(t.row)
}

// count reads a whole number; -1 if there is none.
func count(cells map[string]any, name string) int64 {
	cell, ok := cells[name]
	if !ok {
		cell = cells[strings.ToUpper(name)]
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(fmt.Sprint(cell), ".0"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// text is what SQL wrote. A masked text is one that dbt changed.
func (t *table) text(cell any) (text string, null bool, err error) {
	switch v := cell.(type) {
	case nil:
		return "", true, nil
	case string:
		text = v
	case json.Number:
		text = v.String()
	case bool:
		text = strconv.FormatBool(v)
	default:
		return "", false, errGarbled
	}
	if !t.masked {
		return text, false, nil
	}
	if strings.Contains(text, "*") {
		return "", false, masked(t.relation)
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "~1", "*"), "~0", "~"), false, nil
}
