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
		"env_missing": {
			Title: "an environment variable is not set",
			Means: "A file asks for an environment variable with env_var('NAME') and gives no default. Only the chosen target of profiles.yml is read, so the variable is really needed.",
			Next:  "Set it for this command (export NAME=value, or a secret of your CI), or write a default: {{ env_var('NAME', 'value') }}.",
		},
		"var_missing": {
			Title: "a dbt variable is not set",
			Means: "A file asks for var('name') and gives no default, and no --vars was passed that holds it. Variables under vars: in dbt_project.yml do not count in profiles.yml, in dbt neither.",
			Next:  "Write a default: {{ var('name', 'value') }}, or use an environment variable.",
		},
		"jinja_invalid": {
			Title: "Jinja in a file cannot be read or evaluated",
			Means: "The expression is broken, or a filter got a value it cannot convert (int and as_number need a number, as_bool needs true or false). The value is not shown, because it may be a secret.",
			Next:  "Check the quotes and brackets of the expression, and the value of the variable it uses.",
		},
		"jinja_unsupported": {
			Title: "Jinja that Exposync does not know",
			Means: "Outside of dbt only a small part of Jinja can be evaluated: env_var, var, texts, ~, ==, !=, and, or, not, inline if, and the filters int, float, as_number, as_bool, as_native, as_text, string, trim, lower, upper and default.",
			Next:  "Put the final value into an environment variable and use {{ env_var('NAME') }}.",
		},
		"secret_unreadable": {
			Title: "a secret could not be read",
			Means: "A file: or exec: reference gave nothing: the file is missing, not readable or empty, or the command failed or wrote nothing. What the command wrote is not shown.",
			Next:  "Look at the file, or run the command yourself as the same user and in the same directory.",
		},
		"artifact_missing": {
			Title: "a file that dbt writes is not there",
			Means: "Exposync reads what dbt wrote (manifest.json, run_results.json) and the file is not where it was looked for. Nothing is judged or sent without it.",
			Next:  "Run dbt build first, in the same project, or say where its target folder is with --target-path. With --no-write-json dbt writes no files.",
		},
		"artifact_empty": {
			Title: "a file that dbt writes is empty",
			Means: "The file has no content, also after some more tries: dbt was stopped while it wrote, or the disk is full.",
			Next:  "Run dbt again.",
		},
		"artifact_truncated": {
			Title: "a file that dbt writes ends early",
			Means: "The file stops in the middle, or kept changing while it was read: dbt is still writing it, was stopped, or the disk is full. Half a manifest looks like a small project, so it is never used.",
			Next:  "Wait for dbt to end, or run it again. In CI, pass artifacts between jobs only after dbt has ended.",
		},
		"artifact_invalid": {
			Title: "a file that dbt writes cannot be read",
			Means: "The file is there, but it is not the JSON that dbt writes: broken by an edit or a merge, binary, in UTF-16 (PowerShell's > does that), or not readable for this user.",
			Next:  "Run dbt again and let it write the file itself. If the message names a byte, look at what changed the file there.",
		},
		"artifact_wrong_kind": {
			Title: "a file is another one than expected",
			Means: "The file can be read, but it is something else: another artifact of dbt, a web page (often a login page that curl stored), or unrelated JSON.",
			Next:  "Check the path. If the file is downloaded, open it and look at its first line.",
		},
		"manifest_too_old": {
			Title: "the manifest is of a dbt that is too old",
			Means: "The manifest has no schema version, as in dbt 0.18 and older. Those manifests lack what the gate needs. Exposync reads every version since dbt 0.19.",
			Next:  "Upgrade dbt. The newest minor of 1.x is the smallest step with support.",
		},
		"project_missing": {
			Title: "there is no dbt project here",
			Means: "Neither this folder nor any folder above it holds a dbt_project.yml.",
			Next:  "Change to the dbt project, or name its folder with --project-dir.",
		},
		"project_invalid": {
			Title: "dbt_project.yml is not complete",
			Means: "The file is YAML, but not a dbt project: it has no name.",
			Next:  "Run dbt debug, which checks the same file.",
		},
		"profiles_missing": {
			Title: "there is no profiles.yml",
			Means: "Exposync reads the warehouse with dbt's own connection. It looked where dbt looks: --profiles-dir, then DBT_PROFILES_DIR, then the current folder, the project's folder and ~/.dbt. A flag or a variable is the only place that is looked at.",
			Next:  "Name the folder with --profiles-dir. exposync gate and exposync ls need no profile.",
		},
		"profile_unknown": {
			Title: "profiles.yml does not have this profile",
			Means: "The profile that --profile, DBT_PROFILE or dbt_project.yml names is not in the file.",
			Next:  "Compare the profile: line of dbt_project.yml with the first level of profiles.yml, or pass --profile.",
		},
		"target_unknown": {
			Title: "the profile does not have this target",
			Means: "The target that --target, DBT_TARGET or the profile's target: line names is not among its outputs. Exposync never falls back to another one: it could be production.",
			Next:  "Pass one of the targets listed with --target, or add it under outputs: in profiles.yml.",
		},
		"profile_invalid": {
			Title: "the chosen output of profiles.yml is not complete",
			Means: "A setting that the connection needs is missing or has the wrong type. Settings of other outputs are not looked at.",
			Next:  "Run dbt debug --target NAME, which checks the same settings.",
		},
	}
}
