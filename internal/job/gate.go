package job

import (
	"fmt"
	"time"

	"exposync/internal/config"
	"exposync/internal/yamlx"
)

// GateOverride is what an exposure says about its own gate: the knobs that it
// sets, and tests that it lets be red for a while.
type GateOverride struct {
	config.Gate
	Waive []Waiver
}

// Waiver excuses one dbt node, until a day and for a reason.
type Waiver struct {
	Node   string // name or unique_id, may hold * and ?
	Reason string
	Until  time.Time // midnight UTC at the start of the last day on which it counts
	Where  string
}

func readGate(r *config.Reader) GateOverride {
	g := GateOverride{Gate: config.ReadGate(r)}
	list := r.Node("waive")
	if list != nil && list.Kind != yamlx.List {
		r.Fault("waive", "setting_invalid", "write `waive: [{node: …, reason: …, until: …}]`", "must be a list, not %s", list.Kind)
		list = nil
	}
	if list != nil {
		for i := range list.Items {
			g.Waive = append(g.Waive, readWaiver(r.Item("waive", i)))
		}
	}
	r.Done()
	return g
}

// readWaiver reads one waiver. All three keys are needed: a red test that is
// excused without a reason or for ever is one that nobody looks at again.
func readWaiver(r *config.Reader) Waiver {
	w := Waiver{Where: r.Place("").Where}
	for _, key := range []string{"node", "reason", "until"} {
		if r.Node(key) == nil {
			r.Fault("", "setting_missing", "add "+key, "%s is missing", key)
		}
	}
	w.Node, w.Reason = r.Text("node"), r.Text("reason")
	if until := r.Text("until"); until != "" {
		day, err := time.Parse(time.DateOnly, until)
		if err != nil {
			r.Fault("until", "setting_invalid", fmt.Sprintf("write a day as %q", "2026-12-31"), "must be a day, not %q", until)
		}
		w.Until = day
	}
	r.Done()
	return w
}
