package dbt_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/secret"
)

const shopDir = "../../fixtures/dbt/shop"

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// write makes a file below a new folder and gives its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const profiles = `
config: {send_anonymous_usage_stats: false}
other:
  outputs: {dev: {type: sqlite}}
shop:
  target: "{{ env_var('SHOP_TARGET', 'dev') }}"
  outputs:
    dev: &base
      type: postgres
      host: "{{ env_var('PGHOST', 'localhost') }}"
      port: "{{ env_var('PGPORT', '5432') | as_number }}"
      user: postgres
      pass: "{{ env_var('PGPASSWORD') }}"
      dbname: shop
      schema: dev
      threads: 4
      keepalives_idle: 60
      connect_timeout: 3
      role: reader
      search_path: "a,b"
      sslmode: verify-full
      sslrootcert: certs/root.pem
    prod:
      <<: *base
      host: "{{ env_var('ONLY_IN_CI') }}"
      schema: prod
    half:
      type: postgres
      port: "{{ env_var('PGHOST') }}"
      threads: none
      connect_timeout: 1.5
`

func TestLoadProfileRendersOnlyTheChosenOutput(t *testing.T) {
	t.Parallel()
	path := write(t, "profiles.yml", profiles)
	red := &secret.Redactor{}
	p, err := dbt.LoadProfile(path, dbt.ProfileChoice{Project: &dbt.ProjectFile{Dir: "/shop", Profile: "shop"}}, secret.Resolver{
		Env: env("PGPASSWORD", "s3cret!", "PGPORT", "6000"), Redactor: red,
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"dev", "prod", "half"}, p.Targets); diff != "" {
		t.Errorf("Targets mismatch (-want +got):\n%s", diff)
	}
	if o := p.Output; p.Target != "dev" || o.Adapter != "postgres" || o.Database != "shop" || o.Schema != "dev" || o.Threads != 4 {
		t.Errorf("output is %s %s %s %s %d", p.Target, o.Adapter, o.Database, o.Schema, o.Threads)
	}
	got, err := p.Output.Postgres()
	if err != nil {
		t.Fatal(err)
	}
	want := dbt.Postgres{
		Host: "localhost", Port: 6000, User: "postgres", Password: secret.New("s3cret!"), Database: "shop",
		Schema: "dev", Role: "reader", SearchPath: "a,b", SSLMode: "verify-full", SSLRootCert: "/shop/certs/root.pem",
		ConnectTimeout: 3 * time.Second, KeepalivesIdle: time.Minute,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Postgres() mismatch (-want +got):\n%s", diff)
	}
	// A literal password that is also a name would hide that name everywhere.
	weak := write(t, "profiles.yml", "p: {outputs: {default: {type: postgres, user: postgres, password: postgres, token: written-down}}}")
	if _, err := dbt.LoadProfile(weak, dbt.ProfileChoice{Profile: "p"}, secret.Resolver{Redactor: red}); err != nil {
		t.Fatal(err)
	}
	if got := red.Redact("postgres written-down"); got != "postgres ***" {
		t.Errorf("Redact() = %q", got)
	}
	if got := red.Redact("user postgres, password s3cret!"); got != "user postgres, password ***" {
		t.Errorf("Redact() = %q", got)
	}
}

func TestLoadProfileChoosesTheTarget(t *testing.T) {
	t.Parallel()
	path := write(t, "profiles.yml", "p: {outputs: {default: {type: duckdb}, a: {type: duckdb}, b: {type: duckdb}}}\n"+
		"q: {target: a, outputs: {a: {type: duckdb}, b: {type: duckdb}}}\n")
	tests := []struct {
		choice dbt.ProfileChoice
		env    []string
		want   string
	}{
		{dbt.ProfileChoice{Profile: "p"}, nil, "default"},
		{dbt.ProfileChoice{Profile: "q"}, nil, "a"},
		{dbt.ProfileChoice{Profile: "q"}, []string{"DBT_TARGET", "b"}, "b"},
		{dbt.ProfileChoice{Profile: "q"}, []string{"DBT_TARGET", "x", "DBT_ENGINE_TARGET", "b"}, "b"},
		{dbt.ProfileChoice{Profile: "q", Target: "a"}, []string{"DBT_TARGET", "b"}, "a"},
		{dbt.ProfileChoice{Project: &dbt.ProjectFile{Profile: "q"}}, []string{"DBT_PROFILE", "p"}, "default"},
	}
	for _, tt := range tests {
		p, err := dbt.LoadProfile(path, tt.choice, secret.Resolver{Env: env(tt.env...)})
		if err != nil || p.Target != tt.want {
			t.Errorf("LoadProfile(%+v, %v) = %v, %v, want target %s", tt.choice, tt.env, p, err, tt.want)
		}
	}
}

func TestLoadProfileFaults(t *testing.T) {
	t.Parallel()
	path := write(t, "profiles.yml", profiles)
	tests := []struct {
		name   string
		choice dbt.ProfileChoice
		codes  []string
		says   string
	}{
		{"other profile", dbt.ProfileChoice{Profile: "shoop"}, []string{"profile_unknown"}, "--profile shop"},
		{"no profile", dbt.ProfileChoice{}, []string{"profile_unknown"}, "--profile"},
		{"config is no profile", dbt.ProfileChoice{Profile: "warehouse"}, []string{"profile_unknown"}, "there is other, shop"},
		{"other target", dbt.ProfileChoice{Profile: "shop", Target: "prd"}, []string{"target_unknown"}, "--target prod"},
		{"default target", dbt.ProfileChoice{Profile: "other"}, []string{"target_unknown"}, "there is dev"},
		{"variables", dbt.ProfileChoice{Profile: "shop", Target: "prod"}, []string{"env_missing", "env_missing"}, "ONLY_IN_CI"},
		{"broken", dbt.ProfileChoice{Profile: "shop", Target: "half"}, []string{"env_missing", "profile_invalid"}, "threads"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := dbt.LoadProfile(path, tt.choice, secret.Resolver{})
			var codes []string
			var text strings.Builder
			for _, f := range fault.All(err) {
				codes = append(codes, f.Code)
				text.WriteString(f.Error() + " " + f.Hint)
				if _, known := fault.Explain(f.Code); !known {
					t.Errorf("code %s has no page", f.Code)
				}
				if !strings.HasPrefix(f.Where, path) {
					t.Errorf("%v does not name its place", f)
				}
			}
			if diff := cmp.Diff(tt.codes, codes); diff != "" {
				t.Errorf("codes mismatch (-want +got):\n%s\n%v", diff, err)
			}
			if !strings.Contains(text.String(), tt.says) {
				t.Errorf("%q does not say %q", text.String(), tt.says)
			}
		})
	}
}

func TestPostgresNamesEveryProblem(t *testing.T) {
	t.Parallel()
	path := write(t, "profiles.yml", profiles)
	p, err := dbt.LoadProfile(path, dbt.ProfileChoice{Profile: "shop", Target: "half"}, secret.Resolver{Env: env("PGHOST", "h")})
	if !fault.Is(err, "profile_invalid") || p != nil {
		t.Fatalf("LoadProfile() = %v, %v", p, err)
	}
	path = write(t, "profiles.yml", strings.Replace(profiles, "threads: none", "threads: 2", 1))
	p, err = dbt.LoadProfile(path, dbt.ProfileChoice{Profile: "shop", Target: "half"}, secret.Resolver{Env: env("PGHOST", "h")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Output.Postgres()
	if got := len(fault.All(err)); got != 5 { // host, user, dbname; port, connect_timeout
		t.Errorf("%d problems, want 5: %v", got, err)
	}
}

func TestShopProfiles(t *testing.T) {
	t.Parallel()
	project, err := dbt.ReadProjectFile(shopDir, secret.Resolver{})
	if err != nil {
		t.Fatal(err)
	}
	load := func(adapter, target string) *dbt.Profile {
		t.Helper()
		path, err := dbt.FindProfiles(dbt.ProfilesPlaces{Flag: filepath.Join(shopDir, "profiles", adapter)})
		if err != nil {
			t.Fatal(err)
		}
		p, err := dbt.LoadProfile(path, dbt.ProfileChoice{Project: project, Target: target}, secret.Resolver{Env: env()})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	pg, err := load("postgres", "prod").Output.Postgres()
	if err != nil || pg.Schema != "prod" || pg.Host != "localhost" || pg.Port != 5432 || !pg.Password.IsZero() {
		t.Errorf("Postgres() = %+v, %v", pg, err)
	}
	lite, err := load("sqlite", "").Output.SQLite()
	want := dbt.SQLite{
		Database: "shop_dev", Schema: "main", Directory: filepath.Clean(shopDir),
		Paths: map[string]string{"main": filepath.Join(shopDir, "shop_dev.sqlite")},
	}
	if diff := cmp.Diff(want, lite); diff != "" || err != nil {
		t.Errorf("SQLite() mismatch (-want +got):\n%s%v", diff, err)
	}
	duck, err := load("duckdb", "prod").Output.DuckDB()
	if err != nil || duck != (dbt.DuckDB{Path: filepath.Join(shopDir, "shop.duckdb"), Database: "shop", Schema: "prod"}) {
		t.Errorf("DuckDB() = %+v, %v", duck, err)
	}
}

func TestDuckDBNames(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]dbt.DuckDB{
		"type: duckdb":                                  {Path: ":memory:", Database: "memory", Schema: "main"},
		"{type: duckdb, path: /x/y.z.db}":               {Path: "/x/y.z.db", Database: "y.z", Schema: "main"},
		"{type: duckdb, path: 'md:my_db?x=y'}":          {Path: "md:my_db?x=y", Database: "my_db", Schema: "main"},
		"{type: duckdb, path: 's3://b/c.duckdb'}":       {Path: "s3://b/c.duckdb", Database: "c", Schema: "main"},
		"{type: duckdb, path: a.db, database: d}":       {Path: "/p/a.db", Database: "d", Schema: "main"},
		"{type: duckdb, path: ../a/b.db, schema: mart}": {Path: "/a/b.db", Database: "b", Schema: "mart"},
	} {
		if !strings.HasPrefix(output, "{") {
			output = "{" + output + "}"
		}
		path := write(t, "profiles.yml", "p: {outputs: {default: "+output+"}}")
		p, err := dbt.LoadProfile(path, dbt.ProfileChoice{Profile: "p", Project: &dbt.ProjectFile{Dir: "/p"}}, secret.Resolver{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Output.DuckDB(); err != nil || got != want {
			t.Errorf("%s: DuckDB() = %+v, %v, want %+v", output, got, err, want)
		}
	}
}

func TestFindProfiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{"cwd", "project", "home/.dbt", "flag", "env", "engine"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
		if dir == "empty" {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, dir, "profiles.yml"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(dir string) string { return filepath.Join(root, dir) }
	for want, places := range map[string]dbt.ProfilesPlaces{
		"flag":      {Flag: in("flag"), Env: env("DBT_PROFILES_DIR", in("env")), Dir: in("cwd")},
		"engine":    {Env: env("DBT_PROFILES_DIR", in("env"), "DBT_ENGINE_PROFILES_DIR", in("engine")), Dir: in("cwd")},
		"env":       {Env: env("DBT_PROFILES_DIR", "../env"), Dir: in("cwd")},
		"cwd":       {Dir: in("cwd"), Project: in("project"), Home: in("home")},
		"project":   {Dir: in("none"), Project: in("project"), Home: in("home")},
		"home/.dbt": {Dir: in("none"), Project: in("none"), Home: in("home")},
	} {
		if got, err := dbt.FindProfiles(places); err != nil || got != filepath.Join(root, want, "profiles.yml") {
			t.Errorf("FindProfiles(%+v) = %q, %v, want %s", places, got, err, want)
		}
	}
	for _, places := range []dbt.ProfilesPlaces{
		{Flag: in("none"), Dir: in("cwd"), Home: in("home")}, // a flag is the only place
		{Env: env("DBT_PROFILES_DIR", in("none")), Dir: in("cwd")},
		{Dir: in("none")},
	} {
		if _, err := dbt.FindProfiles(places); code(err) != "profiles_missing" {
			t.Errorf("FindProfiles(%+v) = %v, want profiles_missing", places, err)
		}
	}
}

func TestProjectFile(t *testing.T) {
	t.Parallel()
	path := write(t, "dbt_project.yml", `
name: shop
profile: "{{ env_var('PROFILE', 'p') }}"
target-path: "{{ env_var('OUT', 'out') }}/x"
model-paths: ["{{ 'm' ~ 1 }}", exports]
on-run-start: "{{ log('any Jinja of dbt', info=true) }}"
models: {+enabled: "{{ target.name == 'prod' }}"}
`)
	dir := filepath.Dir(path)
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := dbt.FindProject(filepath.Join(dir, "a", "b")); err != nil || got != dir {
		t.Errorf("FindProject() = %q, %v, want %q", got, err, dir)
	}
	p, err := dbt.ReadProjectFile(dir, secret.Resolver{Env: env()})
	want := &dbt.ProjectFile{
		Dir: dir, File: path, Name: "shop", Profile: "p", TargetPath: "out/x", ModelPaths: []string{"m1", "exports"},
	}
	if diff := cmp.Diff(want, p); diff != "" || err != nil {
		t.Fatalf("ReadProjectFile() mismatch (-want +got):\n%s%v", diff, err)
	}
	tests := []struct{ flag, engine, old, want string }{
		{"f", "e", "o", filepath.Join(dir, "f")},
		{"/abs/f", "e", "o", "/abs/f"},
		{"", "e", "o", filepath.Join(dir, "e")},
		{"", "", "o", filepath.Join(dir, "o")},
		{"", "", "", filepath.Join(dir, "out", "x")},
	}
	for _, tt := range tests {
		got := p.Target(tt.flag, env("DBT_ENGINE_TARGET_PATH", tt.engine, "DBT_TARGET_PATH", tt.old))
		if got != tt.want {
			t.Errorf("Target(%q, %q, %q) = %q, want %q", tt.flag, tt.engine, tt.old, got, tt.want)
		}
	}
}

func TestProjectFileFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                 "project_invalid",
		"- a":              "project_invalid",
		"version: 2":       "project_invalid",
		"name: x\nname: y": "yaml_duplicate_key",
		"name: {{ x }}":    "yaml_syntax",
		"name: x\nprofile: \"{{ env_var('P') }}\"": "env_missing",
	} {
		path := write(t, "dbt_project.yml", text)
		if _, err := dbt.ReadProjectFile(filepath.Dir(path), secret.Resolver{}); code(err) != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := dbt.ReadProjectFile(t.TempDir(), secret.Resolver{}); code(err) != "project_missing" {
		t.Errorf("missing file: %v", err)
	}
	if _, err := dbt.FindProject(t.TempDir()); code(err) != "project_missing" {
		t.Errorf("FindProject() = %v", err)
	}
}

func TestProfilesDirFromHome(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, "my"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(home, "my", "profiles.yml")
	if err := os.WriteFile(want, []byte("x: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"~/my", `~\my`, "~//my"} {
		if got, err := dbt.FindProfiles(dbt.ProfilesPlaces{Flag: flag, Dir: t.TempDir(), Home: home}); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", flag, got, err, want)
		}
	}
	if got, err := dbt.FindProfiles(dbt.ProfilesPlaces{Flag: "~my", Dir: home, Home: home}); err == nil {
		t.Errorf("~my is somebody else's home, got %s", got)
	}
}
