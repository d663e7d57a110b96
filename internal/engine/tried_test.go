package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/engine"
	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// remember adds a run to the job's history.
func (b *bench) remember(r ledger.Run) {
	b.Helper()
	e, done := b.engine()
	defer done()
	if err := e.Ledger.AddRun(b.Context(), b.job.Project, b.job.ID, r); err != nil {
		b.Fatal(err)
	}
}

func TestSandboxRequired(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	good := func(recipe string) ledger.Run {
		return ledger.Run{
			ID: "try", Target: "dev", Sandbox: true, Status: plan.Success, Recipe: recipe, By: "ada@laptop",
			Counts: plan.Counts{Create: 5, OK: 5}, StartedAt: at, EndedAt: at,
		}
	}
	with := func(change func(*ledger.Run)) func(string) []ledger.Run {
		return func(recipe string) []ledger.Run {
			r := good(recipe)
			change(&r)
			return []ledger.Run{r}
		}
	}
	pass := &plan.Pass{Run: "try", Target: "dev", By: "ada@laptop", At: at, OK: 5}
	tests := map[string]struct {
		history func(recipe string) []ledger.Run
		says    string // empty: let through
	}{
		"never ran":            {func(string) []ledger.Run { return nil }, "never ran into one"},
		"passed":               {with(func(*ledger.Run) {}), ""},
		"another mapping":      {with(func(r *ledger.Run) { r.Recipe = "r1:other" }), "had another mapping"},
		"no recipe":            {with(func(r *ledger.Run) { r.Recipe = "" }), "had another mapping"},
		"rejects":              {with(func(r *ledger.Run) { r.Counts.Rejected = 2 }), "2 rejected"},
		"doubts":               {with(func(r *ledger.Run) { r.Counts.InDoubt = 1 }), "1 in doubt"},
		"not all sent":         {with(func(r *ledger.Run) { r.Counts.NotSent = 1 }), "1 not sent"},
		"known rejects":        {with(func(r *ledger.Run) { r.Counts.Standing = 3 }), "3 refused earlier"},
		"invalid rows":         {with(func(r *ledger.Run) { r.Counts.Invalid = 1 }), "1 invalid"},
		"failed":               {with(func(r *ledger.Run) { r.Status = plan.Failed }), "ended as error"},
		"nothing sent":         {with(func(r *ledger.Run) { r.Counts.OK = 0 }), "proves nothing"},
		"production's success": {with(func(r *ledger.Run) { r.Sandbox = false }), "never ran into one"},
		"accepted in production": {with(func(r *ledger.Run) {
			r.Sandbox, r.Accepted = false, []string{"sandbox_required"}
		}), "never ran into one"},
		"handed on by production": {with(func(r *ledger.Run) { r.ID, r.Sandbox, r.Pass = "live", false, pass }), ""},
		"handed on for another":   {with(func(r *ledger.Run) { r.Recipe, r.Sandbox, r.Pass = "r1:other", false, pass }), "never ran into one"},
		"passed, then failed": {func(recipe string) []ledger.Run {
			later := good(recipe)
			later.ID, later.Counts.Rejected, later.StartedAt = "later", 1, at.Add(time.Hour)
			return []ledger.Run{good(recipe), later}
		}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.table.set(contacts(3)...)
			b.req.Described = "fake 0123"
			recipe := b.plan().Recipe
			for _, r := range tt.history(recipe) {
				b.remember(r)
			}
			b.req.Tried = engine.Tried{Required: true, Target: "dev"}
			p := b.plan()
			if tt.says == "" {
				if len(p.Held()) > 0 || p.Pass == nil || *p.Pass != *pass {
					t.Fatalf("held by %v, pass %+v", p.Held(), p.Pass)
				}
				return
			}
			if !slices.Equal(codes(p), []string{"sandbox_required"}) || p.Pass != nil {
				t.Fatalf("held by %v, pass %+v", codes(p), p.Pass)
			}
			h := p.Holds[0]
			if !strings.Contains(h.Message, tt.says) || !strings.Contains(h.Next, "exposync run --target dev --select contacts") {
				t.Errorf("%s\n%s", h.Message, h.Next)
			}
			b.req.Accept = []string{"sandbox_required"}
			if p := b.plan(); len(p.Held()) > 0 || p.Pass != nil {
				t.Errorf("accepted, it is held by %v, pass %+v", codes(p), p.Pass)
			}
		})
	}
}

// The recipe is what the destination gets to see, and nothing else.
func TestRecipe(t *testing.T) {
	t.Parallel()
	recipe := func(change func(*bench)) string {
		b := setup(t)
		b.table.set(contacts(3)...)
		b.req.Described = "fake 0123"
		change(b)
		return b.plan().Recipe
	}
	was := recipe(func(*bench) {})
	if !strings.HasPrefix(was, "r1:") {
		t.Fatalf("recipe %q", was)
	}
	for name, change := range map[string]func(*bench){
		"description": func(b *bench) { b.req.Described = "fake 4567" },
		"object":      func(b *bench) { b.job.Object = "people" },
		"key":         func(b *bench) { b.job.Key[0].Field = "crm_id" },
		"field":       func(b *bench) { b.job.Fields[0].Name = "full_name" },
		"nulls":       func(b *bench) { b.job.Fields[0].Nulls = plan.Clear },
		"mode":        func(b *bench) { b.job.Mode = plan.Update },
	} {
		if recipe(change) == was {
			t.Errorf("another %s has the same recipe", name)
		}
	}
	for name, change := range map[string]func(*bench){
		"rows":     func(b *bench) { b.table.set(contacts(9)...) },
		"target":   func(b *bench) { b.job.Target, b.job.Sandbox = "dev (sandbox)", true },
		"relation": func(b *bench) { b.job.Source.Relation, b.job.Settings = `"dev"."export_contacts"`, "c1:x" },
	} {
		if recipe(change) != was {
			t.Errorf("another %s has another recipe", name)
		}
	}
}
