package dbt

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/fault"
)

// dbt writes its artifacts in place, so a reader can meet half of one: what
// does not read well is read again, after a pause.
const (
	readAgain = 3
	readPause = 200 * time.Millisecond
)

// artifact is one file, read whole and proven to be a JSON object.
type artifact struct {
	file   string
	digest string // sha256 of the bytes on disk, hexadecimal
	text   string

	sections map[string]gjson.Result // by top-level key; filled by check
}

// load reads an artifact of a kind: manifest, run-results, sources, catalog.
func load(ctx context.Context, path, kind string) (*artifact, error) {
	for try := 0; ; try++ {
		a, err := read(path, os.Stat)
		if err == nil {
			err = a.check(kind)
		}
		if err == nil || try == readAgain || fault.Is(err, "artifact_missing") || fault.Is(err, "artifact_wrong_kind") {
			return a, err
		}
		pause := time.NewTimer(readPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, fmt.Errorf("read %s: %w", path, ctx.Err())
		}
	}
}

// read reads the file and makes sure that it did not change meanwhile.
func read(path string, stat func(string) (fs.FileInfo, error)) (*artifact, error) {
	before, err := stat(path)
	if err != nil {
		return nil, openFault(path, err)
	}
	if !before.Mode().IsRegular() {
		return nil, artifactFault("artifact_invalid", path, "not a file", nil)
	}
	if before.Size() == 0 {
		return nil, artifactFault("artifact_empty", path, "the file is empty", nil)
	}
	a, err := readFile(path, before.Size())
	if err != nil {
		return nil, err
	}
	after, err := stat(path)
	if err != nil {
		return nil, openFault(path, err)
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return nil, artifactFault("artifact_truncated", path, "the file is being written", nil)
	}
	return a, nil
}

func readFile(path string, size int64) (*artifact, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, openFault(path, err)
	}
	defer func() { _ = f.Close() }() // only read
	digest := sha256.New()
	src := bufio.NewReaderSize(io.TeeReader(f, digest), 1<<18)
	var in io.Reader = src
	if magic, _ := src.Peek(2); string(magic) == "\x1f\x8b" { // too short: no gzip
		zip, err := gzip.NewReader(src)
		if err != nil {
			return nil, zipFault(path, err)
		}
		in, size = zip, 4*size
	}
	var text strings.Builder
	text.Grow(int(min(size, 1<<30)))
	if _, err := io.Copy(&text, in); err != nil {
		return nil, zipFault(path, err)
	}
	if _, err := io.Copy(io.Discard, src); err != nil { // what follows the zipped part counts for the digest
		return nil, openFault(path, err)
	}
	return &artifact{
		file: path, digest: hex.EncodeToString(digest.Sum(nil)), text: strings.TrimPrefix(text.String(), "\ufeff"),
	}, nil
}

// check proves that the text is a JSON object of that kind.
func (a *artifact) check(kind string) error {
	switch head := strings.TrimLeft(a.text, " \t\r\n"); {
	case head == "":
		return artifactFault("artifact_empty", a.file, "the file is empty", nil)
	case strings.HasPrefix(a.text, "\xff\xfe"), strings.HasPrefix(a.text, "\xfe\xff"):
		return artifactFault("artifact_invalid", a.file, "the file is UTF-16, as PowerShell's > writes it", nil)
	case head[0] == '<':
		return artifactFault("artifact_wrong_kind", a.file, "the file is a web page, perhaps of a login", nil)
	case strings.ContainsRune(head[:min(len(head), 512)], 0):
		return artifactFault("artifact_invalid", a.file, "the file is binary", nil)
	case head[0] != '{':
		return artifactFault("artifact_invalid", a.file, "the file is not a JSON object", nil)
	}
	if tooDeep(a.text) {
		return artifactFault("artifact_invalid", a.file, "the JSON is nested too deeply", nil)
	}
	if !gjson.Valid(a.text) {
		return a.syntaxFault()
	}
	a.sections = map[string]gjson.Result{}
	gjson.Parse(a.text).ForEach(func(key, value gjson.Result) bool {
		a.sections[key.Str] = value
		return true
	})
	if has, _ := a.schema(); has != "" && has != kind {
		return artifactFault("artifact_wrong_kind", a.file, fmt.Sprintf("this is a %s file, not %s", has, kind), nil)
	}
	return nil
}

// schema gives kind and version of metadata.dbt_schema_version, such as
// https://schemas.getdbt.com/dbt/manifest/v12.json; "" and 0 if the file says
// nothing that is known.
func (a *artifact) schema() (kind string, version int) {
	url := a.sections["metadata"].Get("dbt_schema_version").String()
	m := regexp.MustCompile(`/(manifest|run-results|sources|catalog)/v(\d+)\.json$`).FindStringSubmatch(url)
	if m == nil {
		return "", 0
	}
	version, _ = strconv.Atoi(m[2]) // more digits than fit: not a version that is known
	return m[1], version
}

// syntaxFault tells a file that ends early from one that is broken.
func (a *artifact) syntaxFault() error {
	var skip struct{}
	err := json.Unmarshal([]byte(a.text), &skip)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && syntax.Offset < int64(len(strings.TrimRight(a.text, " \t\r\n"))) {
		msg := fmt.Sprintf("not valid JSON at byte %d of %d", syntax.Offset, len(a.text))
		return artifactFault("artifact_invalid", a.file, msg, nil)
	}
	return artifactFault("artifact_truncated", a.file, "the file ends early: dbt is writing it, or was stopped", nil)
}

// nestingLimit is what encoding/json allows too; dbt nests about ten levels.
const nestingLimit = 10_000

// tooDeep guards the recursion of the JSON library, which has no limit of its
// own: eight million levels end the program. Only a text with very many
// brackets can nest that deep.
func tooDeep(text string) bool {
	const harmless = 1 << 21
	if strings.Count(text, "{")+strings.Count(text, "[") < harmless {
		return false
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += quoted(text[i:]) - 1
		case '{', '[':
			if depth++; depth > nestingLimit {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// quoted gives the length of the string that text starts with, quotes
// included; all of text if it never ends.
func quoted(text string) int {
	for end := 1; ; end++ {
		next := strings.IndexByte(text[end:], '"')
		if next < 0 {
			return len(text)
		}
		end += next
		before := text[1:end]
		if escapes := len(before) - len(strings.TrimRight(before, `\`)); escapes%2 == 0 {
			return end + 1
		}
	}
}

func openFault(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return artifactFault("artifact_missing", path, "the file does not exist", nil)
	}
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err // the path is said already
	}
	return artifactFault("artifact_invalid", path, "the file cannot be read", err)
}

func zipFault(path string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return artifactFault("artifact_truncated", path, "the zipped file ends early", nil)
	}
	return artifactFault("artifact_invalid", path, "the zipped file cannot be read", err)
}

func artifactFault(code, path, msg string, err error) error {
	hint := "run dbt again, then this command"
	switch code {
	case "artifact_missing":
		hint = "run dbt build first, or say where its target folder is: --target-path DIR"
	case "artifact_wrong_kind":
		hint = "check the path: exposync explain artifact_wrong_kind"
	}
	return &fault.Fault{Code: code, Kind: fault.Config, Whose: fault.DBT, Where: path, Msg: msg, Hint: hint, Err: err}
}
