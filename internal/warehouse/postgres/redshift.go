package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Amazon Redshift speaks PostgreSQL's protocol and the SQL of its version
// 8.0. It is read with simple queries, whose values are texts, and SQL that
// its manual has: no arrays as parameters, no unnest, no binary results.

// OIDs of types that Redshift has alone.
const (
	superOID     uint32 = 4000
	varbyteOID   uint32 = 6551
	geometryOID  uint32 = 3000
	geographyOID uint32 = 3001
)

// beginRedshift opens the transaction. Redshift isolates transactions from
// each other whatever they ask for; the select settles what this one sees.
// Floats are written with all digits.
func (s *Snapshot) beginRedshift(ctx context.Context, c Config) error {
	statements := []string{
		"begin isolation level serializable read only",
		"set local datestyle to 'ISO'",
		"set local extra_float_digits to 2",
	}
	if c.Role != "" {
		statements = append(statements, "set role "+quote(c.Role))
	}
	for _, sql := range append(statements, "select 1") {
		if _, err := s.pg.Exec(ctx, sql).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

// redshiftColumn decides how a column is read from the texts that the server
// writes.
func redshiftColumn(f pgconn.FieldDescription) column {
	name := quote(f.Name)
	c := column{expression: name, compare: name}
	c.Name, c.Type, c.Kind, c.decode = f.Name, redshiftType(f), record.Text, decodeText
	switch f.DataTypeOID {
	case 16: // its text is t or f; Redshift casts none
		c.Kind, c.decode = record.Bool, readText(record.Bool, readBool)
	case 20, 21, 23, 26:
		c.Kind, c.decode = record.Int, readText(record.Int, record.AppendDecimal[[]byte])
	case numericOID:
		c.Kind, c.decode = record.Decimal, readText(record.Decimal, record.AppendDecimal[[]byte])
	case 700: // 8 digits are not enough for it, 17 are for the double of the same value
		c.expression += "::float8"
		c.compare = c.expression
		c.Kind, c.decode, c.bits = record.Float, readFloat(32), 32
	case 701:
		c.Kind, c.decode, c.bits = record.Float, readFloat(64), 64
	case 1082, 1114, 1184:
		c.Kind = map[uint32]record.Kind{1082: record.Date, 1114: record.Timestamp, 1184: record.Instant}[f.DataTypeOID]
		kind := c.Kind
		c.decode = readText(kind, func(dst, text []byte) ([]byte, bool) { return record.AppendMoment(dst, kind, text) })
	case 1083:
		c.Kind, c.decode = record.Time, readText(record.Time, readTime)
	case 17: // PostgreSQL's bytea
		c.Kind, c.decode, c.compare = record.Bytes, readText(record.Bytes, readHex), ""
	case varbyteOID:
		c.expression = "from_varbyte(" + name + ", 'hex')"
		c.Kind, c.decode, c.compare = record.Bytes, readText(record.Bytes, readHex), ""
	case superOID:
		c.expression = "json_serialize(" + name + ")"
		c.Kind, c.decode, c.compare = record.JSON, decodeJSON, ""
	case jsonOID, 3802:
		c.Kind, c.decode, c.compare = record.JSON, decodeJSON, ""
	case 19, textOID, 1042, 1043:
	default: // its own text, and none that SQL would compare
		c.compare = ""
	}
	return c
}

// redshiftType names a type for messages.
func redshiftType(f pgconn.FieldDescription) string {
	names := map[uint32]string{
		16: "boolean", 17: "bytea", 19: "name", 20: "bigint", 21: "smallint", 23: "integer", 25: "text", 26: "oid", jsonOID: "json",
		700: "real", 701: "double precision", 1042: "character", 1043: "character varying", 1082: "date",
		1083: "time without time zone", 1114: "timestamp without time zone", 1184: "timestamp with time zone",
		1266: "time with time zone", numericOID: "numeric", 2950: "uuid", 3802: "jsonb",
		superOID: "super", varbyteOID: "varbyte", geometryOID: "geometry", geographyOID: "geography",
	}
	name, known := names[f.DataTypeOID]
	if !known {
		return "type " + strconv.FormatUint(uint64(f.DataTypeOID), 10)
	}
	const header = 4 // what a modifier counts beside the length
	if m := f.TypeModifier - header; f.TypeModifier >= 0 {
		switch f.DataTypeOID {
		case numericOID:
			return fmt.Sprintf("%s(%d,%d)", name, m>>16, m&0xffff)
		case 1042, 1043:
			return fmt.Sprintf("%s(%d)", name, m)
		}
	}
	return name
}

// readText reads a text as its column's type says. One that is not as
// expected stays a text, which a destination can refuse for that record alone.
func readText(kind record.Kind, read func(dst, text []byte) ([]byte, bool)) decodeFunc {
	return func(raw, buf []byte) (record.Value, []byte, error) {
		out, ok := read(buf, raw)
		if !ok {
			return decodeText(raw, buf)
		}
		return appended(kind, buf, out)
	}
}

func readBool(dst, text []byte) ([]byte, bool) {
	switch string(text) {
	case "t", "true":
		return append(dst, "true"...), true
	case "f", "false":
		return append(dst, "false"...), true
	}
	return dst, false
}

func readFloat(bits int) decodeFunc {
	return readText(record.Float, func(dst, text []byte) ([]byte, bool) {
		v, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return dst, false
		}
		return record.AppendFloat(dst, v, bits), true
	})
}

func readTime(dst, text []byte) ([]byte, bool) {
	if string(text) == "24:00:00" {
		return record.AppendTime(dst, microsPerDay), true
	}
	micros, ok := record.ParseTime(text)
	return record.AppendTime(dst, micros), ok
}

func readHex(dst, text []byte) ([]byte, bool) {
	text = []byte(strings.TrimPrefix(string(text), `\x`))
	out, err := hex.AppendDecode(dst, text)
	return out, err == nil
}

// simple yields the rows of a simple query, as read does of the extended
// protocol.
func (s *Snapshot) simple(
	ctx context.Context, relation string, columns []column, sql string,
) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		if err := s.skip(ctx); err != nil {
			yield(nil, readFault(ctx, relation, err))
			return
		}
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer context.AfterFunc(ctx, cancel)()
		results := s.pg.Exec(own, sql)
		s.unread = &reading{result: results, cancel: cancel}
		rows := newDecoder(columns)
		for results.NextResult() {
			for result := results.ResultReader(); result.NextRow(); {
				r, err := rows.decode(result.Values())
				if err != nil {
					yield(nil, warehouse.Broken(ctx, relation, err))
					return
				}
				if !yield(r, nil) {
					return
				}
			}
		}
		err := results.Close()
		s.unread = nil
		cancel()
		if err = errors.Join(err, ctx.Err()); err != nil {
			yield(nil, readFault(ctx, relation, err))
		}
	}
}

// describeRedshift learns the columns of a relation by selecting no row of it.
func (s *Snapshot) describeRedshift(ctx context.Context, relation string) ([]column, error) {
	if err := s.skip(ctx); err != nil {
		return nil, readFault(ctx, relation, err)
	}
	results := s.pg.Exec(ctx, "select * from "+relation+" limit 0")
	var columns []column
	for results.NextResult() {
		for _, f := range slices.Clone(results.ResultReader().FieldDescriptions()) {
			f.Name = strings.Clone(f.Name)
			columns = append(columns, redshiftColumn(f))
		}
	}
	if err := results.Close(); err != nil {
		return nil, describeFault(ctx, relation, err)
	}
	s.relations[relation] = columns
	return columns, nil
}

// someKeys is how many keys one statement has: each is a scan, and Redshift
// takes statements of 16 MB.
const (
	someKeys     = 10_000
	maxStatement = 8 << 20
)

// fetchRedshift asks for each part of the keys by itself, which gives rows of
// other combinations too; those are left out here.
func (s *Snapshot) fetchRedshift(
	ctx context.Context, q warehouse.Query, columns, parts []column, keys []record.Key, yield func(record.Record, error) bool,
) {
	if slices.ContainsFunc(parts, func(c column) bool { return c.compare == "" }) {
		warehouse.Match(s.Rows(ctx, q), q, keys)(yield)
		return
	}
	head := "select " + expressions(columns) + " from " + q.Relation + " where "
	for len(keys) > 0 {
		where, n, err := redshiftCondition(parts, keys)
		if err != nil {
			yield(nil, fmt.Errorf("fetch from %s by key: %w", q.Relation, err))
			return
		}
		for r, err := range warehouse.Match(s.simple(ctx, q.Relation, columns, head+where), q, keys[:n]) {
			if !yield(r, err) || err != nil {
				return
			}
		}
		keys = keys[n:]
	}
}

// redshiftCondition writes the condition for as many keys as fit, and says how
// many those are.
func redshiftCondition(parts []column, keys []record.Key) (where string, n int, err error) {
	lists, size := make([][]byte, len(parts)), 0
	var values record.Record
	for n < len(keys) && n < someKeys && size < maxStatement {
		if values, err = keys[n].AppendValues(values[:0]); err != nil {
			return "", 0, err
		}
		if len(values) != len(parts) {
			return "", 0, errors.New("a key has another number of parts than the query")
		}
		size = 0
		for i, v := range values {
			if v.Kind == record.Null || v.Kind == record.Absent {
				return "", 0, errors.New("a part of a key is null")
			}
			if n > 0 {
				lists[i] = append(lists[i], ',')
			}
			lists[i] = appendLiteral(lists[i], parts[i], v)
			size += len(lists[i])
		}
		n++
	}
	conditions := make([]string, len(parts))
	for i, p := range parts {
		conditions[i] = p.compare + " in (" + string(lists[i]) + ")"
	}
	return strings.Join(conditions, " and "), n, nil
}

// appendLiteral writes a part of a key. A backslash in a literal means itself
// in PostgreSQL and not in Redshift, so it is written as a call.
func appendLiteral(dst []byte, c column, v record.Value) []byte {
	text := string(v.Data)
	switch c.Kind {
	case record.Float:
		if f, err := strconv.ParseFloat(text, c.bits); err == nil { // of 4 bytes: as the double it is compared as
			text = strconv.FormatFloat(f, 'g', -1, 64)
		}
		return fmt.Appendf(dst, "cast('%s' as float8)", strings.ReplaceAll(text, "'", "''"))
	case record.Text:
		return append(dst, strings.ReplaceAll("'"+strings.ReplaceAll(text, "'", "''")+"'", `\`, `'||chr(92)||'`)...)
	default:
	}
	return fmt.Appendf(dst, "cast('%s' as %s)", strings.ReplaceAll(strings.ReplaceAll(text, "'", "''"), `\`, ""), c.Type)
}
