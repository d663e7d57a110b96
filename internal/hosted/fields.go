package hosted

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// What tools write is read leniently where that cannot mislead: an id as
// number or as text, a count in quotes, a time in one of many forms. What is
// none of these is not there.

// text reads a text or a whole number; "" for everything else.
func text(v gjson.Result) string {
	switch v.Type {
	case gjson.String:
		return v.Str
	case gjson.Number:
		if strings.ContainsAny(v.Raw, ".eE") {
			if n, ok := whole(v.Num); ok {
				return strconv.FormatInt(n, 10)
			}
			return ""
		}
		return v.Raw // as written: a long id has more digits than a float
	default:
		return ""
	}
}

// runID reads the id of a run that was started; "" where a number stands in its
// place that numbers no run.
func runID(v gjson.Result) string {
	if id := text(v); strings.Trim(id, "0") != "" && !strings.HasPrefix(id, "-") {
		return id
	}
	return ""
}

// count reads a number of rows; nil if there is none.
func count(v gjson.Result) *int64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(text(v)), 64)
	if i, ok := whole(n); err == nil && ok && i >= 0 {
		return &i
	}
	return nil
}

// mind makes a success with refused rows partial. A number of refused rows that
// is told and cannot be read proves no success either.
func (r *Run) mind(refused ...gjson.Result) {
	if r.State != Succeeded {
		return
	}
	for _, v := range refused {
		if v.Type != gjson.Null && v.Raw != `""` && count(v) == nil {
			r.State, r.Rows.Failed = Partial, nil
			return
		}
	}
	if some(r.Rows.Failed) {
		r.State = Partial
	}
}

func whole(f float64) (int64, bool) {
	if math.IsNaN(f) || math.Abs(f) > 1<<53 || f != math.Trunc(f) {
		return 0, false
	}
	return int64(f), true
}

// sum adds the counts that are told; nil if none is.
func sum(counts ...*int64) *int64 {
	var out *int64
	for _, c := range counts {
		if c == nil {
			continue
		}
		if out == nil {
			out = new(int64)
		}
		*out += *c
	}
	return out
}

// larger gives the larger of the counts that are told.
func larger(a, b *int64) *int64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

// some reports whether a count is told and not zero.
func some(c *int64) bool { return c != nil && *c > 0 }

// moment reads a time; zero for null and for what is none. A time without a
// zone is UTC.
func moment(v gjson.Result) time.Time {
	if v.Type == gjson.Number {
		n, ok := whole(v.Num)
		switch {
		case !ok || n <= 0:
			return time.Time{}
		case n > 1e11:
			return time.UnixMilli(n).UTC()
		}
		return time.Unix(n, 0).UTC()
	}
	if v.Type != gjson.String {
		return time.Time{}
	}
	said := strings.TrimSpace(v.Str)
	for _, layout := range layouts() {
		if t, err := time.Parse(layout, said); err == nil && t.Year() > 1970 {
			return t.UTC()
		}
	}
	return time.Time{}
}

func layouts() []string {
	return []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999 MST",
		"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999", time.RFC1123, time.RFC1123Z,
	}
}

// part is one part of a path.
func part(id string) string { return url.PathEscape(id) }

// digits reports whether an id is a number as tools count.
func digits(id string) bool {
	return id != "" && len(id) <= 19 && strings.Trim(id, "0123456789") == ""
}

// uuid reports whether an id has the form of a UUID.
func uuid(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i, r := range strings.ToLower(id) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdef", r) {
			return false
		}
	}
	return true
}
