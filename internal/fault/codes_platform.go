package fault

// platformPages has the codes of dbt platform (dbt Cloud) as the origin of
// artifacts.
func platformPages() map[string]Page {
	return map[string]Page{
		"dbt_cloud_not_set": {
			Title: "exposync.yml does not say where dbt platform is",
			Means: "--dbt-cloud-run fetches the artifacts of a run from dbt platform (dbt Cloud). Its host differs from account to account, so there is none that could be taken for granted.",
			Next:  "Add to exposync.yml: dbt_cloud: {host: abc123.us1.dbt.com, account: 123, job: 456, token: \"{{ env_var('DBT_CLOUD_TOKEN') }}\"}. Host and numbers stand in the address of a run in the browser. See docs/dbt-platform.md.",
		},
		"dbt_cloud_auth": {
			Title: "dbt platform does not accept the token",
			Means: "It answered 401: the token is wrong, has expired, or is of another region or account.",
			Next:  "Create a service token under Account settings, Service tokens, and put it where dbt_cloud.token in exposync.yml refers to. Check that dbt_cloud.host is the access URL of the same account.",
		},
		"dbt_cloud_denied": {
			Title: "the token may not read runs",
			Means: "dbt platform answered 403: the token is known, but its permission sets do not let it read runs and artifacts of this project.",
			Next:  "Give the service token the permission set Job Viewer (or Read-only, Member) for the project. It needs no more: nothing is ever written or started.",
		},
		"dbt_cloud_reply": {
			Title: "what answers is not the API of dbt platform",
			Means: "The answer is a web page, often of a login, or not the JSON that was asked for. The host is probably that of another region, of a proxy, or not dbt platform at all.",
			Next:  "Correct dbt_cloud.host in exposync.yml: Account settings, Access URLs, in dbt platform.",
		},
		"dbt_cloud_run_missing": {
			Title: "there is no such run",
			Means: "dbt platform knows no run with this number in the account, or the token may not see its project; it answers both with 404.",
			Next:  "Check the number (it ends the address of the run in the browser) and dbt_cloud.account, or ask for --dbt-cloud-run latest.",
		},
		"dbt_cloud_no_run": {
			Title: "the job has no run that ended",
			Means: "--dbt-cloud-run latest means the newest run of the job that ended, whatever its status. There is none: the job never ran, every run still goes on or was cancelled before it began, or the token may not see the job.",
			Next:  "Check --job (or dbt_cloud.job in exposync.yml), or name a run: --dbt-cloud-run ID.",
		},
		"dbt_cloud_run_unfinished": {
			Title: "the run has not ended",
			Means: "The run is queued or goes on. What it built so far says nothing about what it still does, and its artifacts are saved at its end only.",
			Next:  "Wait for its end and type the command again. In a pipeline, begin with the webhook job.run.completed of dbt platform, which is sent when the artifacts are there (job.run.errored comes before that).",
		},
		"dbt_cloud_no_artifacts": {
			Title: "the run left no artifacts",
			Means: "dbt platform saved nothing of the run that could prove anything: it was cancelled before dbt began, failed while the repository was cloned, its artifacts were not saved, or none of its steps builds or tests (dbt docs generate, compile and ls do not). Nothing says what was built.",
			Next:  "Look at the run in dbt platform and run the job again. If the run ended seconds ago, type the command again.",
		},
		"dbt_cloud_artifact_missing": {
			Title: "a step built or tested, and its results are not there",
			Means: "The step ended well, so dbt wrote run_results.json and manifest.json, but dbt platform does not give them. A failure that stands in them would be overlooked, so nothing is judged.",
			Next:  "Type the command again in a minute. If the step has --no-write-json, remove that. Else run the job again.",
		},
		"dbt_cloud_wrong_run": {
			Title: "the run is not of the job, project or account that was asked for",
			Means: "The run exists, but is of another job than --job or dbt_cloud.job, or of another project or account than exposync.yml says. Another job may build into another schema, so its success proves nothing here.",
			Next:  "Name a run of this job, or the job of this run: --job ID.",
		},
		"dbt_cloud_wrong_project": {
			Title: "the run is of another dbt project",
			Means: "The manifest of the run has another project name than dbt_project.yml in this folder.",
			Next:  "Go to the folder of the run's project, or correct dbt_cloud: in exposync.yml (host, account, job).",
		},
		"http_unkept": {
			Title: "an answer could not be written to disk",
			Means: "A large answer goes to disk as it comes. The disk is full, or the folder may not be written.",
			Next:  "Make room, or correct the permissions of the folder in the message, then type the command again.",
		},
	}
}
