package servicetest

import (
	"context"
	"os/exec"
	"testing"
)

// NewStripeMock starts stripe-mock, which checks requests against Stripe's
// official description and stores nothing, and gives its address. It ends with
// the test.
func NewStripeMock(tb testing.TB) string {
	tb.Helper()
	address := freeAddress(tb)
	// without an address of its own the other listener is open to the network
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), binary(tb, stripeMock), //nolint:gosec // the test server
		"-http-addr", address, "-https-addr", freeAddress(tb))
	return start(tb, address, "/v1/balance", cmd).url
}
