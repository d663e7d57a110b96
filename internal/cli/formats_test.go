package cli_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exposync/fixtures/schemas/formats"
	"exposync/internal/cli"
)

// Of what real dbt of every kind wrote, each command that checks gives every
// format, and each is as its schema says.
func TestFormatsOfRealProjects(t *testing.T) {
	t.Parallel()
	states := []string{"1.5-duckdb/all_green", "1.12-duckdb/warn", "1.12-postgres/partial_select", "2.0-duckdb/invoices_test_failed"}
	for _, state := range states {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := cli.UnpackShop(dir); err != nil {
				t.Fatal(err)
			}
			if err := cli.PutArtifactsOf(filepath.Join(dir, "target"), filepath.Join("../../fixtures/dbt/artifacts", state), cli.ArtifactAge); err != nil {
				t.Fatal(err)
			}
			if err := cli.PutArtifactsOf(filepath.Join(dir, "before"), "../../fixtures/dbt/artifacts/1.12-duckdb/all_green", cli.ArtifactAge); err != nil {
				t.Fatal(err)
			}
			for _, command := range [][]string{{"coverage"}, {"lint"}, {"impact", "--state", "before"}} {
				everyFormat(t, dir, command)
			}
		})
	}
}

func everyFormat(t *testing.T, dir string, command []string) {
	t.Helper()
	for _, format := range []string{"json", "markdown", "github", "junit", "sarif", "html"} {
		args := append(append([]string{}, command...), "--output", format)
		code, stdout, stderr := play(t, dir, args...)
		if code != 0 && code != 6 {
			t.Fatalf("%v: exit %d: %s", args, code, stderr)
		}
		if err := isFormat(command[0], format, stdout); err != nil {
			t.Errorf("%v: %v\n%.2000s", args, err, stdout)
		}
		if format != "json" && format != "html" {
			continue // the same way leads to the file
		}
		again, said, _ := play(t, dir, append(args, "--out", "result")...)
		file := string(must(os.ReadFile(filepath.Join(dir, "result"))))
		if again != code || said != "" || file != stdout {
			t.Errorf("%v --out: exit %d and %d, %d bytes on stdout, the file has %d bytes instead of %d", args, code, again, len(said), len(file), len(stdout))
		}
	}
}

// isFormat tells what keeps an output from being what its name says.
func isFormat(command, format, out string) error {
	switch format {
	case "sarif":
		return formats.Sarif([]byte(out))
	case "junit":
		return formats.JUnit([]byte(out))
	case "json":
		schema, err := os.ReadFile("../../docs/schemas/" + command + ".json")
		if os.IsNotExist(err) {
			return nil // impact has its own description in docs/json.md
		}
		if err != nil {
			return err
		}
		return formats.JSON(schema, []byte(out))
	case "html":
		d := xml.NewDecoder(strings.NewReader(out[strings.Index(out, "<main"):strings.Index(out, "</main>")] + "</main>"))
		d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		for {
			if _, err := d.Token(); err != nil {
				if err.Error() == "EOF" {
					return nil
				}
				return err
			}
		}
	}
	return nil
}
