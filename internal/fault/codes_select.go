package fault

// selectPages has the codes of --select, --exclude, --selector and --state.
func selectPages() map[string]Page {
	return map[string]Page{
		"selector_invalid": {
			Title: "a selector cannot be understood",
			Means: "Selectors are those of dbt: [@][n+][method:]value[+n], where blanks mean or and commas mean and. The method, its value or the operators of this one are not known, so nothing was selected and nothing done.",
			Next:  "Compare with dbt: dbt ls --select '...' answers the same. Only owner:, the owner of an exposure, is Exposync's own. Quote * ? [ ] so that the shell leaves them alone.",
		},
		"selector_unknown": {
			Title: "there is no selector of that name",
			Means: "--selector and selector: take a name of selectors.yml. dbt copies that file into manifest.json, and the copy that is read here has no such name.",
			Next:  "Check the name. If selectors.yml has changed since dbt ran: dbt parse, or dbt build again.",
		},
		"state_missing": {
			Title: "a selector compares with an earlier state, and there is none",
			Means: "state: compares with the manifest.json of an earlier dbt run, source_status: with its sources.json (and with the newest one in the target folder), result: looks into run_results.json. The file is not in the folder of --state, or --state was not given.",
			Next:  "--state DIR, a folder with the artifacts of an earlier run, not the target folder itself: dbt overwrites that.",
		},
	}
}
