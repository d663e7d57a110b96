package file

import (
	"os"
	"regexp"
	"strings"
	"time"
)

const timeLayout = "20060102T150405.000Z"

// final gives the name that the file gets: that of the newest file of the
// object if it holds the same lines, else a new one that sorts behind it.
func (w *writer) final(digest string) (string, error) {
	entries, err := os.ReadDir(w.folder.config.Dir)
	if err != nil {
		return "", err
	}
	at := w.folder.config.Now().UTC().Truncate(time.Millisecond)
	newest, same, names := time.Time{}, "", w.names()
	for _, e := range entries {
		m := names.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		made, err := time.Parse(timeLayout, m[names.SubexpIndex("time")])
		if err != nil || made.Before(newest) {
			continue
		}
		newest, same = made, ""
		if m[names.SubexpIndex("digest")] == digest {
			same = e.Name()
		}
	}
	if same != "" {
		return same, nil
	}
	if !at.After(newest) { // two runs within a millisecond, or a clock that went back
		at = newest.Add(time.Millisecond)
	}
	name := strings.NewReplacer("{object}", w.object, "{time}", at.Format(timeLayout), "{digest}", digest).Replace(w.folder.config.Pattern)
	return name + "." + string(w.folder.config.Format), nil
}

// names matches the names of the object's files.
func (w *writer) names() *regexp.Regexp {
	pattern := regexp.QuoteMeta(w.folder.config.Pattern)
	pattern = strings.NewReplacer(
		`\{object\}`, regexp.QuoteMeta(w.object), `\{time\}`, `(?P<time>[0-9T.]+Z)`, `\{digest\}`, `(?P<digest>[0-9a-f]{16})`,
	).Replace(pattern)
	return regexp.MustCompile("^" + pattern + regexp.QuoteMeta("."+string(w.folder.config.Format)) + "$")
}
