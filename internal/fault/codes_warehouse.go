package fault

// warehousePages has the codes of reading export models.
func warehousePages() map[string]Page {
	return map[string]Page{
		"warehouse_unreachable": {
			Title: "no connection to the warehouse",
			Means: "The database that profiles.yml names could not be reached, or it is there and takes no connection now. Nothing was read, so nothing was sent.",
			Next:  "Run dbt debug with the same target: it uses the same settings. Check host, port, VPN and firewall, for SQLite the path of the file. Then run again.",
		},
		"warehouse_busy": {
			Title: "another program writes to the warehouse's file",
			Means: "DuckDB lets one program write to a file, or several read it, never both. One has it open for writing now: a dbt that still runs, a notebook, the duckdb shell. Nothing was read, so nothing was sent.",
			Next:  "Wait for that program or close it (the message has its process id where DuckDB tells it), then run again. exposync build starts only when dbt has ended.",
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
		"cursor_type": {
			Title: "the column cannot say what changed since the last run",
			Means: "`changed_since:` and `cursor:` need a column that grows with every change, in an order that all warehouses share: a timestamp, a date or a whole number. Texts are sorted by collations, floats are rounded, so rows could be missed without anybody noticing. `lookback:` is a duration for times and a whole number for numbers. Nothing was read.",
			Next:  "Name another column, or cast it in the export model and run dbt build. SQLite keeps the type of a column only where the model takes it over as it is; a computed one has none: cast(strftime('%s', updated_at) as integer).",
		},
		"dbt_show_failed": {
			Title: "dbt could not read the export model",
			Means: "Exposync has no reader of its own for this warehouse and asks your dbt: dbt show --inline, with the same project, profile and target. dbt ended with an error, which is quoted as far as it cannot hold a value of your data. Nothing was sent.",
			Next:  "Run the dbt show command of the message: it fails in the same way and says everything. dbt debug checks the connection, dbt deps installs missing packages. If another dbt should be asked: exposync run --dbt PATH.",
		},
		"dbt_show_lossy": {
			Title: "a float cannot be read without losing digits",
			Means: "Rows that are read through dbt travel as text, and this warehouse writes this float with fewer digits than it has. Exposync had SQL compare both before it believed one: a rounded number would be sent as if it were the real one.",
			Next:  "Say in the export model what the destination needs: round(x, 2), or cast(x as decimal(18, 6)). Then dbt build, and run again.",
		},
		"dbt_show_masked": {
			Title: "dbt hides a text that stands in a row",
			Means: "Whatever equals the value of an environment variable DBT_ENV_SECRET_… is printed by dbt as *****, in rows as well. A value of the export model holds such a text, so dbt cannot give it.",
			Next:  "A secret that is an ordinary word hides that word everywhere: use a longer one, or a variable whose name does not begin with DBT_ENV_SECRET_ where dbt allows that.",
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
