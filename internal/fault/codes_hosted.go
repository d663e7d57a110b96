package fault

// hostedPages has the codes of calls to tools in which hosted syncs live.
func hostedPages() map[string]Page {
	return map[string]Page{
		"hosted_missing": {
			Title: "the tool has no such sync",
			Means: "The hosted tool answered that the sync does not exist. The id is mistyped or of a run instead of a sync, the sync was deleted, or the credential belongs to another workspace, in which it cannot be seen. Nothing was started.",
			Next:  "Open the sync in the tool and compare the id in its address with the one behind `hosted:` in the exposure. If they are the same, make a credential in the workspace of that sync.",
		},
		"hosted_denied": {
			Title: "the tool does not accept the credential",
			Means: "The hosted tool answered 401 or 403: the credential is wrong, has ended or was revoked (also when the person who made it was deactivated), or may not do this. Where tokens end by themselves a new one was fetched first, and was refused as well. Nothing was started.",
			Next:  "Make a new credential in the tool, put it where the connection in exposync.yml takes it from (env_var, file), and run again. Triggering takes the right to run syncs, not only to read them.",
		},
		"hosted_refused": {
			Title: "the tool refuses to start the sync",
			Means: "The hosted tool understood the request and will not do it: what it was asked for is not valid for this sync. Nothing was started, and asking again would change nothing.",
			Next:  "Read the tool's words in the message, and correct the sync there. With --full-resync: some syncs and tools cannot send every record again.",
		},
		"hosted_busy": {
			Title: "another run of the sync is going on",
			Means: "The tool runs a sync only once at a time, and somebody else's run is not done: its own schedule, a person, or an earlier command. That run may have read the data before dbt rebuilt it, so it does not count as ours.",
			Next:  "Wait until that run has ended, then run again. If it happens often, take the sync's own schedule off in the tool: exposync triggers it when dbt is done.",
		},
		"hosted_reply": {
			Title: "the tool's answer cannot be understood",
			Means: "The answer was one of success, but not what was asked for: a web page (a login, a proxy), no JSON, or JSON without the id or the status that the tool documents. That is never taken for success. After a trigger nobody knows whether a run was started.",
			Next:  "Check base_url of the connection, and open it with curl and the same credential from the same machine. Before you start the sync again, look at its history in the tool.",
		},
		"hosted_unavailable": {
			Title: "the tool did not answer",
			Means: "There was no connection, no answer in time, or the tool answered with an error of its own (5xx). Reading calls were repeated before this was said. A trigger is repeated only while it surely did not arrive: after that its run is looked for instead.",
			Next:  "Look at the status page of the tool and try its address with curl from the same machine. Then run again: a run that was started is found again, and nothing is started twice.",
		},
		"hosted_run_gone": {
			Title: "the tool does not know the run any more",
			Means: "The run was started, and now the tool answers that it does not exist: it was deleted, belongs to another workspace, or the sync was. How it ended is not known, so it counts neither as done nor as failed.",
			Next:  "Look at the history of the sync in the tool. If its data is not there, run again.",
		},
		"hosted_no_list": {
			Title: "the tool cannot list the runs of a sync",
			Means: "A trigger got no clear answer, and the tool has no call with which its run could be looked for. Whether a run was started is not known, and another one was not started on a guess.",
			Next:  "Look at the history of the sync in the tool: if there is a run, wait for it; if there is none, run again.",
		},
	}
}
