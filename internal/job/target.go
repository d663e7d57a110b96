package job

// ResolveTarget chooses the dbt target: the one that was asked for on the
// command line, else the one that the dbt run says it used, else the
// profile's own. from says which it was, for messages.
func ResolveTarget(flag, ran, profile string) (target, from string) {
	switch {
	case flag != "":
		return flag, "--target"
	case ran != "":
		return ran, "run_results.json"
	case profile != "":
		return profile, "profiles.yml"
	}
	return "", ""
}
