package fault

// ledgerDatabasePages has the codes of a ledger in a database.
func ledgerDatabasePages() map[string]Page {
	return map[string]Page{
		"ledger_unreachable": {
			Title: "the ledger's database does not answer",
			Means: "The database that ledger: in exposync.yml refers to could not be reached, has no connection left, or the connection broke. Without the ledger nobody knows what was sent, so Exposync sends nothing, and stops when it happens in mid-run. What was confirmed before is saved; the last batches may be sent again.",
			Next:  "Try psql with the same address from the same machine. When it works, type the command again: it continues with exactly what is left.",
		},
		"ledger_refused": {
			Title: "the ledger's database refuses what Exposync asks",
			Means: "The server answered, but the user and password are wrong, the database does not exist, it takes no writes (a standby), or a statement failed. The server's own words are in the message, unless they could quote a record.",
			Next:  "Correct what ledger: {postgres: ...} in exposync.yml refers to, or the database, then type the command again. Nothing of what was confirmed is lost.",
		},
		"ledger_denied": {
			Title: "the user lacks a right in the ledger's database",
			Means: "The ledger keeps its tables in a schema of its own, which the first run creates. The user may not create it, or may not read and write the tables that another user created.",
			Next:  "Let an administrator run the SQL from the message, then type the command again. See docs/ledger.md for the least that is needed.",
		},
	}
}
