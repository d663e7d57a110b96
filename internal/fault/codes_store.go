package fault

// databasePages has the codes of databases as destinations.
func databasePages() map[string]Page {
	return map[string]Page{
		"database_url": {
			Title: "the address of a database cannot be read",
			Means: "The url of the connection is not a PostgreSQL URL. It is not shown, because it may hold a password.",
			Next:  "Write postgres://user@host:5432/dbname?sslmode=require. In user and password the characters @ : / ? # % have to be percent-encoded; or use host, user, password and dbname instead of url.",
		},
		"destination_unreachable": {
			Title: "the database of a connection does not answer",
			Means: "No connection to the database could be made, or the server is starting, stopping or full. Nothing was written.",
			Next:  "Try psql with the same host, port, user and database from the same machine. When it works, run again: exactly what is left is sent.",
		},
		"destination_auth": {
			Title: "the destination does not accept the credentials",
			Means: "The token, or user and password, are wrong, have expired or lack a right; a database may also not let this user in from this machine (pg_hba.conf). Nothing more was sent, and what was confirmed before is saved.",
			Next:  "Correct the connection's credentials where exposync.yml refers to (for a database, try them with psql), then run again.",
		},
		"destination_refused": {
			Title: "the database refuses what Exposync asks",
			Means: "The server answered, but the database does not exist or the user may not look into its catalog. The server's own words are in the message.",
			Next:  "Correct the dbname, or grant the user connect on the database and usage on the schema.",
		},
		"destination_readonly": {
			Title: "the database takes no writes",
			Means: "The server is a standby, or transactions are read only by default for this user or database.",
			Next:  "Name the primary server in the connection, or ask: show default_transaction_read_only;",
		},
		"object_missing": {
			Title: "there is no such table",
			Means: "The part of `to:` after the connection is a table, or schema.table. A name is looked up as it is written, then in lower case; without a schema it is the connection's `schema`, or public.",
			Next:  "Correct the name, or create the table. Names with capitals that PostgreSQL would fold have to be written exactly as they are.",
		},
		"object_unwritable": {
			Title: "the table cannot be written",
			Means: "It is a view, or the user of the connection lacks a right that the mode needs: upsert needs select, insert and update; mirror also delete; append and insert no update.",
			Next:  "Run the grant from the message as the table's owner.",
		},
		"field_missing": {
			Title: "the table has no such column",
			Means: "A field on the left side of the mapping is not a column of the table. Every record would fail, so nothing is sent.",
			Next:  "Correct the name on the left side of fields: or key:, or add the column to the table.",
		},
		"field_readonly": {
			Title: "the destination computes this field itself",
			Means: "The column is generated, or an identity that takes no values of others.",
			Next:  "Remove the field from the mapping. With `fields: all` rename the column in the export model.",
		},
		"field_kind": {
			Title: "the values do not fit the field",
			Means: "The export model's column and the destination's field are of kinds that lose something (a time that becomes a date) or fit for no record (a date that becomes a number).",
			Next:  "Cast the column in the export model to what the destination has, then run dbt build.",
		},
		"field_required": {
			Title: "a field that must be filled gets no value",
			Means: "The column takes no nulls and has no default, and the mapping does not name it. No new record could be created.",
			Next:  "Map a column or a constant to it, give it a default, or use mode: update if records are only to be changed.",
		},
		"key_not_unique": {
			Title: "nothing in the table makes the key unique",
			Means: "Records are told apart by the key. Without a unique index on exactly its columns (not partial, not on expressions, not deferrable) a record could be written twice.",
			Next:  "Create the index from the message, or choose a key that has one.",
		},
	}
}

// recordPages has the codes under which single records are rejected by
// Exposync's own adapters; all other reject codes are the destination's.
func recordPages() map[string]Page {
	return map[string]Page{
		"exists": {
			Title: "the record exists already",
			Means: "Mode insert never changes what is there, and the destination holds other values under this key.",
			Next:  "Use mode: upsert if the destination's record is to be changed.",
		},
		"not_found": {
			Title: "there is no record to update",
			Means: "Mode update never creates, and the destination has no record with this key.",
			Next:  "Create it there first, or use mode: upsert.",
		},
		"not_written": {
			Title: "the destination kept nothing of the record",
			Means: "The statement succeeded but wrote no row: a trigger, a rule or a policy of the table swallowed it.",
			Next:  "Look at the triggers of the table: in psql \\d TABLE.",
		},
		"not_deleted": {
			Title: "the record is still there after it was deleted",
			Means: "The delete succeeded but the row stayed: a trigger, a rule or a policy of the table kept it.",
			Next:  "Look at the triggers of the table: in psql \\d TABLE.",
		},
		"key_collision": {
			Title: "two keys of the source are one key at the destination",
			Means: "The source tells two records apart that the destination's column takes for the same, such as 1 and 01 in a number, or a and A. Which of them wins would be chance, so neither is sent.",
			Next:  "Cast or normalise the key in the export model, and test it with dbt's unique test.",
		},
		"invalid_value": {
			Title: "a value that the destination cannot hold",
			Means: "For example a NUL character or text that is not UTF-8, which PostgreSQL and JSON cannot store.",
			Next:  "Clean the column in the export model.",
		},
	}
}

// filePages has the codes of files as a destination.
func filePages() map[string]Page {
	return map[string]Page{
		"file_dir": {
			Title: "the folder for files cannot be used",
			Means: "The place that the connection names is a file, not writable for this user, or a bucket that is not there. Missing folders are created when the first file is written, buckets never.",
			Next:  "Correct path: of the connection, or the permissions there.",
		},
		"file_name": {
			Title: "a file cannot have this name",
			Means: "The object after the dot in `to:` becomes part of the file's name. Path separators, names that start with a dot and very long names are refused, so that nothing is written elsewhere.",
			Next:  "Choose a plain name such as contacts.",
		},
		"file_column": {
			Title: "a column of the file is named twice",
			Means: "A field has the same name as the column that says upsert or delete.",
			Next:  "Set op_column of the connection to another name.",
		},
		"file_write": {
			Title: "the file could not be completed",
			Means: "Writing, syncing or renaming failed, for example because the disk is full. No file appeared under its final name and no record counts as sent.",
			Next:  "Make room or correct the permissions, then run again: the same changes are sent.",
		},
		"host_key_missing": {
			Title: "nothing says how the SFTP server is recognised",
			Means: "Whoever answers under the server's name would get all records. So a server is known by its key, and the key of an unknown one is never taken on trust.",
			Next:  "Ask the server's people for the fingerprint and write it as host_key: SHA256:…, or name a file of known hosts as known_hosts:. ssh-keyscan HOST | ssh-keygen -lf - prints the fingerprints that the server shows.",
		},
		"host_key_changed": {
			Title: "the SFTP server shows another key",
			Means: "Either the server got a new key, or somebody else answers in its place. Nothing was sent, no password either.",
			Next:  "Ask the server's people. Only if they confirm the fingerprint in the message, write it into host_key: of the connection, or the key into known_hosts.",
		},
	}
}

// sandboxPages has the codes of the local sandbox.
func sandboxPages() map[string]Page {
	return map[string]Page{
		"sandbox_dir": {
			Title: "the sandbox's folder cannot be used",
			Means: "The sandbox keeps its records in .exposync/sandbox beside dbt_project.yml and could not create, read or write it.",
			Next:  "Check the owner and permissions of the folder.",
		},
		"sandbox_busy": {
			Title: "another sandbox uses this folder",
			Means: "Two sandboxes that write the same files would destroy each other's records.",
			Next:  "Use the one that runs, or stop it first.",
		},
		"sandbox_damaged": {
			Title: "a file of the sandbox is damaged",
			Means: "The file does not begin like one that this sandbox wrote. (A torn end, as a crash leaves it, is repaired by itself.)",
			Next:  "Move the file away. The sandbox holds copies of test data only.",
		},
		"sandbox_address": {
			Title: "the sandbox listens on this machine only",
			Means: "It has no authentication, so an address that others could reach is refused.",
			Next:  "Use an address such as 127.0.0.1:8484.",
		},
		"sandbox_schema": {
			Title: "the sandbox did not learn the fields",
			Means: "Before a run sends to a vendor's stand-in, it tells the sandbox which fields there are, so that the stand-in has them. The sandbox that is up did not take them: an older version may be running.",
			Next:  "Stop the sandbox that is running and start it anew with this version.",
		},
	}
}
