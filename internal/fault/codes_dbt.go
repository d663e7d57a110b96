package fault

// dbtPages has the codes of reading artifacts and profiles.
func dbtPages() map[string]Page {
	return map[string]Page{}
}
