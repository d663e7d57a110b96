package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"exposync/internal/dbt"
	"exposync/internal/plan"
	"exposync/internal/report"
)

func newList(a *app) *cobra.Command {
	all, online := false, false
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the exposures and the syncs they declare",
		Long: `Lists the enabled exposures of type application with the syncs they declare.
It needs a manifest and nothing else; problems in the metadata are listed too.`,
		Example: "  exposync ls\n  exposync ls --online\n  exposync ls --output json --manifest target/manifest.json",
		GroupID: "daily",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, _, done := a.abortable(cmd.Context())
			defer done()
			s, err := a.look(ctx)
			if err != nil {
				return err
			}
			defer s.close()
			doc := s.listing(all)
			if online {
				s.online(cmd.Context(), &doc)
			}
			if a.flags.json() {
				return a.printJSON(doc)
			}
			return a.printText(doc.Text(a.outStyle()))
		},
	}
	cmd.Flags().BoolVar(&online, "online", false, "ask the hosted tools, too: which syncs are gone, switched off, run by themselves, or declared by no exposure")
	cmd.Flags().BoolVar(&all, "all", false, "every enabled exposure, whatever its type")
	a.selection(cmd)
	a.cloud(cmd)
	a.flags.format(cmd, "text", "json")
	return cmd
}

// listing is the value of ls.
func (s *session) listing(all bool) report.Exposures {
	doc := report.Exposures{Exposures: []report.ExposureJSON{}}
	for _, x := range s.candidates(all) {
		item := report.ExposureJSON{
			UniqueID: x.UniqueID, Name: x.Name, Type: x.Type, Label: x.Label, Owner: owner(x), URL: x.URL, Path: x.Path,
			DependsOn: slices.Clone(x.DependsOn), Ancestors: len(s.project.Ancestors(x.UniqueID)), Jobs: []report.JobJSON{},
		}
		if item.DependsOn == nil {
			item.DependsOn = []string{}
		}
		for _, j := range s.set.Jobs {
			if j.Exposure == x.UniqueID && s.selects(x, j.ID) {
				item.Jobs = append(item.Jobs, jobJSON(j))
			}
		}
		doc.Exposures = append(doc.Exposures, item)
	}
	return doc
}

func jobJSON(j plan.Job) report.JobJSON {
	out := report.JobJSON{ID: j.ID, From: j.Source.Name, To: j.To(), Mode: string(j.Mode), Problems: report.FaultsJSON(j.Problems)}
	if j.Hosted != nil {
		out.Mode = "hosted"
	}
	for _, k := range j.Key {
		out.Key = append(out.Key, k.Field)
	}
	return out
}

func owner(x *dbt.Exposure) string {
	if x.OwnerName != "" {
		return x.OwnerName
	}
	if len(x.OwnerEmails) > 0 {
		return x.OwnerEmails[0]
	}
	return ""
}
