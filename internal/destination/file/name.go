package file

import (
	"context"
	"regexp"
	"strings"
	"time"
)

const timeLayout = "20060102T150405.000Z"

// final gives the name that the file gets: that of the newest file of the
// object if it holds the same records, else a new one that sorts behind it. In
// a place that this user may not look into, every file is new.
func (w *writer) final(ctx context.Context, digest string) (string, error) {
	at := w.files.config.Now().UTC().Truncate(time.Millisecond)
	newest, same, names := time.Time{}, "", w.names()
	err := w.files.place.names(ctx, w.prefix(), func(name string) {
		m := names.FindStringSubmatch(name)
		if m == nil {
			return
		}
		made, err := time.Parse(timeLayout, m[names.SubexpIndex("time")])
		if err != nil || made.Before(newest) {
			return
		}
		newest, same = made, ""
		if m[names.SubexpIndex("digest")] == digest {
			same = name
		}
	})
	if err != nil {
		return "", err
	}
	if same != "" {
		return same, nil
	}
	if !at.After(newest) { // two runs within a millisecond, or a clock that went back
		at = newest.Add(time.Millisecond)
	}
	name := strings.NewReplacer("{object}", w.object, "{time}", at.Format(timeLayout), "{digest}", digest).Replace(w.files.config.Pattern)
	return name + "." + string(w.files.config.Format), nil
}

// prefix is what the names of the object's files begin with.
func (w *writer) prefix() string {
	pattern := w.files.config.Pattern
	pattern = pattern[:min(strings.Index(pattern, "{time}"), strings.Index(pattern, "{digest}"))]
	return strings.Replace(pattern, "{object}", w.object, 1)
}

// names matches the names of the object's files.
func (w *writer) names() *regexp.Regexp {
	pattern := regexp.QuoteMeta(w.files.config.Pattern)
	pattern = strings.NewReplacer(
		`\{object\}`, regexp.QuoteMeta(w.object), `\{time\}`, `(?P<time>[0-9T.]+Z)`, `\{digest\}`, `(?P<digest>[0-9a-f]{16})`,
	).Replace(pattern)
	return regexp.MustCompile("^" + pattern + regexp.QuoteMeta("."+string(w.files.config.Format)) + "$")
}
