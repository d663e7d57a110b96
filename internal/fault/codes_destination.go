package fault

// destinationPages has the codes of destinations and the sandbox.
func destinationPages() map[string]Page {
	return map[string]Page{}
}
