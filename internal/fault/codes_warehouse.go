package fault

// warehousePages has the codes of reading export models.
func warehousePages() map[string]Page {
	return map[string]Page{
		"warehouse_unreachable": {
			Title: "no connection to the warehouse",
			Means: "The database that profiles.yml names could not be reached, or it is there and takes no connection now. Nothing was read, so nothing was sent.",
			Next:  "Run dbt debug with the same target: it uses the same settings. Check host, port, VPN and firewall, for SQLite the path of the file. Then run again.",
		},
		"warehouse_auth": {
			Title: "the warehouse does not accept the credentials",
			Means: "User, password, certificate or role of the dbt profile were refused. Exposync uses the same ones as dbt, from profiles.yml, and never shows them.",
			Next:  "Run dbt debug with the same target. Usual reasons are a variable of profiles.yml that is not set in this shell or CI job, a changed password, and a server that does not let this machine in (pg_hba.conf).",
		},
		"warehouse_settings": {
			Title: "the settings of the warehouse's connection cannot be used",
			Means: "A setting of the dbt profile has a value that makes no connection: a port that is no number, an unknown sslmode, a certificate that is not there, a database or role that does not exist.",
			Next:  "Correct the setting in profiles.yml. dbt debug checks the file.",
		},
		"warehouse_read": {
			Title: "reading the export model broke off",
			Means: "The warehouse reported an error, or the connection broke, before the last row was read. Half a table is never compared with what was sent before, so nothing was sent and nothing was deleted. A message of the server that may quote a value of your data is not shown, its SQLSTATE is.",
			Next:  "Run dbt show --select MODEL to see the error itself. After a restart or a lost connection just run again.",
		},
		"relation_missing": {
			Title: "the export model's table or view is not in the warehouse",
			Means: "The manifest says where dbt builds the model, and there is nothing: it was never built for this target, was dropped, or the profile leads to another database.",
			Next:  "Run dbt build --select MODEL for the same target, then run again.",
		},
		"relation_denied": {
			Title: "the profile's user may not read the export model",
			Means: "The table or view is there, but the user or role of the dbt profile has no right to select from it, or to use its schema.",
			Next:  "Let its owner run: grant usage on schema SCHEMA to USER; grant select on RELATION to USER. In dbt: +grants: {select: [USER]}.",
		},
	}
}
