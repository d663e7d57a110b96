package fault

// dbtPages has the codes of reading artifacts and profiles, and of the YAML
// and the references in any file.
func dbtPages() map[string]Page {
	return map[string]Page{
		"yaml_syntax": {
			Title: "a file is not valid YAML",
			Means: "The file could not be read because its YAML is broken at the line shown, or just above it. Nothing of the file is used.",
			Next:  "Fix the line. The usual causes are a tab, a wrong indentation, a missing quote, or Jinja without quotes around it: write \"{{ env_var('X') }}\".",
		},
		"yaml_duplicate_key": {
			Title: "a key stands twice in the same map",
			Means: "YAML readers silently keep one of two equal keys, and not always the same one. Exposync stops, because the other line is a setting that somebody believes in.",
			Next:  "Remove one of the two lines.",
		},
		"json_syntax": {
			Title: "a text is not valid JSON",
			Means: "JSON was expected and could not be read. The byte at which it stops being JSON is shown, its text is not.",
			Next:  "Write the file again with the tool that made it.",
		},
	}
}
