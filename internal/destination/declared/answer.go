package declared

import (
	"bytes"
	"encoding/base64"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// truth evaluates a condition: a path must be there and not be null, false,
// zero or empty; with ! in front it must not. An empty path asks for the
// document itself.
func truth(doc gjson.Result, path string) bool {
	if negated, ok := strings.CutPrefix(path, "!"); ok {
		return !truth(doc, negated)
	}
	v := doc
	if path != "" {
		v = doc.Get(path)
	}
	switch v.Type {
	case gjson.Null, gjson.False:
		return false
	case gjson.True:
		return true
	case gjson.Number:
		return v.Num != 0
	case gjson.String:
		return v.Str != "" && v.Str != "false" && v.Str != "0"
	case gjson.JSON:
	}
	some := false
	v.ForEach(func(_, _ gjson.Result) bool {
		some = true
		return false
	})
	return some
}

// list gives the items of an array, or the value itself; nothing if it is not
// there.
func list(v gjson.Result) []gjson.Result {
	if v.IsArray() {
		return v.Array()
	}
	if !v.Exists() || v.Type == gjson.Null {
		return nil
	}
	return []gjson.Result{v}
}

// plain is the text of a scalar, as it was written; empty for anything else.
func plain(v gjson.Result) string {
	switch v.Type {
	case gjson.String:
		return v.Str
	case gjson.Number, gjson.True, gjson.False:
		return v.Raw
	case gjson.Null, gjson.JSON:
	}
	return ""
}

// whole reads a number that counts something.
func whole(v gjson.Result) (int, bool) {
	switch {
	case v.Type == gjson.Number && v.Num == math.Trunc(v.Num) && v.Num >= 0 && v.Num < 1<<31:
		return int(v.Num), true
	case v.Type == gjson.String:
		n, err := strconv.Atoi(v.Str)
		return n, err == nil && n >= 0
	}
	return 0, false
}

// pick gives the texts at several paths joined with "|;", lists flattened.
func pick(doc gjson.Result, paths string) []string {
	if paths == "" {
		return nil
	}
	var out []string
	for path := range strings.SplitSeq(paths, "|;") {
		for _, v := range list(doc.Get(path)) {
			for _, inner := range list(v) {
				if text := plain(inner); text != "" {
					out = append(out, text)
				}
			}
		}
	}
	return out
}

func join(texts []string, by string) string { return strings.Join(texts, by) }

// The longest texts of others that are kept.
const (
	longestMessage = 300
	longestCode    = 64
)

// hide takes secrets and record values out of codes and messages: services
// like to repeat what they do not like.
func (j *judge) hide(out []destination.Outcome) {
	shared := len(out) > 1 && out[0].Message != "" && out[0].Message == out[len(out)-1].Message
	var done map[string]string // texts that came with several records
	if shared {
		done = map[string]string{}
	}
	for i := range out {
		o := &out[i]
		if o.State == destination.OK {
			o.Code, o.Message = "", ""
			continue
		}
		if ours, ok := j.s.op.codes[o.Code]; ok {
			o.Code = ours
		}
		if !status(o.Code) { // which stands where the service has no code of its own
			o.Code = short(j.mask(o.Code, i, i+1), longestCode)
		}
		text, known := done[o.Message]
		if !known {
			from, to := i, i+1
			if shared {
				from, to = 0, len(out) // it may speak of any of them
			}
			text = short(j.mask(o.Message, from, to), longestMessage)
			if shared {
				done[o.Message] = text
			}
		}
		o.Message = text
	}
}

// status reports whether a code is that of HTTP.
func status(code string) bool {
	n, err := strconv.Atoi(code)
	return err == nil && len(code) == 3 && n >= 100 && n < 600
}

func (j *judge) mask(text string, from, to int) string {
	if text == "" {
		return ""
	}
	text = j.s.d.hideSecrets(text)
	for _, at := range j.at[from:to] {
		ch := &j.batch[at]
		for _, values := range []record.Record{ch.KeyVals, ch.Values} {
			for _, v := range values {
				text = maskValue(text, v)
			}
		}
	}
	return text
}

// hideSecrets takes the connection's secrets and tokens out of a text.
func (d *Destination) hideSecrets(text string) string {
	for _, s := range d.secrets {
		text = strings.ReplaceAll(text, s, "***")
	}
	for _, s := range d.creds.secrets() {
		text = strings.ReplaceAll(text, s, "***")
	}
	return text
}

// maskValue hides one value. Short values are ordinary words and digits, so
// they count only where they stand in quotes or, from two letters, alone.
func maskValue(text string, v record.Value) string {
	s := string(v.Data)
	if len(s) == 0 || len(s) > len(text) || !strings.Contains(text, s) {
		return text
	}
	if len(s) >= 5 && v.Kind != record.Bool {
		return strings.ReplaceAll(text, s, "***")
	}
	var b strings.Builder
	for {
		i := strings.Index(text, s)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		before, after := text[:i], text[i+len(s):]
		b.WriteString(before)
		if stands(before, after, len(s) > 1 && v.Kind != record.Bool) {
			b.WriteString("***")
		} else {
			b.WriteString(s)
		}
		text = after
	}
}

// stands reports whether a value stands for itself between before and after.
func stands(before, after string, alone bool) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	if quote(last) && quote(first) {
		return true
	}
	return alone && !word(last) && !word(first)
}

func quote(r rune) bool { return strings.ContainsRune("\"'`“”‘’«»", r) }

func word(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || (r > 127 && r != utf8.RuneError)
}

// short cuts a text at a letter and makes it one line.
func short(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// collectSecrets lists what no message may repeat: the values of secret
// parameters and all that stands in auth and headers.
func (d *Destination) collectSecrets(a auth) []string {
	found := append([]string(nil), d.cfg.Secrets...)
	for _, p := range d.spec.params {
		if p.Secret {
			found = append(found, d.cfg.Params[p.Name])
		}
	}
	var texts []string
	for _, key := range authKeys() {
		if !slices.Contains(openAuthKeys(), key) {
			texts = append(texts, a.get(key))
		}
	}
	for _, h := range d.spec.headers {
		texts = append(texts, h.text)
	}
	for _, t := range texts {
		if text, err := d.values.text(t); err == nil {
			found = append(found, text)
		}
	}
	if _, value := d.creds.static(); strings.HasPrefix(value, "Basic ") {
		found = append(found, strings.TrimPrefix(value, "Basic "))
	}
	return formsOf(found)
}

// shortestSecret is the length below which a secret is a word like others.
const shortestSecret = 6

// formsOf lists secrets in every way in which a request carries them, and a
// service repeats them: the longest first, since one may be part of another.
func formsOf(secrets []string) []string {
	var out []string
	add := func(s string) {
		if len(s) >= shortestSecret && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, s := range secrets {
		for line := range strings.Lines(s) { // of a key in PEM form any line says too much
			if line = strings.TrimSpace(line); strings.Contains(s, "\n") && !strings.HasPrefix(line, "-----") {
				add(line)
			}
		}
		if len(s) < shortestSecret {
			continue
		}
		quoted, _ := record.AppendJSONText(nil, s) // what is no text is in no answer
		quoted = bytes.Trim(quoted, `"`)
		for _, form := range []string{
			s, strings.TrimSpace(s), url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), string(quoted),
			strings.NewReplacer("&", `\u0026`, "<", `\u003c`, ">", `\u003e`).Replace(string(quoted)),
		} {
			add(form)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out
}
