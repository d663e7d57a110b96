package job_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/job"
	"exposync/internal/plan"
)

const fixtures = "../../fixtures/dbt"

// connectors stand in for those of the command line.
func connectors() config.Types {
	return config.Types{
		"http":     {{Name: "url", Required: true}, {Name: "token", Secret: true}},
		"postgres": {{Name: "url", Secret: true}},
		"file":     {{Name: "path", Required: true}, {Name: "format", Kind: config.Choice, Choices: []string{"csv", "ndjson"}}},
	}
}

// The exposures of the shop give the same jobs whichever dbt wrote the
// manifest, whether it keeps metadata in meta or in config.meta.
func TestJobsOfTheShop(t *testing.T) {
	t.Parallel()

	project := os.DirFS(filepath.Join(fixtures, "shop"))
	cfg, err := config.Load(filepath.Join(fixtures, "shop", config.FileName), connectors())
	if err != nil {
		t.Fatal(err)
	}
	yaml, err := os.ReadFile(filepath.Join(fixtures, "shop/models/exports/_exports.yml"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"email_crm_export: export_customers -> crm(http).contacts upsert [email=email] all @ exposync: {to: crm.contacts",
		"finance_erp_export: export_invoices -> erp(file).invoices upsert [invoice_id=invoice_id] order=order_id debtor=customer_id " +
			"document_date=issued_on due_date=due_on cleared_on=paid_on state=status currency=currency net=net_amount tax=tax_amount " +
			"gross=gross_amount @ exposync:\n          to: erp.invoices",
		"support_desk_export.tickets: export_orders -> support(postgres).orders mirror [external_id=order_id] user_external_id=customer_id " +
			"status=status total=order_total currency=currency ordered_on=ordered_on changed_at=updated_at @ tickets:",
		"support_desk_export.users: export_customers -> support(postgres).users upsert [external_id=customer_id] email=email " +
			"given_name=first_name family_name=last_name country=country active=is_active origin:=text shop @ users:",
	}
	for i, line := range want {
		job, at, _ := strings.Cut(line, " @ ")
		want[i] = fmt.Sprintf("%s @ models/exports/_exports.yml:%d", job, lineOf(t, yaml, at))
	}
	manifests, err := filepath.Glob(filepath.Join(fixtures, "artifacts/*/all_green/manifest.json.gz"))
	if err != nil || len(manifests) < 8 {
		t.Fatalf("manifests: %q, %v", manifests, err)
	}
	for _, path := range manifests {
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(path))), func(t *testing.T) {
			t.Parallel()

			p, err := dbt.LoadManifest(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			set := job.Build(p, cfg, job.Options{Target: "prod", Files: func(path string) ([]byte, error) {
				return fs.ReadFile(project, path)
			}})
			var got []string
			for _, j := range set.Jobs {
				equal(t, 0, len(problems(t, j.Problems)))
				equal(t, false, j.Sandbox)
				if !strings.HasSuffix(j.Source.Relation, `"`+j.Source.Name+`"`) || j.Project != "shop" {
					t.Errorf("%s reads %q of %s", j.ID, j.Source.Relation, j.Project)
				}
				got = append(got, describe(j)+" @ "+j.Where)
			}
			equal(t, want, got)
			checkExposures(t, set)
		})
	}
}

func lineOf(t *testing.T, file []byte, text string) int {
	t.Helper()
	before, _, ok := bytes.Cut(file, []byte(text))
	if !ok {
		t.Fatalf("no %q", text)
	}
	return bytes.Count(before, []byte("\n")) + 1
}

// checkExposures: those without a block are listed, and have no job.
func checkExposures(t *testing.T, set job.Set) {
	t.Helper()
	got := map[string]string{}
	for _, e := range set.Exposures {
		equal(t, 0, len(e.Problems))
		got[e.Name] = fmt.Sprint(len(e.Jobs), e.Watched)
	}
	equal(t, map[string]string{
		"email_crm_export": "1hightouch", "support_desk_export": "2", "finance_erp_export": "1", "ops_tool": "0", "weekly_kpis": "0",
	}, got)
}

// A sandbox target sends the same jobs to the sandbox, and nothing anywhere
// else.
func TestJobsOfTheShopInTheSandbox(t *testing.T) {
	t.Parallel()

	cfg, err := config.Load(filepath.Join(fixtures, "shop", config.FileName), connectors())
	if err != nil {
		t.Fatal(err)
	}
	p, err := dbt.LoadManifest(t.Context(), filepath.Join(fixtures, "artifacts/sqlite/all_green/manifest.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	prod, dev := job.Build(p, cfg, job.Options{Target: "prod"}), job.Build(p, cfg, job.Options{Target: "dev"})
	for i, j := range dev.Jobs {
		equal(t, 0, len(problems(t, j.Problems)))
		if !j.Sandbox || j.Target != "dev" {
			t.Errorf("%s: sandbox %t, target %s", j.ID, j.Sandbox, j.Target)
		}
		if job.Definition(j) == job.Definition(prod.Jobs[i]) {
			t.Errorf("%s: one definition in prod and in the sandbox", j.ID)
		}
		j.Sandbox, j.Target, j.Settings = false, "prod", prod.Jobs[i].Settings
		if job.Definition(j) != job.Definition(prod.Jobs[i]) {
			t.Errorf("%s: the definition depends on more than the target and its settings", j.ID)
		}
	}
	if len(dev.Jobs) == 0 {
		t.Fatal("no jobs")
	}
}

// BenchmarkBuild builds a thousand jobs: the time of typing ls.
func BenchmarkBuild(b *testing.B) {
	p := shop("export_customers")
	for i := range 1000 {
		expose(p, fmt.Sprintf("e%04d", i), `{"to":"crm.contacts","key":"email","fields":{"a":"b","c":{"from":"d"}}}`, "export_customers")
	}
	cfg, err := config.Parse("exposync.yml", []byte("targets: {dev: sandbox}"), nil)
	if err != nil {
		b.Fatal(err)
	}
	var jobs []plan.Job
	for b.Loop() {
		jobs = job.Build(p, cfg, job.Options{Target: "dev"}).Jobs
	}
	if len(jobs) != 1000 || len(jobs[0].Problems) != 0 {
		b.Fatalf("%d jobs", len(jobs))
	}
}
