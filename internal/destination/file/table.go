package file

import (
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"exposync/internal/destination"
	"exposync/internal/record"
)

const (
	groupBytes = 16 << 20 // of the values of a row group, which are in memory
	groupRows  = 200_000

	// Decimals have a fixed number of digits, as BigQuery's numeric has it: a
	// warehouse's numeric may have any, and one that does not fit is a reject.
	precision, scale = 38, 9
	decimalBytes     = 16
)

// table is a Parquet file: a column for each field, all of them optional.
type table struct {
	layout // of the lines that identify records

	columns []tableColumn
	schema  *parquet.Schema
	rows    []parquet.Row
	size    int // of rows, then of the row group
	file    *parquet.GenericWriter[any]
}

type tableColumn struct {
	name string
	kind record.Kind
}

func newTable(l layout, t destination.Target) *table {
	l.format = NDJSON
	out := &table{layout: l}
	group, fields := parquet.Group{}, slices.Concat(t.Key, t.Fields)
	for i, name := range l.columns {
		c := tableColumn{name: name, kind: record.Text}
		if i < len(fields) {
			c.kind = fields[i].Kind
		}
		out.columns = append(out.columns, c)
		group[name] = parquet.Optional(c.node())
	}
	out.schema = parquet.NewSchema("exposync", inOrder{group, l.columns})
	return out
}

// inOrder is a group whose fields keep their order; the library sorts them.
type inOrder struct {
	parquet.Group

	names []string
}

func (g inOrder) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.names, a.Name()) - slices.Index(g.names, b.Name())
	})
	return fields
}

// node is the type of a column. JSON is text: not every reader knows more.
func (c tableColumn) node() parquet.Node {
	switch c.kind {
	case record.Bool:
		return parquet.Leaf(parquet.BooleanType)
	case record.Int:
		return parquet.Int(64) //nolint:mnd // bits
	case record.Float:
		return parquet.Leaf(parquet.DoubleType)
	case record.Decimal:
		return parquet.Decimal(scale, precision, parquet.FixedLenByteArrayType(decimalBytes))
	case record.Bytes:
		return parquet.Leaf(parquet.ByteArrayType)
	case record.Date:
		return parquet.Date()
	case record.Time:
		return parquet.TimeAdjusted(parquet.Microsecond, false)
	case record.Timestamp:
		return parquet.TimestampAdjusted(parquet.Microsecond, false)
	case record.Instant:
		return parquet.TimestampAdjusted(parquet.Microsecond, true)
	default:
	}
	return parquet.String()
}

func (t *table) header() []byte { return []byte(t.schema.String() + "\n") }

func (t *table) begin(to io.Writer) error {
	t.file = parquet.NewGenericWriter[any](to, t.schema, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(groupRows),
		parquet.CreatedBy("exposync", "1", ""))
	return nil
}

// add keeps a record until write; it appends the line that identifies it.
func (t *table) add(dst []byte, ch record.Change) ([]byte, string) {
	start := len(dst)
	dst, reason := t.line(dst, ch)
	if reason != "" {
		return dst, reason
	}
	values := t.values(ch)
	row := make(parquet.Row, len(values))
	for i, v := range values {
		cell, reason := t.columns[i].value(v)
		if reason != "" {
			return dst[:start], "field " + t.columns[i].name + ": " + reason
		}
		level := 1
		if cell.IsNull() {
			level = 0
		}
		row[i] = cell.Level(0, level, i)
	}
	t.rows, t.size = append(t.rows, row), t.size+len(dst)-start
	return dst, ""
}

func (t *table) write([]byte) error {
	_, err := t.file.WriteRows(t.rows)
	t.rows = t.rows[:0]
	if err == nil && t.size >= groupBytes {
		t.size = 0
		err = t.file.Flush()
	}
	return err
}

func (t *table) end() error { return t.file.Close() }

// value is a cell, or the reason why the column cannot hold it exactly.
func (c tableColumn) value(v record.Value) (parquet.Value, string) {
	if v.Kind == record.Absent || v.Kind == record.Null {
		return parquet.NullValue(), ""
	}
	switch c.kind {
	case record.Bool:
		if s := string(v.Data); s == "true" || s == "false" {
			return parquet.BooleanValue(s == "true"), ""
		}
	case record.Int:
		if n, err := strconv.ParseInt(string(v.Data), 10, 64); err == nil {
			return parquet.Int64Value(n), ""
		}
	case record.Float:
		if f, err := strconv.ParseFloat(string(v.Data), 64); err == nil {
			return parquet.DoubleValue(f), ""
		}
	case record.Decimal:
		return decimal(v.Data)
	case record.Date, record.Time, record.Timestamp, record.Instant:
		return c.moment(v)
	default:
		return parquet.ByteArrayValue(v.Data), ""
	}
	return parquet.Value{}, "the value does not fit a column of kind " + c.kind.String()
}

func (c tableColumn) moment(v record.Value) (parquet.Value, string) {
	text, bad := string(v.Data), "the value is no "+c.kind.String()+" that Parquet can hold"
	switch c.kind {
	case record.Date:
		if days, ok := record.ParseDate(text); ok && days >= math.MinInt32 && days <= math.MaxInt32 {
			return parquet.Int32Value(int32(days)), ""
		}
	case record.Time:
		if micros, ok := record.ParseTime(text); ok {
			return parquet.Int64Value(micros), ""
		}
	default:
		if micros, zoned, ok := record.ParseTimestamp(text); ok && zoned == (c.kind == record.Instant) {
			return parquet.Int64Value(micros), ""
		}
	}
	return parquet.Value{}, bad
}

// decimal is a number as a whole one of 10^-9, in two's complement.
func decimal(text []byte) (parquet.Value, string) {
	const bad = "the number has more than 29 digits before or more than 9 after the point: cast it in the export model"
	plain, ok := record.AppendDecimal(nil, text)
	whole, fraction, _ := strings.Cut(string(plain), ".")
	n, parsed := new(big.Int).SetString(whole+fraction+strings.Repeat("0", max(0, scale-len(fraction))), 10)
	if !ok || !parsed || len(fraction) > scale {
		return parquet.Value{}, bad
	}
	if limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(precision), nil); n.CmpAbs(limit) >= 0 { //nolint:mnd // digits
		return parquet.Value{}, bad
	}
	if n.Sign() < 0 {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), 8*decimalBytes)) //nolint:mnd // bits of a byte
	}
	return parquet.FixedLenByteArrayValue(n.FillBytes(make([]byte, decimalBytes))), ""
}
