package dbtshow

import (
	"fmt"
	"strings"
	"time"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// since is the condition of a lower bound; empty where the dialect has no
// literal that is certainly read as it is meant: then all rows come, and
// whoever reads leaves out what is below. A moment is lowered by a second and
// a number to a whole one, so that no rounding in the warehouse can lift the
// bound above a value that is equal to it.
func (d dialect) since(c column, from record.Value) string {
	if c.form.kind != from.Kind {
		return ""
	}
	if d.family == mysql {
		condition := warehouse.MySQLSince(d.name(c.Name), strings.ToLower(c.Type), warehouse.Since{From: from})
		if condition == "" {
			return ""
		}
		return " where " + condition
	}
	literal := d.boundary(from)
	if literal == "" {
		return ""
	}
	name := d.name(c.Name)
	return " where " + name + " >= " + literal + " or " + name + " is null"
}

func (d dialect) boundary(from record.Value) string {
	if from.Kind == record.Int || from.Kind == record.Decimal {
		return d.number64(string(from.Data))
	}
	typ := d.momentType(from.Kind)
	if typ == "" {
		return ""
	}
	if from.Kind != record.Date {
		lower, ok := record.Earlier(from, time.Second)
		if !ok {
			return ""
		}
		from = lower
	}
	text := string(from.Data)
	if len(text) < len("2006-01-02") || text[4] != '-' || strings.HasSuffix(text, "BC") {
		return "" // a year that not every dialect can write
	}
	text, _, _ = strings.Cut(strings.TrimSuffix(text, "Z"), ".")
	if d.family != snowflake {
		text = strings.Replace(text, "T", " ", 1)
	}
	if from.Kind == record.Instant {
		text += map[bool]string{true: " UTC", false: "+00:00"}[d.family == trino]
	}
	return fmt.Sprintf("cast('%s' as %s)", text, typ)
}

// momentType is the type to which a dialect's literal of a moment is cast;
// empty for dialects in which a session's settings may decide what it means.
func (d dialect) momentType(kind record.Kind) string {
	var timestamp, instant string
	switch d.family {
	case duckdb, postgres, redshift:
		timestamp, instant = "timestamp", "timestamptz"
	case snowflake:
		timestamp, instant = "timestamp_ntz", "timestamp_tz"
	case bigquery:
		timestamp, instant = "datetime", "timestamp"
	case spark:
		timestamp, instant = "timestamp_ntz", "timestamp"
	case trino:
		timestamp, instant = "timestamp(6)", "timestamp(6) with time zone"
	default:
		return ""
	}
	return map[record.Kind]string{record.Date: "date", record.Timestamp: timestamp, record.Instant: instant}[kind]
}

// number64 is the whole part of a number, lowered by one, where every dialect
// reads it as an integer; empty beyond that.
func (d dialect) number64(text string) string {
	const digits = 18
	whole, _, _ := strings.Cut(text, ".")
	lower, ok := record.Minus(record.Value{Kind: record.Int, Data: []byte(whole)}, 1)
	if !ok || len(whole) > digits {
		return ""
	}
	return string(lower.Data)
}

// place names what a read of q is kept under: a bounded read does not answer
// for all rows.
func place(q warehouse.Query) string {
	if q.Since.Column == "" {
		return q.Relation
	}
	return fmt.Sprintf("%s since %q %d %s", q.Relation, q.Since.Column, q.Since.From.Kind, q.Since.From.Data)
}
