package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"exposync/internal/fault"
)

// A code that people see has a page, so that `exposync explain CODE` never
// comes back empty-handed.
func TestEveryCodeHasAPage(t *testing.T) {
	t.Parallel()
	raised := map[string]string{} // code -> a place
	for dir, files := range packages(t) {
		if strings.HasPrefix(filepath.ToSlash(dir), "sandbox/facade") {
			continue // the codes of vendors, in their own answers
		}
		for code, place := range newCodeFinder(files).find() {
			raised[code] = filepath.Join(dir, place)
		}
	}
	for _, known := range []string{"guard_deletes", "first_run", "key_changed", "plan_stale", "not_in_run", "yaml_syntax", "locked", "column_missing", "usage"} {
		if raised[known] == "" {
			t.Errorf("the search does not find %s any more: it looks at the wrong places", known)
		}
	}
	for code, place := range raised {
		page, ok := fault.Explain(code)
		switch {
		case !ok:
			t.Errorf("%s raises %q, which has no page: add it to a table in internal/fault", place, code)
		case page.Title == "" || page.Means == "" || page.Next == "":
			t.Errorf("the page of %q is not complete: %+v", code, page)
		}
	}
}

// A code means one thing: two tables with the same one would hide a page.
func TestNoCodeIsInTwoTables(t *testing.T) {
	t.Parallel()
	codes := fault.Codes()
	for i := 1; i < len(codes); i++ {
		if codes[i] == codes[i-1] {
			t.Errorf("%q is defined by two tables of internal/fault", codes[i])
		}
	}
	for _, c := range codes {
		if strings.Trim(c, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			t.Errorf("%q is not snake_case", c)
		}
	}
}

// packages parses what is not a test, by folder.
func packages(t *testing.T) map[string][]*ast.File {
	t.Helper()
	out := map[string][]*ast.File{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		out[filepath.Dir(path)] = append(out[filepath.Dir(path)], file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// inward are packages whose helpers take codes that no person looks up: notes
// for --debug, and answers of the sandbox to programs, in its own words and in vendors'.
func inward(name string) bool { return name == "dbt" || name == "sandbox" || name == "facade" }

// codeFinder looks for codes in one package: in literals of the types that
// carry one, and in what is passed on or returned as `code`.
type codeFinder struct {
	files   []*ast.File
	consts  map[string]string
	takes   map[string]int // function -> place of its parameter `code`
	found   map[string]string
	current string
}

func newCodeFinder(files []*ast.File) *codeFinder {
	f := &codeFinder{files: files, consts: map[string]string{}, takes: map[string]int{}, found: map[string]string{}}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if i < len(n.Values) {
						if s, ok := literal(n.Values[i]); ok {
							f.consts[name.Name] = s
						}
					}
				}
			case *ast.FuncDecl:
				f.learn(n.Name.Name, n.Type)
			case *ast.AssignStmt:
				if fn, ok := n.Rhs[0].(*ast.FuncLit); ok && len(n.Lhs) == 1 {
					if name, ok := n.Lhs[0].(*ast.Ident); ok {
						f.learn(name.Name, fn.Type)
					}
				}
			}
			return true
		})
	}
	return f
}

func (f *codeFinder) learn(name string, fn *ast.FuncType) {
	if at := slices.Index(names(fn.Params), "code"); at >= 0 {
		f.takes[name] = at
	}
}

func names(list *ast.FieldList) []string {
	var out []string
	if list != nil {
		for _, field := range list.List {
			for _, n := range field.Names {
				out = append(out, n.Name)
			}
		}
	}
	return out
}

func (f *codeFinder) find() map[string]string {
	for _, file := range f.files {
		f.current = file.Name.Name
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				f.composite(n)
			case *ast.CallExpr:
				if at, ok := f.takes[last(n.Fun)]; ok && !inward(f.current) && at < len(n.Args) {
					f.keep(n.Args[at])
				}
			case *ast.FuncDecl:
				if f.current != "facade" { // codes of vendors
					f.returns(n)
				}
			}
			return true
		})
	}
	return f.found
}

// composite looks into literals that carry a code, alone or in a list.
func (f *codeFinder) composite(n *ast.CompositeLit) {
	typ := n.Type
	if a, ok := typ.(*ast.ArrayType); ok {
		typ = a.Elt
	}
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	if !slices.Contains([]string{"Fault", "List", "Hold", "Reason"}, last(typ)) && (f.current != "rest" || last(typ) != "Error") {
		return
	}
	lits := []*ast.CompositeLit{n}
	for _, e := range n.Elts {
		if inner, ok := e.(*ast.CompositeLit); ok {
			lits = append(lits, inner)
		}
	}
	for _, l := range lits {
		for _, e := range l.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok && last(kv.Key) == "Code" {
				f.keep(kv.Value)
			}
		}
	}
}

// returns looks at functions that say their result is a code.
func (f *codeFinder) returns(n *ast.FuncDecl) {
	at := slices.Index(names(n.Type.Results), "code")
	if at < 0 || n.Body == nil {
		return
	}
	ast.Inspect(n.Body, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok && at < len(r.Results) {
			f.keep(r.Results[at])
		}
		return true
	})
}

func (f *codeFinder) keep(e ast.Expr) {
	code, ok := literal(e)
	if !ok {
		code, ok = f.consts[last(e)]
	}
	if ok && code != "" && (code[0] < '0' || code[0] > '9') { // an SQLSTATE is the database's own
		f.found[code] = f.current
	}
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

// last is the last part of a name: Fault of fault.Fault.
func last(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
