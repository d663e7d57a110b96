package sqlite

import (
	"context"
	"math/big"
	"strings"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// since is the condition that leaves rows below the bound out; empty for none.
// A column of SQLite holds values of any class and texts of any form, so the
// condition names what is left out, form by form; whatever it does not know
// comes. Moments in a zone are not left out at all.
func (s *Snapshot) since(ctx context.Context, q warehouse.Query) (string, error) {
	if q.Since.Column == "" {
		return "", nil
	}
	columns, _, err := s.pick(ctx, q.Relation, []string{q.Since.Column})
	if err != nil {
		return "", err
	}
	from := q.Since.From
	if columns[0].Kind != from.Kind {
		return "", nil
	}
	pattern := belowPattern(from.Kind)
	literal := literalOf(from)
	if pattern == "" || literal == "" {
		return "", nil
	}
	below := strings.NewReplacer("%c", "(+"+quote(q.Since.Column)+")", "%v", literal)
	return " where (" + below.Replace(pattern) + ") is not true", nil
}

// belowPattern is true of values that are below the bound %v, of the column
// %c. A plus keeps the column's affinity and collation out of it.
func belowPattern(kind record.Kind) string {
	switch kind {
	case record.Int, record.Decimal:
		return "typeof(%c) = 'integer' and %c < %v"
	case record.Date:
		return "typeof(%c) = 'text' and date(%c) = %c and %c >= '0001' and %c < %v"
	case record.Timestamp:
		return "typeof(%c) = 'text' and datetime(substr(%c, 1, 19)) = replace(substr(%c, 1, 19), 'T', ' ')" +
			" and (length(%c) = 19 or length(%c) between 21 and 26 and substr(%c, 20, 1) = '.' and substr(%c, 21) not glob '*[^0-9]*')" +
			" and %c >= '0001' and substr(%c, 12, 2) < '24'" +
			" and replace(substr(%c, 1, 19), 'T', ' ') < %v"
	default:
		return ""
	}
}

// literalOf writes the bound: a moment lowered to whole seconds, a number
// rounded up to a whole one, below which the same integers are. It is empty
// for what SQLite cannot compare.
func literalOf(from record.Value) string {
	text := string(from.Data)
	switch from.Kind {
	case record.Int, record.Decimal:
		return wholeOf(text)
	case record.Date, record.Timestamp:
		if len(text) < len("2006-01-02") || text[4] != '-' || strings.HasSuffix(text, "BC") {
			return ""
		}
		text, _, _ = strings.Cut(strings.Replace(text, "T", " ", 1), ".")
		return "'" + text + "'"
	default:
		return ""
	}
}

// wholeOf rounds a number up to a whole one: the same integers are below both.
func wholeOf(text string) string {
	number, ok := new(big.Rat).SetString(text)
	if !ok {
		return ""
	}
	up := new(big.Int).Neg(new(big.Int).Div(new(big.Int).Neg(number.Num()), number.Denom()))
	if !up.IsInt64() {
		return ""
	}
	return up.String()
}
