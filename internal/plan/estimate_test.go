package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/plan"
)

func TestSum(t *testing.T) {
	t.Parallel()
	of := func(connection string, e plan.Estimate) plan.Plan {
		return plan.Plan{Sync: plan.SyncID{Connection: connection}, Estimate: e}
	}
	tests := map[string]struct {
		plans []plan.Plan
		want  plan.Total
	}{
		"none": {nil, plan.Total{}},
		"one connection shares its limit": {[]plan.Plan{
			of("crm", plan.Estimate{Calls: 10, PerSecond: 2, Seconds: 5, Shared: true}), of("crm", plan.Estimate{Calls: 4, PerSecond: 2, Seconds: 2, Shared: true}),
		}, plan.Total{Calls: 14, Seconds: 7}},
		"two run beside each other": {[]plan.Plan{
			of("crm", plan.Estimate{Calls: 10, PerSecond: 2, Seconds: 5, Shared: true}), of("erp", plan.Estimate{Calls: 4, PerSecond: 2, Seconds: 2, Shared: true}),
		}, plan.Total{Calls: 14, Seconds: 5}},
		"limits of their own run beside each other": {[]plan.Plan{
			of("crm", plan.Estimate{Calls: 10, PerSecond: 2, Seconds: 5}), of("crm", plan.Estimate{Calls: 4, PerSecond: 2, Seconds: 2}),
		}, plan.Total{Calls: 14, Seconds: 5}},
		"what is not known is named once": {[]plan.Plan{
			of("erp", plan.Estimate{Calls: 1}), of("crm", plan.Estimate{Calls: 10, PerSecond: 2, Seconds: 5, Shared: true}), of("erp", plan.Estimate{Calls: 1}), of("idle", plan.Estimate{}),
		}, plan.Total{Calls: 12, Seconds: 5, Unknown: []string{"erp"}}},
	}
	for name, tt := range tests {
		if d := cmp.Diff(tt.want, plan.Sum(tt.plans)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
