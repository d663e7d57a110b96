package cli

import (
	"context"
	"slices"
	"strings"

	"exposync/internal/fault"
)

// ref is a job in a command to type: with --target where the user typed one,
// because the command would mean another target without it.
func (s *session) ref(job string) string { return job + s.typedTarget() }

// typedTarget repeats --target for the next command.
func (s *session) typedTarget() string {
	if s.a.flags.target == "" {
		return ""
	}
	return " --target " + s.a.flags.target
}

// word is a text as one word of a command to type.
func word(text string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("@%+=:,./-_…", c)
	}
	if text != "" && !strings.ContainsFunc(text, func(c rune) bool { return !plain(c) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// noJob is the fault of a job that no exposure declares.
func (s *session) noJob(ctx context.Context, name string) error {
	return usage("exposync ls", "there is no job %q%s", name, near(name, s.jobNames(ctx)))
}

// noLedger is the fault of asking a ledger that is not there.
func (s *session) noLedger() error {
	return usage("exposync run", "there is no ledger at %s: nothing is remembered", s.ledgerName())
}

// nothingOf is the fault of asking about a job that nothing is remembered of.
func (s *session) nothingOf(ctx context.Context, job, target string) error {
	under, known := "", s.jobNames(ctx)
	if target != "" {
		under = " under target " + target
	}
	if slices.Contains(known, job) {
		return usage("exposync status", "nothing is remembered of the job %q%s", job, under)
	}
	return usage("exposync ledger show", "nothing is remembered of a job %q%s%s", job, under, near(job, known))
}

// jobNames are the jobs that are declared or remembered.
func (s *session) jobNames(ctx context.Context) []string {
	var names []string
	for _, j := range s.set.Jobs {
		names = append(names, j.ID)
	}
	if s.ledger != nil {
		contents, _ := s.ledger.Contents(ctx) // what is damaged was said already
		for _, y := range contents.Syncs {
			names = append(names, y.Sync.Job)
		}
		for _, j := range contents.Jobs {
			names = append(names, j.Job)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// near is the end of a message that names what was probably meant.
func near(word string, known []string) string {
	if s := fault.Suggest(word, known); s != "" && s != word {
		return "; did you mean " + s + "?"
	}
	return ""
}
