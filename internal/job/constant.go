package job

import (
	"slices"
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

// yaml11 reports whether an unquoted text is one of those that YAML 1.1, which
// dbt reads, takes for a value of that kind though it does not look like one:
// yes and off, 1:30 (base 60), 0123 (base 8), 1_000, 0x1F.
func yaml11(text string, kind yamlx.Kind) bool {
	switch kind {
	case yamlx.Bool:
		return slices.Contains([]string{"yes", "no", "on", "off"}, strings.ToLower(text))
	case yamlx.Number:
		digits := strings.TrimLeft(text, "+-")
		return strings.ContainsAny(digits, ":_xXob") || len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9'
	case yamlx.Null, yamlx.String, yamlx.List, yamlx.Map:
	}
	return false
}
