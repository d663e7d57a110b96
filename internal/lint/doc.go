package lint

import (
	"bytes"
	"path"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// doc is one YAML file. Where the file is not YAML, what the scan of its lines
// knows to mend is mended first: one mistake hides the next from a parser.
type doc struct {
	path  string
	text  []byte // as it is
	mends []mend
	read  []byte      // the text that root was read from
	root  *yamlx.Node // nil where even that is not YAML
	err   fault.List  // why not
}

// mend is a mistake for which the file is not YAML.
type mend struct {
	code    string
	at      int // byte of text
	message string
	edits   []yamlx.Edit
}

// Read remembers files by their names and texts, for a Check behind another
// one of nearly the same files.
type Read struct{ docs map[string]*doc }

func (r *Read) doc(file string, text []byte) *doc {
	if r == nil {
		return newDoc(file, text)
	}
	if d := r.docs[file]; d != nil && bytes.Equal(d.text, text) {
		return d
	}
	if r.docs == nil {
		r.docs = map[string]*doc{}
	}
	r.docs[file] = newDoc(file, text)
	return r.docs[file]
}

func newDoc(file string, text []byte) *doc {
	d := &doc{path: file, text: text, read: text}
	var err error
	if d.root, err = yamlx.Parse(file, text); err == nil {
		return d
	}
	d.root = nil
	d.mends = scan(text)
	if len(d.mends) > 0 {
		if read, ok := d.corrected(); ok {
			d.read = read
			d.root, err = yamlx.Parse(file, read)
		}
	}
	if err != nil {
		d.root, d.err = nil, fault.All(err)
	}
	return d
}

// corrected is the text with everything mended that the scan found.
func (d *doc) corrected() ([]byte, bool) {
	var edits []yamlx.Edit
	for _, m := range d.mends {
		edits = append(edits, m.edits...)
	}
	out, err := yamlx.Splice(d.text, edits)
	return out, err == nil
}

// original gives the byte of the file that a byte of the text that was read
// comes from; exact is false for one that a mend put there.
func (d *doc) original(at int) (was int, exact bool) {
	var edits []yamlx.Edit
	for _, m := range d.mends {
		edits = append(edits, m.edits...)
	}
	shift := 0 // how much further along a byte is in the text that was read
	for _, e := range yamlx.Sorted(edits) {
		begin := e.Start + shift
		if at < begin {
			break
		}
		if at < begin+len(e.New) {
			return e.Start, at == begin
		}
		shift += len(e.New) - (e.End - e.Start)
	}
	return at - shift, true
}

// place puts a finding at a byte of the text that was read.
func (d *doc) place(f *Finding, at int) {
	was, _ := d.original(at)
	f.File = d.path
	f.Line, f.Col = yamlx.Position(d.text, was)
}

// at is a finding at a node; one of which no position is known is at the
// beginning of the file.
func (d *doc) at(n *yamlx.Node, subject, message, fix string) Finding {
	f := Finding{Finding: plan.Finding{Subject: subject, Message: message, Fix: fix, File: d.path}}
	if n != nil && n.Line > 0 {
		d.place(&f, n.Start)
	}
	return f
}

// atPair is a finding at the key of an entry.
func (d *doc) atPair(p yamlx.Pair, subject, message, fix string) Finding {
	f := d.at(nil, subject, message, fix)
	if p.KeyEnd > 0 || p.KeyStart > 0 {
		d.place(&f, p.KeyStart)
	} else {
		f.Line, f.Col = p.Line, p.Col
	}
	return f
}

// edit lets a finding replace bytes of the text that was read. Those that a
// mend has changed are left to the next round.
func (d *doc) edit(f Finding, edits ...yamlx.Edit) Finding {
	for _, e := range edits {
		start, fine := d.original(e.Start)
		end, too := d.original(e.End)
		if !fine || !too || end-start != e.End-e.Start {
			f.Edits = nil
			return f
		}
		f.Edits = append(f.Edits, Edit{File: d.path, Edit: yamlx.Edit{Start: start, End: end, New: e.New}})
	}
	return f
}

// pair is the entry of a map with its places; ok is false where there is none.
func pair(n *yamlx.Node, key string) (p yamlx.Pair, ok bool) {
	if n == nil {
		return yamlx.Pair{}, false
	}
	for _, p := range n.Pairs {
		if p.Key == key {
			return p, true
		}
	}
	return yamlx.Pair{}, false
}

func isYAML(file string) bool {
	ext := strings.ToLower(path.Ext(file))
	return ext == ".yml" || ext == ".yaml"
}

// pairsOf are the entries of a map; none of anything else.
func pairsOf(n *yamlx.Node) []yamlx.Pair {
	if n == nil {
		return nil
	}
	return n.Pairs
}
