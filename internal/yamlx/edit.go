package yamlx

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Edit replaces the bytes from Start to before End of a file by New. Where
// both are equal it inserts.
type Edit struct {
	Start, End int
	New        string
}

// Splice applies edits to a file. What no edit names stays as it is, byte by
// byte. The same edit twice is one; edits that overlap are an error.
func Splice(data []byte, edits []Edit) ([]byte, error) {
	sorted := Sorted(edits)
	var out bytes.Buffer
	at := 0
	for _, e := range sorted {
		if e.Start < at || e.End < e.Start || e.End > len(data) {
			return nil, fmt.Errorf("edit of the bytes %d to %d overlaps another one, or the file's end", e.Start, e.End)
		}
		out.Write(data[at:e.Start])
		out.WriteString(e.New)
		at = e.End
	}
	out.Write(data[at:])
	return out.Bytes(), nil
}

// Sorted gives edits by their place, each once.
func Sorted(edits []Edit) []Edit {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return a.End - b.End
	})
	return slices.Compact(sorted)
}

// Quote writes a text as a YAML scalar that every reader takes for a text: in
// double quotes, or in single ones where the text holds a double quote or a
// backslash.
func Quote(text string) string {
	if strings.ContainsAny(text, "\"\\") {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return `"` + text + `"`
}

// Block gives the whole lines that an entry of a map in block style takes up:
// from the start of its key's line to the end of the last line of its value,
// the line break included. Comments and empty lines behind it do not belong
// to it. ok is false where the key does not begin its line.
func (p Pair) Block(data []byte) (start, end int, ok bool) {
	if p.KeyEnd == 0 {
		return 0, 0, false
	}
	start = lineStart(data, p.KeyStart)
	indent := p.KeyStart - start
	if len(bytes.Trim(data[start:p.KeyStart], " ")) > 0 {
		return 0, 0, false
	}
	end = lineEnd(data, p.KeyStart)
	for at := end; at < len(data); {
		next := lineEnd(data, at)
		line := strings.TrimRight(string(data[at:next]), "\r\n")
		text := strings.TrimLeft(line, " ")
		depth := len(line) - len(text)
		switch {
		case strings.TrimSpace(text) == "":
		case depth > indent, depth == indent && p.Value != nil && p.Value.Kind == List && !p.Value.Flow && isItem(text):
			end = next
		case strings.HasPrefix(text, "#"): // it may stand within the value, or behind it
		default:
			return start, end, true
		}
		at = next
	}
	return start, end, true
}

func isItem(text string) bool { return text == "-" || strings.HasPrefix(text, "- ") }

// lineStart is where the line of a byte begins, behind the mark of the byte order.
func lineStart(data []byte, at int) int {
	start := bytes.LastIndexByte(data[:at], '\n') + 1
	if bom := []byte("\ufeff"); start == 0 && bytes.HasPrefix(data[:at], bom) {
		return len(bom)
	}
	return start
}

// lineEnd is where the line after the one of a byte begins.
func lineEnd(data []byte, at int) int {
	if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
		return at + n + 1
	}
	return len(data)
}

// Position gives the line and the column, in characters, of a byte; both 1-based.
func Position(data []byte, at int) (line, col int) {
	at = min(max(at, 0), len(data))
	return bytes.Count(data[:at], []byte("\n")) + 1, utf8.RuneCount(data[lineStart(data, at):at]) + 1
}

// Offset is Position the other way round: the byte of a line and a column. A
// column behind the end of its line is that end.
func Offset(data []byte, line, col int) int {
	at := 0
	for ; line > 1 && at < len(data); line-- {
		at = lineEnd(data, at)
	}
	at = max(at, lineStart(data, min(at+len("\ufeff"), len(data))))
	for ; col > 1 && at < len(data) && data[at] != '\n'; col-- {
		_, size := utf8.DecodeRune(data[at:])
		at += size
	}
	return at
}
