package fault

// gatePages has the codes of the gate's reasons.
func gatePages() map[string]Page {
	return map[string]Page{}
}
