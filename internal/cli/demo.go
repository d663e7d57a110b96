package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/report"
	"exposync/internal/sandbox"
)

func newDemo(a *app) *cobra.Command {
	keep := false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "walk through the main job with nothing but this program",
		Long: `Unpacks a small online shop with artifacts that real dbt wrote, into a temporary
folder, and walks through what Exposync does: gate, plan, first run, a run with
nothing to do, one changed customer, and a failed test that blocks only its own
exposure. The warehouse is SQLite, the destination the local sandbox.`,
		Example: "  exposync demo\n  exposync demo --keep     # leaves the page running",
		GroupID: "setup",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), keep) },
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the page that shows what arrived running until ^C")
	return cmd
}

// demo is one walk: its folder, its shop and the sandbox that receives.
type demo struct {
	a    *app
	shop *shop
	n    int
}

func (a *app) demo(ctx context.Context, keep bool) error {
	dir, err := os.MkdirTemp("", "exposync-demo-")
	if err != nil {
		return err
	}
	s, err := unpackShop(ctx, dir, a.env)
	if err != nil {
		return err
	}
	defer func() { _ = s.db.Close() }()
	box, err := a.startSandbox(ctx, sandbox.Config{Dir: sandboxDir(dir)}, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer box.close()
	d := &demo{a: a, shop: s}
	if err := d.walk(ctx); err != nil {
		return err
	}
	return d.farewell(ctx, box, keep)
}

// walk is the story, one step at a time.
func (d *demo) walk(ctx context.Context) error {
	steps := []struct {
		say  string
		do   func(context.Context) error
		args []string
		want int // exit code
	}{
		{
			say:  "dbt build has just finished (its artifacts are real). Which syncs may start, and why?",
			do:   func(ctx context.Context) error { return d.shop.build(ctx, "all_green") },
			args: []string{"gate", "--select", "email_crm_export"},
		},
		{say: "What would be sent? Nothing is written by looking.", args: []string{"plan"}},
		{say: "The first run: every record is created in the sandbox.", args: []string{"run"}},
		{
			say:  "dbt builds again and nothing changed: 0 calls.",
			do:   func(ctx context.Context) error { return d.shop.build(ctx, "all_green") },
			args: []string{"run"},
		},
		{
			say: "One customer changes her name, dbt builds again: exactly that record is sent.",
			do: d.then("all_green",
				`update raw_customers set last_name = 'Horáková' where customer_id = 1`),
			args: []string{"run"},
		},
		{
			say: "A finance test fails, and another customer changed: only the exposure above the red test is blocked.",
			do: d.then("invoices_test_failed",
				`update raw_invoices set status = 'lost' where invoice_id = (select min(invoice_id) from raw_invoices)`,
				`update raw_customers set first_name = 'Hugues' where customer_id = 2`),
			args: []string{"run"}, want: 3,
		},
		{say: "Why was it blocked? The tree names the test and the next command.", args: []string{"gate", "--select", "finance_erp_export"}, want: 3},
	}
	for _, step := range steps {
		if step.do != nil {
			if err := step.do(ctx); err != nil {
				return err
			}
		}
		d.n++
		style := d.a.outStyle()
		_ = d.a.printText(fmt.Sprintf("\n%s %s\n%s\n", style.Paint(report.Strong, fmt.Sprintf("%d.", d.n)), style.Paint(report.Strong, step.say),
			style.Paint(report.Faint, "$ exposync "+strings.Join(step.args, " "))))
		if got := d.command(ctx, step.args); got != step.want {
			return fmt.Errorf("the demo's step %d ended with exit code %d, not %d", d.n, got, step.want)
		}
	}
	return nil
}

// then gives a step that changes raw data and builds.
func (d *demo) then(scenario string, changes ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, stmt := range changes {
			if _, err := d.shop.db.ExecContext(ctx, stmt); err != nil {
				return err
			}
		}
		return d.shop.build(ctx, scenario)
	}
}

// command runs a real command of this program in the shop, in this process.
// Its lines go where the demo's own text goes, so that they stay in order.
func (d *demo) command(ctx context.Context, args []string) int {
	env := *d.a.env
	env.Args, env.Dir, env.Stderr = append(args, "--target", "prod"), d.shop.dir, d.a.env.Stdout
	env.Terminal = d.a.env.OutTerminal
	env.Lookup = func(name string) (string, bool) {
		if strings.HasPrefix(name, "DBT_") || strings.HasPrefix(name, "SHOP_") || name == "CI" {
			return "", false // the shop is a world of its own
		}
		return d.a.env.Lookup(name)
	}
	if d.a.flags.noColours {
		env.Args = append(env.Args, "--no-use-colors")
	}
	if d.a.flags.useColours {
		env.Args = append(env.Args, "--use-colors")
	}
	return Run(ctx, &env)
}

// farewell says where to look at what arrived.
func (d *demo) farewell(ctx context.Context, box *runningSandbox, keep bool) error {
	style := d.a.outStyle()
	text := fmt.Sprintf("\n%s %s\n", style.Paint(report.Strong, "What arrived:"), box.url)
	if !keep {
		text += fmt.Sprintf("The page closes with this program; open it again with:\n  exposync sandbox --dir %s\n", box.dir)
	} else {
		text += "Open it in a browser; ^C ends it.\n"
	}
	text += fmt.Sprintf("The project is in %s: an ordinary dbt project with its .exposync beside it.\n", d.shop.dir)
	if err := d.a.printText(text); err != nil || !keep {
		return err
	}
	select {
	case <-d.a.env.Interrupts:
	case <-ctx.Done():
	}
	return nil
}
