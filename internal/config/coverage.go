package config

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/yamlx"
)

// Coverage is what a project asks of its coverage. What is nil or zero was not
// written.
type Coverage struct {
	Weights   map[string]float64   // by dimension
	FailUnder map[string]Threshold // by dimension, or "total"
	Required  map[string]string    // dimensions that may not be n/a, with where that is written
	ViewDepth int                  // views on views that are let through
	// EnumColumns are patterns of names of columns that hold one of a few words.
	EnumColumns []string
}

// Threshold is the least share that is asked for.
type Threshold struct {
	Share float64 // 0 to 1
	Where string  // file:line, or the flag
}

// Dimensions are the names of coverage's dimensions, a to m.
func Dimensions() []string {
	return []string{
		"exports", "targets", "bound", "hosted", "described", "keys", "parity",
		"values", "documented", "fresh", "evidence", "views", "mapped",
	}
}

func readCoverage(r *Reader) Coverage {
	c := Coverage{FailUnder: readFailUnder(r), ViewDepth: readViewDepth(r), EnumColumns: readEnumColumns(r)}
	weights := r.Map("weights")
	for name := range weights.Entries() {
		if w, ok := weights.number(name, "a weight of 0 or more"); ok && weights.oneOf(name, name, Dimensions()) {
			set(&c.Weights, name, w)
		}
	}
	for _, name := range r.Texts("required") {
		if r.oneOf("required", name, Dimensions()) {
			set(&c.Required, name, r.Place("required").Where)
		}
	}
	r.Done()
	return c
}

// readFailUnder reads one share for the total, or a map with one for each
// dimension.
func readFailUnder(r *Reader) (out map[string]Threshold) {
	if n := r.Node("fail_under"); n != nil && n.Kind != yamlx.Map {
		if share, ok := r.percent("fail_under"); ok {
			set(&out, "total", Threshold{share, r.Place("fail_under").Where})
		}
		return out
	}
	limits := r.Map("fail_under")
	for name := range limits.Entries() {
		if share, ok := limits.percent(name); ok && limits.oneOf(name, name, append(Dimensions(), "total")) {
			set(&out, name, Threshold{share, limits.Place(name).Where})
		}
	}
	return out
}

func readViewDepth(r *Reader) int {
	if !r.Has("view_depth") {
		return 0
	}
	d, ok := r.number("view_depth", "a whole number of 1 or more")
	if ok && (d < 1 || d != math.Trunc(d)) {
		r.Fault("view_depth", "setting_invalid", "", "must be a whole number of 1 or more")
	}
	return int(d)
}

func readEnumColumns(r *Reader) []string {
	if r.Node("enum_columns") == nil {
		return nil
	}
	patterns := r.Texts("enum_columns")
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			r.Fault("enum_columns", "setting_invalid", `write it as "*_status"`, "%q is no pattern of column names", p)
		}
	}
	return patterns
}

func set[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

// oneOf reports a name that is none of the known ones.
func (r *Reader) oneOf(key, name string, known []string) bool {
	if slices.Contains(known, name) {
		return true
	}
	r.Fault(key, "setting_invalid", "known here: "+strings.Join(known, ", "), "there is no dimension %q%s", name, suggestion(name, known))
	return false
}

// number reads a number that is not negative.
func (r *Reader) number(key, what string) (float64, bool) {
	text, ok := r.Node(key).Scalar()
	v, err := strconv.ParseFloat(text, 64)
	if !ok || err != nil || v < 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		r.Fault(key, "setting_invalid", "", "must be %s", what)
		return 0, false
	}
	return v, true
}

// percent reads 80, 80% or 99.5 as a share.
func (r *Reader) percent(key string) (float64, bool) {
	text, ok := r.Node(key).Scalar()
	share, good := ParsePercent(text)
	if !ok || !good {
		r.Fault(key, "setting_invalid", "", "must be a percentage from 0 to 100, such as 80")
	}
	return share, ok && good
}

// ParsePercent reads 80, 80% or 99.5 as a share of 1.
func ParsePercent(text string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(text), "%"), 64)
	if err != nil || !(v >= 0 && v <= 100) {
		return 0, false
	}
	return v / 100, true
}

// ParseFailUnder reads what stands behind --fail-under: 80 for the total, or
// keys=100,parity=50. The flag may be repeated.
func ParseFailUnder(flags []string) (map[string]Threshold, error) {
	var out map[string]Threshold
	for _, flag := range flags {
		for part := range strings.SplitSeq(flag, ",") {
			name, text, named := strings.Cut(strings.TrimSpace(part), "=")
			if !named {
				name, text = "total", name
			}
			share, ok := ParsePercent(text)
			if !ok {
				return nil, failUnderFault("--fail-under " + part + ": write a percentage from 0 to 100, such as 80 or keys=100")
			}
			if known := append(Dimensions(), "total"); !slices.Contains(known, name) {
				return nil, failUnderFault("--fail-under " + part + ": there is no dimension " + strconv.Quote(name) + suggestion(name, known))
			}
			set(&out, name, Threshold{share, "--fail-under"})
		}
	}
	return out, nil
}

func failUnderFault(msg string) error {
	return &fault.Fault{
		Code: "usage", Kind: fault.Config, Whose: fault.User, Msg: msg,
		Hint: "exposync coverage --fail-under 80,keys=100",
	}
}
