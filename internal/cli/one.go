package cli

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/report"
)

func newTest(a *app) *cobra.Command {
	var keys []string
	send := false
	cmd := &cobra.Command{
		Use:   "test JOB --key KEY",
		Short: "take one record to its destination, and show all of it",
		Long: `Reads exactly one record, and shows its values in the warehouse, as they would be
sent and, where the destination can be read, as they are there; what the ledger
knows of it; and what a run would do about it. With --send it sends that record
alone and shows request and response, secrets hidden.

A record that is sent is remembered as in any run. Guards and holds do not apply
to one record, and a first run stays one: it is still asked for. Into anything
but a sandbox nothing is sent while the gate is shut.`,
		Example: `  exposync test email_crm_export --key jana@example.com
  exposync test email_crm_export --key jana@example.com --send
  exposync test order_lines_export --key order_id=17,line=2 --output json`,
		GroupID:           "daily",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeJob,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(keys) == 0 {
				return usage("exposync test "+args[0]+" --key KEY", "--key is missing: say which record")
			}
			return a.test(cmd.Context(), args[0], keys, send)
		},
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "the record's `KEY`; "+keyHelp)
	cmd.Flags().BoolVar(&send, "send", false, "send the record, and show request and response")
	a.flags.dbtProgram(cmd)
	a.flags.format(cmd, "text", "json")
	return cmd
}

func (a *app) test(ctx context.Context, name string, keys []string, send bool) error {
	ctx, stop, done := a.interruptible(ctx)
	defer done()
	s, err := a.open(ctx, "test")
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.judge(ctx, nil); err != nil {
		return err
	}
	j, parts, err := s.recordOf(ctx, name, keys)
	if err != nil {
		return err
	}
	req, err := s.request(ctx, j)
	if err != nil {
		return err
	}
	req.RunID = a.env.NewID()
	doc := s.oneOf(j)
	shut := send && !s.judgement(j.Exposure).Verdict.Open() && !j.Sandbox
	if shut {
		doc.NotSent = "the gate is shut: " + worst(s.judgement(j.Exposure))
	}
	e := s.engine()
	one, err := e.One(ctx, stop, engine.OneRequest{
		Request: req, Keys: parts, Send: send && !shut,
		Watch: func(ctx context.Context) context.Context { return a.watch(ctx, &doc.Said) },
	})
	if one == nil {
		return err
	}
	fillOne(&doc, one)
	code := oneExit(one, shut)
	doc.Problems = report.FaultsJSON(append(fault.All(err), one.Result.Problems...))
	if err != nil {
		code = fault.Worse(code, fault.ExitCode(err))
	}
	return a.printOne(doc, one, err, code)
}

// recordOf gives the job and the parts of the key that were typed.
func (s *session) recordOf(ctx context.Context, name string, keys []string) (plan.Job, []string, error) {
	j, ok := s.set.Find(name)
	switch {
	case !ok:
		return j, nil, s.noJob(ctx, name)
	case len(j.Problems) > 0:
		return j, nil, j.Problems
	}
	if j.Hosted != nil {
		return j, nil, noRecords(j, "exposync plan --select "+s.ref(j.ID)+" asks the tool about the sync")
	}
	parts, err := keyParts(j.ID, j.Key, keys...)
	return j, parts, err
}

// printOne shows the record, then what went wrong.
func (a *app) printOne(doc report.One, one *engine.One, problem error, code int) error {
	if a.flags.json() {
		if err := a.printJSON(doc); err != nil {
			return err
		}
	} else if err := a.printText(doc.Text(a.outStyle())); err != nil {
		return err
	}
	for _, err := range []error{problem, one.Result.Problems.Err()} {
		if err != nil {
			a.printError(err)
		}
	}
	return exit(code)
}

// oneExit is the exit code that the record's outcome leads to.
func oneExit(one *engine.One, shut bool) int {
	if shut {
		return fault.Blocked.ExitCode()
	}
	if one.Result.Status == "" {
		return 0
	}
	return exitCode(one.Result)
}

// oneOf begins the document with what is known without the record.
func (s *session) oneOf(j plan.Job) report.One {
	v := s.judgement(j.Exposure)
	reasons := v.Reasons
	if reasons == nil {
		reasons = []plan.Reason{}
	}
	return report.One{
		Job: j.ID, UniqueID: j.Exposure, From: j.Source.Name, To: j.To(), Target: s.target, Sandbox: j.Sandbox,
		Verdict: v.Verdict, Reasons: reasons, Said: []report.OneExchange{}, Problems: []report.FaultJSON{},
	}
}

func fillOne(doc *report.One, one *engine.One) {
	doc.FirstRun, doc.Why, doc.Sent = one.FirstRun, one.Why, one.Sent
	doc.Key, doc.Fields = oneFields(one.Key), oneFields(one.Fields)
	if one.There >= 0 {
		doc.There = &one.There
	}
	if doc.Change = "none"; one.Op != 0 {
		doc.Change = one.Op.String()
	}
	if m := one.Mark; m != nil {
		doc.Ledger = &report.OneMark{Confirmed: m.Confirmed(), Adopted: m.Adopted, RemoteID: m.RemoteID}
		if st := m.Standing; st != nil {
			doc.Ledger.Standing, doc.Ledger.Code, doc.Ledger.Reason, doc.Ledger.Attempts = engine.StateOf(*st), st.Code, st.Reason, st.Attempts
			doc.Ledger.Since = unixTime(st.Since)
		}
	}
	if c := one.Result.Counts; c.Changes() > 0 {
		out := &report.OneOutcome{State: "not_sent", Code: one.Outcome.Code, Message: one.Outcome.Message, RemoteID: one.Outcome.RemoteID}
		switch {
		case c.OK > 0:
			out.State = "ok"
		case c.Rejected > 0:
			out.State = "rejected"
		case c.InDoubt > 0:
			out.State = "in_doubt"
		}
		doc.Outcome = out
	}
}

func oneFields(list []engine.OneField) []report.OneField {
	out := []report.OneField{}
	for _, f := range list {
		item := report.OneField{
			Field: f.Name, Column: f.Column, Kind: f.Ours.Kind.String(), Ours: valueText(f.Ours), Sent: valueText(f.Sent),
			Left: f.Sent.Kind == record.Absent,
		}
		if f.Theirs != nil {
			item.There, item.Known = valueText(*f.Theirs), true
		}
		out = append(out, item)
	}
	return out
}

// valueText is a value as people read it, nil for none.
func valueText(v record.Value) *string {
	text := string(v.Data)
	switch {
	case v.Kind == record.Null || v.Kind == record.Absent:
		return nil
	case !utf8.ValidString(text):
		text = fmt.Sprintf("%d bytes", len(v.Data))
	}
	return &text
}
