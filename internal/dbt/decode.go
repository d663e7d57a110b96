package dbt

import (
	"bytes"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// The file's text is one string of up to hundreds of megabytes. Whatever is
// kept is copied out of it, or a name of ten bytes would keep it all.

// str gives a string, a number as written or a boolean; "" for the rest.
func str(v gjson.Result) string {
	switch v.Type {
	case gjson.String:
		return strings.Clone(v.Str)
	case gjson.Number, gjson.True, gjson.False:
		return strings.Clone(v.Raw)
	case gjson.Null, gjson.JSON:
	}
	return ""
}

// strs gives a list of strings, or the one string that stands in its place.
func strs(v gjson.Result) []string {
	if !v.IsArray() {
		if one := str(v); one != "" {
			return []string{one}
		}
		return nil
	}
	var out []string
	v.ForEach(func(_, item gjson.Result) bool {
		if s := str(item); s != "" {
			out = append(out, s)
		}
		return true
	})
	return out
}

// truth gives a boolean, also one that is written as text.
func truth(v gjson.Result) bool {
	return v.Type == gjson.True || v.Type == gjson.String && strings.EqualFold(v.Str, "true")
}

// when reads dbt's timestamps: with Z, with an offset, or without a zone,
// which means UTC; up to nanoseconds; or a date. Zero if it is none of these.
func when(v gjson.Result) time.Time {
	text := strings.Replace(v.String(), " ", "T", 1)
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700", time.DateOnly,
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func stringMap(v gjson.Result) map[string]string {
	out := map[string]string{}
	if v.IsObject() {
		v.ForEach(func(key, value gjson.Result) bool {
			out[strings.Clone(key.Str)] = str(value)
			return true
		})
	}
	return out
}

// overlay gives meta as dbt means it: meta, overlaid by config.meta key by
// key. Keys keep their order, values their text; nil if there is no key.
func overlay(meta, config gjson.Result) []byte {
	type entry struct{ key, value string }
	var entries []entry
	at := map[string]int{}
	for _, object := range []gjson.Result{meta, config} {
		if !object.IsObject() {
			continue
		}
		object.ForEach(func(key, value gjson.Result) bool {
			i, known := at[key.Str]
			if !known {
				i = len(entries)
				at[key.Str] = i
				entries = append(entries, entry{key: key.Raw})
			}
			entries[i].value = value.Raw
			return true
		})
	}
	if len(entries) == 0 {
		return nil
	}
	var b bytes.Buffer
	for i, e := range entries {
		if i == 0 {
			b.WriteByte('{')
		} else {
			b.WriteByte(',')
		}
		b.WriteString(e.key)
		b.WriteByte(':')
		b.WriteString(e.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// union joins lists, each text once, in the order of their first standing.
func union(lists ...[]string) []string {
	var out []string
	seen := map[string]bool{}
	for _, list := range lists {
		for _, s := range list {
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// freshness reads {"warn_after": {"count": 24, "period": "hour"}, …}.
func freshness(v gjson.Result) Freshness {
	return Freshness{WarnAfter: period(v.Get("warn_after")), ErrorAfter: period(v.Get("error_after"))}
}

func period(v gjson.Result) time.Duration {
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	return time.Duration(v.Get("count").Int()) * unit[v.Get("period").String()]
}
