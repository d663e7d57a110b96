package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/engine"
	"exposync/internal/plan"
)

// amendOptions say which records a person means, and what about them.
type amendOptions struct {
	keys []string
	code string
	yes  bool
}

func (o *amendOptions) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.keys, "key", nil, "only the record with this `KEY`; may be repeated; "+keyHelp)
	cmd.Flags().StringVar(&o.code, "code", "", "only records with this `CODE`")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do it; without this it only says what would be done")
}

func newRejectsRelease(a *app) *cobra.Command {
	opts := amendOptions{}
	cmd := &cobra.Command{
		Use:   "release JOB",
		Short: "give rejected and quarantined records another chance",
		Long: `Forgets what stands against the rejected and quarantined records of a sync: they
are due again, and their attempts are counted anew. Nothing is sent by this
command.`,
		Example: `  exposync rejects release email_crm_export --yes
  exposync rejects release email_crm_export --code VALIDATION_ERROR --yes
  exposync rejects release email_crm_export --key 42 --yes`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeJob,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.amend(cmd.Context(), args[0], engine.Release, opts, "release")
		},
	}
	opts.add(cmd)
	return cmd
}

func newRejectsSettle(a *app) *cobra.Command {
	opts, sent, resend := amendOptions{}, false, false
	cmd := &cobra.Command{
		Use:   "settle JOB",
		Short: "say what became of records in doubt",
		Long: `Where sending a record twice would do harm, one that may or may not have arrived
waits until somebody has looked at the destination. --sent says that it arrived:
it counts as sent. --resend says that it did not: it is due again. To decide this
once for all, write on_in_doubt: resend or assume_sent into the exposure's
metadata.`,
		Example: `  exposync rejects --select orders_export --keys
  exposync rejects settle orders_export --sent --key 1042 --yes
  exposync rejects settle orders_export --resend --yes`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeJob,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case sent == resend:
				return usage("exposync rejects settle --help", "say one of --sent (the records arrived) and --resend (they did not)")
			case sent:
				return a.amend(cmd.Context(), args[0], engine.CountSent, opts, "settle --sent")
			}
			return a.amend(cmd.Context(), args[0], engine.SendAgain, opts, "settle --resend")
		},
	}
	opts.add(cmd)
	cmd.Flags().BoolVar(&sent, "sent", false, "the records arrived")
	cmd.Flags().BoolVar(&resend, "resend", false, "the records did not arrive")
	return cmd
}

// amend has the ledger take a person's word on the records of one job.
func (a *app) amend(ctx context.Context, name string, verdict engine.Amendment, opts amendOptions, command string) error {
	s, err := a.look(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	j, ok := s.set.Find(name)
	if !ok {
		return s.noJob(ctx, name)
	}
	if !s.hasLedger() {
		return s.noLedger()
	}
	if err := s.openLedger(ctx); err != nil {
		return err
	}
	which, err := opts.which(j)
	if err != nil {
		return err
	}
	ids, err := s.present(ctx, j)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, id := range ids {
		found, err := s.engine().Amend(ctx, id, ledgerTarget(j.Target, j.Sandbox), verdict, which, !opts.yes)
		if err != nil {
			return err
		}
		for _, g := range found {
			total += g.Records
			if err := a.printProse(amended(verdict, g, id, opts.yes)); err != nil {
				return err
			}
		}
	}
	s.afterAmending(name, command, total, verdict, opts)
	return nil
}

// afterAmending says what was done, if nothing was, and what to type next.
func (s *session) afterAmending(name, command string, total int64, verdict engine.Amendment, opts amendOptions) {
	a := s.a
	switch {
	case total == 0:
		a.say("no such record stands under target %s", s.target)
		a.next("exposync rejects --select %s", s.ref(name))
	case !opts.yes:
		a.say("nothing was changed")
		a.next("exposync rejects %s %s%s --yes", command, s.ref(name), opts.text())
	case verdict != engine.CountSent:
		a.next("exposync retry --select %s", s.ref(name))
	}
}

// which turns the options into the engine's terms.
func (o amendOptions) which(j plan.Job) (engine.Which, error) {
	which := engine.Which{Code: o.code}
	for _, k := range o.keys {
		parts, err := keyParts(j.ID, j.Key, k)
		if err != nil {
			return which, err
		}
		which.Keys = append(which.Keys, engine.JoinKey(parts))
	}
	return which, nil
}

// text repeats the options as they were typed.
func (o amendOptions) text() string {
	var b strings.Builder
	if o.code != "" {
		fmt.Fprintf(&b, " --code %s", word(o.code))
	}
	for _, k := range o.keys {
		fmt.Fprintf(&b, " --key %s", word(k))
	}
	return b.String()
}

func amended(word engine.Amendment, g plan.RejectGroup, id plan.SyncID, done bool) string {
	verb := map[engine.Amendment]string{
		engine.Release: "released", engine.SendAgain: "due again", engine.CountSent: "taken as sent",
	}[word]
	if !done {
		verb = "would be " + verb
	}
	why := g.Code
	if g.Reason != "" {
		why = strings.TrimSpace(g.Code + " " + g.Reason)
	}
	records := plural(g.Records, "record")
	if g.State == "quarantined" { // beside others that are not
		records += " (quarantined)"
	}
	return fmt.Sprintf("%s %s in %s.%s: %s", records, verb, id.Connection, id.Object, why)
}

// completeJob completes the name of a job.
func (a *app) completeJob(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	s := a.completing(cmd)
	if s == nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, j := range s.set.Jobs {
		if strings.HasPrefix(j.ID, typed) {
			out = append(out, j.ID)
		}
	}
	slices.Sort(out)
	return out, cobra.ShellCompDirectiveNoFileComp
}
