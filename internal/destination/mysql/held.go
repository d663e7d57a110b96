package mysql

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// Held says how the columns keep values that they take but do not keep as
// they are: float has 24 bits, char loses trailing spaces, binary is padded,
// enum spells a label its own way. All else is kept, or refused.
func (m *MySQL) Held(ctx context.Context, t destination.Target, records []record.Record) ([]record.Record, error) {
	s, err := m.check(ctx, t)
	if err != nil {
		return nil, err
	}
	out := make([]record.Record, len(records))
	for i, r := range records {
		out[i] = s.held(r)
	}
	return out, nil
}

func (s *shape) held(r record.Record) record.Record {
	if len(r) != len(s.fields) {
		return r
	}
	out := slices.Clone(r)
	for i, v := range r {
		if v.Kind != record.Absent && v.Kind != record.Null {
			out[i] = canonical(s.fields[i].Kind, s.fields[i].column, s.fields[i].column.held(v))
		}
	}
	return out
}

// held is the text that the column gives for a value: see column.read.
func (c column) held(v record.Value) []byte {
	switch c.family() {
	case integers, bits, decimals:
		return c.heldNumber(v)
	case floats:
		if f, err := strconv.ParseFloat(string(v.Data), c.bits()); err == nil {
			return strconv.AppendFloat(nil, f, 'g', -1, 64)
		}
	case texts:
		if c.base == "char" {
			return bytes.TrimRight(v.Data, " ")
		}
	case binaries:
		data := bytes.Clone(v.Data)
		for c.base == "binary" && len(data) < c.bytes {
			data = append(data, 0)
		}
		return appendHex(data)
	case dates, times, moments:
		text := strings.TrimSuffix(strings.Replace(string(v.Data), "T", " ", 1), "Z")
		if c.family() == moments && v.Kind == record.Date {
			text += " 00:00:00"
		}
		return []byte(text)
	case others:
		for _, label := range c.labels {
			if strings.EqualFold(label, string(v.Data)) {
				return []byte(label)
			}
		}
	default:
	}
	return v.Data
}

func (c column) heldNumber(v record.Value) []byte {
	switch {
	case v.Kind == record.Bool && string(v.Data) == "true":
		return []byte("1")
	case v.Kind == record.Bool:
		return []byte("0")
	}
	out, ok := record.AppendDecimal(nil, v.Data)
	if !ok {
		return v.Data
	}
	if c.family() == decimals && c.scale > 0 { // as text it has all its digits
		whole, fraction, _ := strings.Cut(string(out), ".")
		out = []byte(whole + "." + fraction + strings.Repeat("0", max(0, c.scale-len(fraction))))
	}
	return out
}

func appendHex(data []byte) []byte {
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, 2*len(data)) //nolint:mnd // two digits a byte
	for _, b := range data {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return out
}

// same reports whether a row holds just these values, as its columns keep
// them.
func (s *shape) same(values, row record.Record) bool {
	if len(values) != len(row) {
		return false
	}
	for i, v := range s.held(values) {
		if v.Kind != record.Absent && (v.Kind == record.Null) != (row[i].Kind == record.Null) {
			return false
		}
		if v.Kind != record.Absent && !bytes.Equal(v.Data, row[i].Data) {
			return false
		}
	}
	return true
}
