package postgres

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// since adds the lower bound to a statement that selects all rows. The bound
// is a parameter of a type that the column compares with as it stands, so an
// index on the column serves both branches.
func (s *Snapshot) since(ctx context.Context, q warehouse.Query, st *statement) error {
	if q.Since.Column == "" {
		return nil
	}
	columns, err := s.pick(ctx, q.Relation, []string{q.Since.Column})
	if err != nil {
		return err
	}
	c := columns[0]
	typ := boundType(q.Since.From)
	if typ == 0 || c.Kind != q.Since.From.Kind {
		return nil
	}
	st.sql += " where " + c.expression + " >= $1 or " + c.expression + " is null"
	st.values, st.types = [][]byte{q.Since.From.Data}, []uint32{typ}
	return nil
}

// sinceRedshift is the condition of a bounded read for Redshift, as a literal
// of a type that no setting reads otherwise; empty for none.
func (s *Snapshot) sinceRedshift(ctx context.Context, q warehouse.Query) (string, error) {
	if q.Since.Column == "" {
		return "", nil
	}
	columns, err := s.pick(ctx, q.Relation, []string{q.Since.Column})
	if err != nil {
		return "", err
	}
	c := columns[0]
	bound, ok := q.Since.Bound()
	if !ok || c.Kind != q.Since.From.Kind {
		return "", nil
	}
	typ := map[record.Kind]string{record.Date: "date", record.Timestamp: "timestamp", record.Instant: "timestamptz"}[c.Kind]
	switch c.Kind {
	case record.Int, record.Decimal:
		const digits = 18
		if len(bound) > digits || len(bound) > wholeDigits(c.Type) {
			return "", nil // Redshift fails where a number fits the other's type no more
		}
		typ = "bigint"
	case record.Instant:
		bound += "+00"
	default:
	}
	return " where " + c.expression + " >= cast('" + bound + "' as " + typ + ") or " + c.expression + " is null", nil
}

// wholeDigits is how many digits a numeric(p,s) has before the point; of
// other types, as many as there may be.
func wholeDigits(typ string) int {
	var precision, scale int
	if n, _ := fmt.Sscanf(typ, "numeric(%d,%d)", &precision, &scale); n < 2 { //nolint:mnd // both
		return math.MaxInt
	}
	return precision - scale
}

// boundType is the type of a bound, which reads its canonical text; 0 if it
// has none.
func boundType(v record.Value) uint32 {
	const int8OID, dateOID, timestampOID, timestamptzOID = 20, 1082, 1114, 1184
	switch v.Kind {
	case record.Int:
		if _, err := strconv.ParseInt(string(v.Data), 10, 64); err != nil {
			return numericOID
		}
		return int8OID
	case record.Decimal:
		return numericOID
	case record.Date:
		return dateOID
	case record.Timestamp:
		return timestampOID
	case record.Instant:
		return timestamptzOID
	default:
		return 0
	}
}
