package dbt_test

import (
	"path/filepath"
	"slices"
	"testing"

	"exposync/internal/dbt"
)

func TestTestsSayWhatTheyWereMadeFrom(t *testing.T) {
	t.Parallel()
	walk(t, "manifest", func(t *testing.T, path string) {
		t.Helper()
		p, err := dbt.LoadManifest(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		values, parity := 0, 0
		for id, n := range p.Nodes {
			switch n.TestName {
			case "accepted_values":
				values++
				if n.Arg("column_name") != "status" || !slices.Contains(n.Args("values"), "placed") && !slices.Contains(n.Args("values"), "void") {
					t.Errorf("%s: arguments %s", id, n.TestArgs)
				}
			case "equal_rowcount":
				parity++
				if n.Arg("compare_to") == "" || n.Arg("model") != "" || n.Arg("compare_to.x") != "" {
					t.Errorf("%s: arguments %s", id, n.TestArgs)
				}
			}
			if n.ResourceType != "test" && len(n.TestArgs) > 0 {
				t.Errorf("%s is no test, and has arguments %s", id, n.TestArgs)
			}
		}
		if values < 2 || parity < 3 {
			t.Errorf("%d tests of values and %d of row counts", values, parity)
		}
	})
}

func TestGroupsSourcesAndModelsAreDescribed(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"1.12-duckdb", "2.0-duckdb", "1.5-duckdb"} {
		p, err := dbt.LoadManifest(t.Context(), filepath.Join(artifactsDir, engine, "all_green", "manifest.json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		invoices := p.Nodes["model.shop.export_invoices"]
		if g := p.GroupOf(invoices); g == nil || g.OwnerName != "Finance data" || len(g.OwnerEmails) != 1 {
			t.Errorf("%s: the group of export_invoices is %+v", engine, g)
		}
		if p.GroupOf(p.Nodes["model.shop.export_customers"]) != nil || p.GroupOf(nil) != nil {
			t.Errorf("%s: export_customers has no group", engine)
		}
		if invoices.Description == "" {
			t.Errorf("%s: export_invoices has a description", engine)
		}
		if s := p.Nodes["source.shop.raw.customers"]; s == nil || s.LoadedAt == "" {
			t.Errorf("%s: the source says how its age is told", engine)
		}
	}
}

func TestCatalogFindsColumns(t *testing.T) {
	t.Parallel()
	c, err := dbt.LoadCatalog(t.Context(), filepath.Join(artifactsDir, "1.12-duckdb", "all_green", "catalog.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	const id = "model.shop.export_customers"
	if col, ok := c.Column(id, "EMAIL"); !ok || col.Name != "email" || col.Type == "" {
		t.Errorf("EMAIL is %+v %v", col, ok)
	}
	if _, ok := c.Column(id, "nope"); ok || !c.Has(id) || c.Has("model.shop.nope") || c.Kinds[id] != "VIEW" {
		t.Errorf("has %v, kind %q", c.Has(id), c.Kinds[id])
	}
	var none *dbt.Catalog
	if _, ok := none.Column(id, "email"); ok || none.Has(id) {
		t.Error("no catalog has no columns")
	}
	twins := &dbt.Catalog{Columns: map[string][]dbt.CatalogColumn{"m": {{Name: "a"}, {Name: "A"}}}}
	if _, ok := twins.Column("m", "a"); !ok {
		t.Error("an exact name wins")
	}
	if c, ok := twins.Column("m", "á"); ok {
		t.Errorf("found %+v", c)
	}
}
