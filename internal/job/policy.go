package job

import (
	"exposync/internal/config"
	"exposync/internal/plan"
)

// readOwned reads owned: which records a mirror may delete.
func readOwned(r *config.Reader) plan.Owned {
	if r.Choice("owned", "confirmed", string(plan.OwnedAll)) == string(plan.OwnedAll) {
		return plan.OwnedAll
	}
	return plan.OwnedConfirmed
}

// readOnInDoubt reads on_in_doubt: the way out of a doubt where sending twice
// would do harm.
func readOnInDoubt(r *config.Reader) plan.OnInDoubt {
	word := plan.OnInDoubt(r.Choice("on_in_doubt", "hold", string(plan.Resend), string(plan.AssumeSent)))
	if word == "hold" {
		return plan.HoldInDoubt
	}
	return word
}
