package cli

// who tells who runs this process, for the history of runs: the person that a
// CI service names, else the user and the machine.
func (a *app) who() string {
	get := func(name string) string {
		value, _ := a.env.Lookup(name)
		return value
	}
	for _, ci := range []struct{ service, actor string }{
		{"GitHub", "GITHUB_ACTOR"},
		{"GitLab", "GITLAB_USER_LOGIN"},
		{"Buildkite", "BUILDKITE_BUILD_CREATOR_EMAIL"},
		{"CircleCI", "CIRCLE_USERNAME"},
		{"Azure Pipelines", "BUILD_REQUESTEDFOREMAIL"},
		{"Jenkins", "BUILD_USER_ID"},
	} {
		if actor := get(ci.actor); actor != "" {
			return actor + " (" + ci.service + ")"
		}
	}
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if user := get(name); user != "" && a.env.Host != "" {
			return user + "@" + a.env.Host
		} else if user != "" {
			return user
		}
	}
	return a.env.Host
}
