package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the demo's warehouse

	"exposync/fixtures"
	"exposync/internal/dbt"
)

// shop is the demo's dbt project on disk. It plays dbt: it runs the SQL that
// real dbt compiled and puts down the artifacts that real dbt wrote, moved to
// this moment.
type shop struct {
	dir string
	now func() time.Time
	id  func() string
	db  *sql.DB
}

// unpack writes the project, fills the raw tables and opens the warehouse.
func unpackShop(ctx context.Context, dir string, env *Env) (*shop, error) {
	s := &shop{dir: dir, now: env.Now, id: env.NewID}
	if err := s.files(); err != nil {
		return nil, err
	}
	var err error
	if s.db, err = sql.Open("sqlite", filepath.Join(dir, "shop.sqlite")); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(1)
	return s, s.seed(ctx)
}

// files copies the project, with the profile where dbt looks first and a
// sandbox as the target's destination.
func (s *shop) files() error {
	root := "dbt/shop"
	err := fs.WalkDir(fixtures.Shop, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fixtures.Shop.ReadFile(p)
		if err != nil {
			return err
		}
		return s.write(strings.TrimPrefix(p, root+"/"), data)
	})
	if err != nil {
		return err
	}
	profile, err := fixtures.Shop.ReadFile(root + "/profiles/sqlite/profiles.yml")
	if err != nil {
		return err
	}
	if err := s.write("profiles.yml", profile); err != nil {
		return err
	}
	return s.write("exposync.yml", []byte("# Every connection of this target goes to the local sandbox.\ntargets:\n  prod: sandbox\n"))
}

func (s *shop) write(name string, data []byte) error {
	p := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		return err
	}
	return os.WriteFile(p, data, 0o600)
}

// seed fills a table from every CSV file, as `dbt seed` does.
func (s *shop) seed(ctx context.Context) error {
	files, err := fs.Glob(fixtures.Shop, "dbt/shop/seeds/*.csv")
	if err != nil {
		return err
	}
	raw, err := fs.Glob(fixtures.Shop, "dbt/shop/seeds/raw/*.csv")
	if err != nil {
		return err
	}
	for _, name := range slices.Concat(files, raw) {
		data, err := fixtures.Shop.ReadFile(name)
		if err != nil {
			return err
		}
		rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if err := s.table(ctx, strings.TrimSuffix(path.Base(name), ".csv"), rows); err != nil {
			return err
		}
	}
	return nil
}

func (s *shop) table(ctx context.Context, name string, rows [][]string) error {
	columns, marks := make([]string, len(rows[0])), make([]string, len(rows[0]))
	for i, c := range rows[0] {
		columns[i], marks[i] = fmt.Sprintf("%q", c), "?"
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("create table %q (%s)", name, strings.Join(columns, ", "))); err != nil {
		return err
	}
	insert := fmt.Sprintf("insert into %q values (%s)", name, strings.Join(marks, ", ")) //nolint:gosec // the names of our own seeds
	for _, row := range rows[1:] {
		values := make([]any, len(row))
		for i, cell := range row {
			values[i] = cellValue(cell)
		}
		if _, err := tx.ExecContext(ctx, insert, values...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// cellValue types a CSV cell as dbt's seeds do: empty is null, digits are a
// number.
func cellValue(cell string) any {
	if cell == "" {
		return nil
	}
	if n, err := strconv.ParseInt(cell, 10, 64); err == nil && (cell == "0" || cell[0] != '0' && cell[0] != '+') {
		return n
	}
	return cell
}

// build plays one `dbt build`: the compiled SQL of every model runs in the
// order of the graph, and the artifacts of a scenario are put down as if
// written now.
func (s *shop) build(ctx context.Context, scenario string) error {
	if err := s.artifacts(scenario); err != nil {
		return err
	}
	p, err := dbt.LoadManifest(ctx, filepath.Join(s.dir, "target", "manifest.json"))
	if err != nil {
		return err
	}
	done := map[string]bool{}
	var visit func(id string) error
	visit = func(id string) error {
		n := p.Nodes[id]
		if n == nil || done[id] || n.ResourceType != "model" {
			return nil
		}
		done[id] = true
		for _, parent := range n.DependsOn {
			if err := visit(parent); err != nil {
				return err
			}
		}
		return s.model(ctx, n)
	}
	for id := range p.Nodes {
		if err := visit(id); err != nil {
			return err
		}
	}
	return nil
}

func (s *shop) model(ctx context.Context, n *dbt.Node) error {
	kind := "table"
	switch n.Materialized {
	case "ephemeral":
		return nil
	case "view":
		kind = "view"
	}
	for _, stmt := range []string{
		fmt.Sprintf("drop %s if exists %s", kind, n.RelationName),
		fmt.Sprintf("create %s %s as %s", kind, n.RelationName, n.CompiledCode),
	} {
		if _, err := s.db.ExecContext(ctx, stmt); err != nil {
			return fmt.Errorf("build %s: %w", n.Name, err)
		}
	}
	return nil
}

// artifacts unpacks a scenario's files under a new invocation id, with every
// time moved so that dbt finished just now.
func (s *shop) artifacts(scenario string) error {
	dir := "dbt/artifacts/sqlite/" + scenario
	files := map[string][]byte{}
	for _, name := range []string{"manifest.json", "run_results.json"} {
		data, err := unzip(dir + "/" + name + ".gz")
		if err != nil {
			return err
		}
		files[name] = data
	}
	results := files["run_results.json"]
	old := between(results, `"invocation_id": "`, `"`)
	if old == "" {
		old = between(results, `"invocation_id":"`, `"`)
	}
	written, err := time.Parse(time.RFC3339Nano, string(stamps.Find(results[bytes.Index(results, []byte("generated_at")):])))
	if err != nil {
		return fmt.Errorf("read the time of %s: %w", scenario, err)
	}
	shift := s.now().Sub(written)
	id := uuid(s.id()) // one for both files: they are a pair
	for name, data := range files {
		data = bytes.ReplaceAll(data, []byte(old), []byte(id))
		data = stamps.ReplaceAllFunc(data, func(b []byte) []byte { return moved(b, shift) })
		if err := s.write("target/"+name, data); err != nil {
			return err
		}
	}
	return nil
}

// stamps matches the times in dbt's artifacts.
var stamps = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

func moved(stamp []byte, by time.Duration) []byte {
	t, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		return stamp
	}
	return []byte(t.Add(by).UTC().Format("2006-01-02T15:04:05.000000Z"))
}

func between(data []byte, before, after string) string {
	_, rest, ok := bytes.Cut(data, []byte(before))
	if !ok {
		return ""
	}
	found, _, _ := bytes.Cut(rest, []byte(after))
	return string(found)
}

// uuid dresses 16 random hexadecimal digits up as dbt's invocation ids.
func uuid(hex string) string {
	hex += hex
	return fmt.Sprintf("%s-%s-4%s-8%s-%s", hex[:8], hex[8:12], hex[13:16], hex[17:20], hex[20:32])
}

func unzip(name string) ([]byte, error) {
	f, err := fixtures.Shop.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
