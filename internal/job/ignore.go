package job

import (
	"strings"
	"time"

	"exposync/internal/config"
	"exposync/internal/yamlx"
)

// Ignore is a finding that somebody decided to live with, for a reason.
type Ignore struct {
	Check  string    // a lint code or the name of a coverage dimension
	Reason string    // why
	Until  time.Time // the last day, in UTC; zero: for good
	Where  string    // file:line as far as known
}

// Over reports whether its time is over: on the day after Until.
func (i Ignore) Over(now time.Time) bool {
	return !i.Until.IsZero() && !now.Before(i.Until.AddDate(0, 0, 1))
}

// Ignores reads `exposync: {ignore: […]}` of a model's meta, as the manifest
// has it. What cannot be read is told in mistakes and ignores nothing.
func Ignores(meta []byte, where string) (out []Ignore, mistakes []string) {
	block := metaOf(meta).Get("exposync")
	if block.Get("ignore") == nil {
		return nil, nil
	}
	r := config.NewReader(block, "", func(path []string) config.Place {
		return config.Place{Where: where, Subject: config.Dotted(path)}
	})
	out = readIgnores(r)
	for _, f := range r.Problems() {
		mistakes = append(mistakes, f.Msg)
	}
	return out, mistakes
}

// readIgnores reads ignore: a list of checks with their reasons.
func readIgnores(r *config.Reader) []Ignore {
	n := r.Node("ignore")
	if n == nil {
		return nil
	}
	if n.Kind != yamlx.List {
		r.Fault("ignore", "setting_invalid", `write a list: ignore: [{check: NAME, reason: "…", until: "2027-01-31"}]`, "must be a list, not %s", n.Kind)
		return nil
	}
	var out []Ignore
	for i := range n.Items {
		item := r.Item("ignore", i)
		ignore := Ignore{Check: item.Text("check"), Reason: item.Text("reason"), Where: item.Place("").Where}
		if item.Node("check") == nil {
			item.Fault("", "setting_missing", "add `check:`, a lint code or the name of a coverage dimension", "check is missing")
		}
		if item.Node("reason") == nil {
			item.Fault("", "setting_missing", "add `reason:`, so that the next reader knows", "reason is missing")
		}
		var day bool
		ignore.Until, day = readUntil(item)
		item.Done()
		if day && strings.TrimSpace(ignore.Check) != "" && strings.TrimSpace(ignore.Reason) != "" {
			out = append(out, ignore)
		}
	}
	return out
}

// readUntil reads a day; zero if none is there. One that cannot be read is not
// ok: it must not last for good.
func readUntil(r *config.Reader) (day time.Time, ok bool) {
	n := r.Node("until")
	if n == nil {
		return time.Time{}, true
	}
	text, _ := n.Str()
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		r.Fault("until", "setting_invalid", `write a day in quotes, such as "2027-01-31"`, "is not a day%s", config.Trap(n))
	}
	return day, err == nil
}
