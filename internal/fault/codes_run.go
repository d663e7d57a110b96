package fault

// runPages has the codes of planning, guards, ledger and running.
func runPages() map[string]Page {
	return map[string]Page{
		"internal": {
			Title: "a mistake of Exposync's own",
			Means: "Something happened that Exposync does not expect. No record was confirmed that the destination did not confirm.",
			Next:  "Run again with --debug and report the output.",
		},
	}
}
