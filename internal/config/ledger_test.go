package config_test

import (
	"strings"
	"testing"

	"exposync/internal/config"
	"exposync/internal/fault"
)

func TestParseLedgerReadsWhatStandsBehindIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want config.Ledger
		err  string // part of the message
	}{
		"a map":           {`dir: other`, config.Ledger{Dir: "other"}, ""},
		"in braces":       {`{dir: other, kept: true}`, config.Ledger{Dir: "other", Kept: true}, ""},
		"a directory":     {`../other`, config.Ledger{Dir: "../other"}, ""},
		"another key":     {`dri: x`, config.Ledger{}, `unknown key "dri"; did you mean "dir"`},
		"not true":        {`kept: "true"`, config.Ledger{}, "kept: must be true or false"},
		"kept elsewhere":  {`{s3: s3://b/p, kept: true}`, config.Ledger{}, "kept: belongs to a ledger in a directory"},
		"nothing":         {`{}`, config.Ledger{}, "names no ledger"},
		"an address":      {`postgres://me:hunter2@db/x`, config.Ledger{}, "must be a map"},
		"a list":          {`[a]`, config.Ledger{}, "must be a map"},
		"an empty folder": {`dir: ""`, config.Ledger{}, "dir: is empty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.ParseLedger("--to", tt.text)
			if tt.err == "" {
				if err != nil || got.Dir != tt.want.Dir || got.Kept != tt.want.Kept {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "hunter2") || fault.All(err)[0].Hint == "" {
				t.Errorf("err = %v, want %q", err, tt.err)
			}
		})
	}
}
