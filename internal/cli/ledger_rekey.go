package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/engine"
	"exposync/internal/plan"
)

func newLedgerRekey(a *app) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "rekey JOB",
		Short: "carry what was confirmed over to a sync's new key, object, account or connection",
		Long: `For a sync that holds with key_changed, object_changed, account_changed or
connection_changed, and whose records at the destination are the same ones. What
was confirmed under the former identity goes on under the present one. For another
key the model is read once, by the old key's columns and the new ones: each record
keeps its mark under its new key, and is sent once more as an update, never as a
create. Nothing is changed at the destination.`,
		Example: "  exposync ledger rekey email_crm_export\n  exposync ledger rekey email_crm_export --yes",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, _, done := a.abortable(cmd.Context())
			defer done()
			s, err := a.open(ctx, "ledger rekey")
			if err != nil {
				return err
			}
			defer s.close()
			return s.rekey(ctx, args[0], yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do it; without this it only says what would happen")
	a.flags.dbtProgram(cmd)
	return cmd
}

func (s *session) rekey(ctx context.Context, name string, yes bool) error {
	j, ok := s.set.Find(name)
	if !ok {
		return s.noJob(ctx, name)
	}
	if len(j.Problems) > 0 {
		return s.a.located(j.Problems).Err()
	}
	if j.Hosted != nil {
		return noRecords(j, "exposync ledger reset "+s.ref(j.ID)+" forgets what was triggered")
	}
	req, err := s.request(ctx, j)
	if err != nil {
		return err
	}
	if err := s.judge(ctx, nil); err != nil {
		return err
	}
	r, err := s.engine().Rekey(ctx, req, engine.RekeyOptions{Do: yes, Proven: s.judgement(j.Exposure).Verdict.Open()})
	if err != nil {
		return err
	}
	if err := s.a.printText(rekeyText(r, j, s.ref(j.ID))); err != nil {
		return err
	}
	if !r.Done {
		s.a.say("nothing was changed")
		s.a.next("exposync ledger rekey %s --yes", s.ref(name))
	}
	return nil
}

// rekeyText says what becomes of what.
func rekeyText(r engine.Rekeyed, j plan.Job, ref string) string {
	would := func(did, will string) string {
		if r.Done {
			return did
		}
		return will
	}
	var b strings.Builder
	fmt.Fprintf(&b, "before  %s\nafter   %s\n", identityText(r.From), identityText(r.To))
	fmt.Fprintf(&b, "%d of %s confirmed %s carried over\n", r.Carried, plural(r.Confirmed, "record"), would("were", "would be"))
	if r.NewKey {
		as := "updates"
		if j.Mode == plan.Append {
			as = "new versions"
		}
		fmt.Fprintf(&b, "  %d %s sent again by the next run, as %s: under another key their\n  values are not proven (it holds with mapping_changed above the guard)\n",
			r.Again, would("will be", "would be"), as)
		if r.Gone > 0 {
			fmt.Fprintf(&b, "  %s no longer in the model: not carried over; they stay at the\n  destination as they are\n", plural(r.Gone, "key"))
		}
		if r.Unclear > 0 {
			fmt.Fprintf(&b, "  %s ambiguous (several rows have the old or the new key, or the new one\n  is null): not carried over; what is new about them is sent as creates\n", plural(r.Unclear, "key"))
		}
	}
	if r.Done {
		fmt.Fprintf(&b, "the former identity is forgotten\nnext: exposync plan --select %s\n", ref)
	}
	return b.String()
}

func identityText(id plan.SyncID) string {
	return fmt.Sprintf("%s -> %s.%s, account %s, key %s", id.Job, id.Connection, id.Object, id.Account, strings.Join(id.Key, ", "))
}
