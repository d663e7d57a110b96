package yamlx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"exposync/internal/fault"
)

// Parse reads the first document of a YAML file. Anchors, aliases and merge
// keys are resolved. An empty file is a null node. What is not YAML is a
// fault with code yaml_syntax, a key that stands twice one with code
// yaml_duplicate_key; both name file and line and no text of the file.
func Parse(file string, data []byte) (*Node, error) {
	docs, err := documents(file, data, 1)
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return &Node{Kind: Null, Line: 1, Col: 1}, nil
	}
	return docs[0], nil
}

// ParseAll reads every document of a YAML file, as Parse does.
func ParseAll(file string, data []byte) ([]*Node, error) {
	return documents(file, data, -1)
}

// documents reads up to limit documents; all of them where limit is negative.
func documents(file string, data []byte, limit int) ([]*Node, error) {
	src, text := &lineReader{rest: bytes.TrimPrefix(data, []byte("\ufeff"))}, newSource(data)
	dec := yaml.NewDecoder(src)
	var out []*Node
	for len(out) != limit {
		var doc yaml.Node
		err := decode(dec, &doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, syntaxFault(file, src, err)
		}
		n, err := convert(file, text, &doc)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// decode reads one document. The library panics on a few inputs that it
// should refuse; no file of a user may end the program.
func decode(dec *yaml.Decoder, doc *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errUnreadable
		}
	}()
	return dec.Decode(doc)
}

var errUnreadable = errors.New("yaml: not readable as YAML")

// lineReader hands out one line at a time, so that an error can be placed
// where the library stopped reading: it names only the start of the enclosing
// block, which can be hundreds of lines above.
type lineReader struct {
	rest  []byte
	line  []byte // what is left of the current line
	text  string // the current line, whole
	count int    // its number, 1-based
	ended bool
}

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.line) == 0 {
		if len(r.rest) == 0 {
			r.ended = true
			return 0, io.EOF
		}
		end := bytes.IndexByte(r.rest, '\n') + 1
		if end == 0 {
			end = len(r.rest)
		}
		r.line, r.rest = r.rest[:end], r.rest[end:]
		r.text, r.count = string(r.line), r.count+1
	}
	n := copy(p, r.line)
	r.line = r.line[n:]
	return n, nil
}

// syntaxFault says where the document stops being YAML.
func syntaxFault(file string, src *lineReader, err error) error {
	msg, start := splitMessage(err.Error())
	f := &fault.Fault{
		Code: "yaml_syntax", Kind: fault.Config, Whose: fault.Setup,
		Where: fmt.Sprintf("%s:%d", file, max(src.count, 1)),
		Msg:   "not valid YAML: " + msg, Hint: lineHint(src.text),
	}
	unclosed := strings.Contains(msg, "end of stream") || strings.HasPrefix(msg, "did not find expected")
	if src.ended && unclosed && start > 0 {
		f.Where = fmt.Sprintf("%s:%d", file, start)
		f.Hint = "look for a quote, bracket or brace that is opened here and never closed"
	}
	return f
}

// lineHint knows the mistakes that people make most.
func lineHint(line string) string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	_, value, _ := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	switch {
	case strings.Contains(indent, "\t"):
		return "indent with spaces: YAML does not allow tabs"
	case strings.Contains(value, "{{"), strings.Contains(value, "{%"):
		return `put quotes around Jinja: "{{ … }}"`
	case strings.HasPrefix(value, "@"), strings.HasPrefix(value, "`"), strings.HasPrefix(value, "%"):
		return "put quotes around a value that starts with " + value[:1]
	case strings.Contains(value, ": "):
		return "put quotes around a value that holds a colon and a space"
	}
	return "look at this line and those above: indentation, quotes, a missing space after a colon"
}

// splitMessage takes the prefix and line number off the library's message.
// Of a parser's error the number is one too small.
func splitMessage(text string) (msg string, line int) {
	m := regexp.MustCompile(`^yaml: (?:line (\d+): )?`).FindStringSubmatch(text)
	if m == nil {
		return text, 0
	}
	msg = text[len(m[0]):]
	if m[1] == "" {
		return msg, 0
	}
	if line, _ = strconv.Atoi(m[1]); strings.HasPrefix(msg, "did not find expected") {
		line++
	}
	return msg, line
}
