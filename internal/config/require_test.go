package config_test

import (
	"strings"
	"testing"
)

func TestRequireSandbox(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		tried      bool
		says       string
	}{
		{"at the connection", "  dev: sandbox\n  prod: {connections: {crm: {type: http, url: x, require: sandbox}}}\n", true, ""},
		{"at the target", "  dev: sandbox\n  prod: {require: sandbox, connections: {crm: {type: http, url: x}}}\n", true, ""},
		{"nowhere", "  dev: sandbox\n  prod: {connections: {crm: {type: http, url: x}}}\n", false, ""},
		{"another word", "  dev: sandbox\n  prod: {connections: {crm: {type: http, url: x, require: sandbx}}}\n", false, "did you mean \"sandbox\""},
		{"no sandbox", "  prod: {connections: {crm: {type: http, url: x, require: sandbox}}}\n", false, "no target is one"},
		{"at a sandbox", "  dev: {sandbox: true, require: sandbox}\n  prod: {connections: {crm: {type: http, url: x}}}\n", false, "cannot ask for another one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, problems := parse(t, "targets:\n"+tt.text)
			if tt.says != "" {
				if !strings.Contains(strings.Join(problems, "\n"), tt.says) {
					t.Errorf("problems %v", problems)
				}
				return
			}
			if problems != nil {
				t.Fatal(problems)
			}
			prod, _ := c.Connection("prod", "crm")
			dev, _ := c.Connection("dev", "crm")
			if prod.Tried != tt.tried || dev.Tried {
				t.Errorf("asked for: prod %v, dev %v", prod.Tried, dev.Tried)
			}
		})
	}
}
