package gate

import "strings"

// commands are what a next step may start with where dbt takes --target, the
// longer ones first.
func commands() []string {
	return []string{"dbt source freshness", "dbt build", "dbt test", "dbt retry", "dbt run", "exposync build"}
}

// next repeats the target in a command to type: without it dbt would take
// the profile's own, which is another database.
func (f *Facts) next(command string) string {
	if f.repeat == "" || strings.Contains(command, "--target ") {
		return command
	}
	for _, c := range commands() {
		if rest, ok := strings.CutPrefix(command, c); ok && (rest == "" || rest[0] == ' ') {
			return c + " --target " + f.repeat + rest
		}
	}
	return command
}
