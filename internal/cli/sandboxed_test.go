package cli_test

import (
	"testing"

	"exposync/internal/cli"
)

// Whatever a description or an answer names: a sandbox's connection stays on
// this machine.
func TestASandboxReachesThisMachineOnly(t *testing.T) {
	t.Parallel()
	for address, reached := range map[string]bool{
		"http://127.0.0.1:8765/as/hubspot/crm": true, "http://[::1]:8765/": true,
		"https://api.hubapi.com/": false, "http://10.0.0.1/": false, "http://localhost.example.com/": false, "http://0.0.0.0:80/": false,
	} {
		if err := cli.SandboxReaches(address); (err == nil) != reached {
			t.Errorf("%s: %v", address, err)
		}
	}
}
