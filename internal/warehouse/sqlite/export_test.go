package sqlite

// SlashURI is the address of a file whose path has slashes.
func SlashURI(path string) string { return slashURI(path) }
