package cli

import (
	"path/filepath"
	"testing"

	"exposync/internal/config"
	"exposync/internal/fault"
)

func TestHomeOf(t *testing.T) {
	t.Parallel()
	both := map[string]string{"HOME": "/c/msys", "USERPROFILE": `C:\Users\x`}
	for _, tt := range []struct {
		system string
		env    map[string]string
		want   string
	}{
		{"linux", both, "/c/msys"},
		{"darwin", both, "/c/msys"},
		{"windows", both, `C:\Users\x`},
		{"windows", map[string]string{"HOME": `D:\x`}, `D:\x`},
		{"linux", map[string]string{"USERPROFILE": "/x"}, "/x"},
		{"windows", map[string]string{}, ""},
	} {
		got := homeOf(tt.system, func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok })
		if got != tt.want {
			t.Errorf("%s, %v: %q, want %q", tt.system, tt.env, got, tt.want)
		}
	}
}

// Rows of jobs whose names differ by case only do not share a file.
func TestRowsNamesDifferBeyondCase(t *testing.T) {
	t.Parallel()
	var jobs []savedJob
	for _, tt := range []struct{ id, want string }{
		{"crm", "plan.json.crm.rows"},
		{"Crm", "plan.json.Crm.2.rows"},
		{"CRM", "plan.json.CRM.3.rows"},
		{"crm.contacts", "plan.json.crm.contacts.rows"},
	} {
		got := rowsName("plan.json", tt.id, jobs)
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.id, got, tt.want)
		}
		jobs = append(jobs, savedJob{ID: tt.id, Rows: got})
	}
}

// Files that an editor on Windows saved have the same lines.
func TestCarriageReturns(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "exposync.yml")
	_, err := config.Parse(file, []byte("targets:\r\n  prod:\r\n    connections:\r\n      crm: {type: file, path: out, fromat: csv}\r\n"), connectors{})
	list := fault.All(err)
	if len(list) != 1 || list[0].Code != "unknown_key" || list[0].Where != file+":4" {
		t.Errorf("%v, want one unknown_key at line 4", list)
	}
	c, err := config.Parse(file, []byte("targets:\r\n  prod: sandbox\r\n"), connectors{})
	if err != nil || !c.Targets["prod"].Sandbox {
		t.Errorf("%+v, %v", c, err)
	}
}
