package fault

// hostedRunPages has the codes of declaring syncs of hosted tools, and of
// triggering them and watching them.
func hostedRunPages() map[string]Page {
	return map[string]Page{
		"connection_hosted": {
			Title: "`to:` names a hosted tool",
			Means: "Records are written to a connection of `to:`. This one is a tool in which syncs live, such as Hightouch or Census: they can be triggered and watched, nothing is written to them.",
			Next:  "Write `hosted: CONNECTION/ID` in place of `to:`, `key:` and `fields:`, with the id of the sync in the tool.",
		},
		"connection_not_hosted": {
			Title: "`hosted:` names something that has no syncs of its own",
			Means: "A connection of `hosted:` is a tool in which syncs live. This one is a place that records are written to.",
			Next:  "Write `to: CONNECTION.OBJECT` with `key:` and `fields:`, or name the hosted tool.",
		},
		"setting_conflict": {
			Title: "two settings contradict each other",
			Means: "One of them belongs to a sync whose rows Exposync moves itself (`to:`), the other to a sync of a hosted tool (`hosted:`). A sync is one of the two.",
			Next:  "Remove the one that is not meant. Several syncs of one exposure stand under `syncs:`, each of its own kind.",
		},
		"hosted_no_id": {
			Title: "nothing says which sync of the tool is meant",
			Means: "`hosted: TOOL` alone takes the sync's id from the exposure's url, and so does trigger_urls. The url is of another tool, is a search, or holds no id that can be read.",
			Next:  "Write `hosted: TOOL/ID`. The id stands in the address of the sync's page in the tool; for Segment write SOURCE/MODEL/SUBSCRIPTION, for a sequence of Hightouch sequence/ID.",
		},
		"hosted_url_differs": {
			Title: "the sync that is triggered is not the one that the url shows",
			Means: "The exposure's url leads people to one sync, and `hosted:` triggers another. Whoever follows the link looks at the wrong runs.",
			Next:  "Correct the url or the id. Where one exposure stands for several syncs, declare them under `syncs:`.",
		},
		"hosted_ambiguous": {
			Title: "several connections could be meant",
			Means: "The exposure's url shows a sync of a tool, and exposync.yml has more than one connection of that type. Only the exposure can say which workspace it is.",
			Next:  "Write `hosted: CONNECTION/ID` in the exposure's metadata.",
		},
	}
}
