package job

import (
	"strings"

	"exposync/internal/config"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// constant gives the value of {value: …} with its type, as the manifest has it.
func constant(r *config.Reader, n *yamlx.Node, src source) *plan.Constant {
	if was := src.trapped(r.Path("value"), n); was != "" {
		r.Fault("value", "yaml_trap", `write "`+was+`" for the text, or `+n.Text+` if you mean that`,
			"dbt reads the unquoted %s as %s", was, n.Text)
	}
	switch n.Kind {
	case yamlx.String:
		return plan.TextConstant(n.Text)
	case yamlx.Bool:
		return plan.BoolConstant(n.Text == "true")
	case yamlx.Number:
		if v, ok := plan.NumberConstant(n.Text); ok {
			return v
		}
		r.Fault("value", "setting_invalid", "put it in quotes to send it as text", "is a number too large or too small to send")
	case yamlx.Null:
		r.Fault("value", "setting_invalid", `write "" for an empty text`, "is empty%s", config.Trap(n))
	case yamlx.List, yamlx.Map:
		r.Fault("value", "setting_invalid", "", "must be one value, not %s", n.Kind)
	}
	return nil
}

// sameScalar reports whether the manifest has what the source seems to say:
// the same text, or the same number in another spelling.
func sameScalar(written, read *yamlx.Node) bool {
	if written.Text == read.Text {
		return true
	}
	if read.Kind == yamlx.Bool {
		return strings.EqualFold(written.Text, read.Text)
	}
	a, okA := plan.NumberConstant(written.Text)
	b, okB := plan.NumberConstant(read.Text)
	return okA && okB && string(a.Data) == string(b.Data)
}
