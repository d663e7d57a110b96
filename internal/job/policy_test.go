package job_test

import (
	"strings"
	"testing"

	"exposync/internal/job"
	"exposync/internal/plan"
)

func TestWhatIsOursAndWhatADoubtMeans(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		meta    string
		owned   plan.Owned
		doubt   plan.OnInDoubt
		problem string
	}{
		"nothing said":     {`"mode":"mirror"`, plan.OwnedConfirmed, plan.HoldInDoubt, ""},
		"the defaults":     {`"mode":"mirror","owned":"confirmed","on_in_doubt":"hold"`, plan.OwnedConfirmed, plan.HoldInDoubt, ""},
		"all of it":        {`"mode":"mirror","owned":"all","on_in_doubt":"assume_sent"`, plan.OwnedAll, plan.AssumeSent, ""},
		"resend":           {`"mode":"append","on_in_doubt":"resend"`, plan.OwnedConfirmed, plan.Resend, ""},
		"no mirror":        {`"owned":"all"`, plan.OwnedAll, plan.HoldInDoubt, `owned: all: only mode mirror deletes (setting_invalid)`},
		"no word of ours":  {`"mode":"mirror","owned":"everything"`, plan.OwnedConfirmed, plan.HoldInDoubt, `owned: must be confirmed or all, not "everything" (setting_invalid)`},
		"nearly one":       {`"on_in_doubt":"assume_send"`, plan.OwnedConfirmed, plan.HoldInDoubt, `on_in_doubt: must be hold, resend or assume_sent, not "assume_send"; did you mean "assume_sent"? (setting_invalid)`},
		"not even a word":  {`"on_in_doubt":true`, plan.OwnedConfirmed, plan.HoldInDoubt, `on_in_doubt: must be hold, resend or assume_sent, not true or false`},
		"the sync says it": {`"mode":"mirror","on_in_doubt":"resend","syncs":{"a":{"owned":"all","on_in_doubt":"hold"}}`, plan.OwnedAll, plan.HoldInDoubt, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := shop("export_customers")
			expose(p, "x", `{"to":"crm.c","key":"id","fields":"all",`+tt.meta+`}`, "export_customers")
			set := job.Build(p, settings(t), job.Options{Target: "prod"})
			j := set.Jobs[0]
			if j.Owned != tt.owned || j.OnInDoubt != tt.doubt {
				t.Errorf("owned %q, on_in_doubt %q", j.Owned, j.OnInDoubt)
			}
			got := ""
			for _, f := range j.Problems {
				got += f.Error()
			}
			if (tt.problem == "") != (got == "") || !strings.Contains(got, tt.problem) {
				t.Errorf("problems: %s", got)
			}
		})
	}
}
