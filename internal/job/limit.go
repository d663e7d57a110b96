package job

import (
	"math"
	"strconv"
	"strings"

	"exposync/internal/config"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// readLimit reads a limit: "1%", 20, "1%, 20" (whichever is more), or off.
// It is nil if the key is not there or cannot be read.
func readLimit(r *config.Reader, key string) *plan.Limit {
	n := r.Node(key)
	if n == nil {
		return nil
	}
	l, ok := limit(n)
	if !ok {
		r.Fault(key, "setting_invalid", `write a share as "1%", a whole number of records as 20, both as "1%, 20", or off`,
			"is not a limit%s", limitTrap(n))
		return nil
	}
	return &l
}

func limit(n *yamlx.Node) (plan.Limit, bool) {
	switch n.Kind {
	case yamlx.Bool: // an unquoted off
		return plan.Limit{Off: true}, n.Text == "false"
	case yamlx.Number, yamlx.String:
	case yamlx.Null, yamlx.List, yamlx.Map:
		return plan.Limit{}, false
	}
	if n.Text == "off" {
		return plan.Limit{Off: true}, true
	}
	var l plan.Limit
	shares, counts := 0, 0
	for part := range strings.SplitSeq(n.Text, ",") {
		part = strings.TrimSpace(part)
		if text, isShare := strings.CutSuffix(part, "%"); isShare {
			share, ok := share(strings.TrimSpace(text))
			if !ok {
				return plan.Limit{}, false
			}
			l.Share = share
			shares++
			continue
		}
		records, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return plan.Limit{}, false
		}
		l.Records = int(records)
		counts++
	}
	return l, shares <= 1 && counts <= 1
}

// share reads the number before a percent sign.
func share(text string) (float64, bool) {
	if strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || v > 100 {
		return 0, false
	}
	return v / 100, true
}

// limitTrap explains the two mistakes that are easily made.
func limitTrap(n *yamlx.Node) string {
	switch {
	case n.Kind == yamlx.Number && strings.Contains(n.Text, "."):
		return ": a share needs its percent sign"
	case n.Kind == yamlx.String && strings.HasSuffix(n.Text, "%"):
		return ": a share is between 0% and 100%"
	case n.Kind == yamlx.Null:
		return config.Trap(n)
	}
	return ""
}
