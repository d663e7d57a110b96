package fault

// configPages has the codes of exposync.yml, exposure metadata and the command line.
func configPages() map[string]Page {
	return map[string]Page{}
}
