package fault

// mappingPages has the codes of what happens between a column and a field.
func mappingPages() map[string]Page {
	return map[string]Page{
		"cast_type": {
			Title: "values of this type cannot become what the mapping says",
			Means: "A cast, a normalisation or a hash stands on a column whose type it does not take, or would take only by guessing: a date of a moment depends on a time zone, for example. Nothing was read or sent.",
			Next:  "Do as the message says: remove it, cast to text first, or make the value in the export model and run dbt build.",
		},
		"cast_lossy": {
			Title: "a cast would lose a part of the value",
			Means: "A record's value has something that the type of its cast cannot hold: a fraction, more than 64 bits, a time of day, a time zone. Exposync neither rounds nor cuts: the record counts as invalid, was not sent, and stays at the destination as it is. The other records went.",
			Next:  "Round or cut the value in the export model, where everybody sees it, or with `expr: round(column)` in the mapping; or take a cast that holds it (decimal, instant). Which records: compare the export model with the cast.",
		},
		"cast_invalid": {
			Title: "a value is not what its cast takes it for",
			Means: "A record's value cannot be read as the type of its cast, such as a text that is no number or no date; or it cannot be written as JSON. The record counts as invalid, was not sent, and stays at the destination as it is. The other records went.",
			Next:  "Correct the value in the export model (a test such as accepted_values or dbt_utils.expression_is_true finds them next time), or remove the cast.",
		},
		"normalize_failed": {
			Title: "a value cannot be written as the vendor wants it",
			Means: "normalize: found no e-mail address, no telephone number with its country code, or no country code of two letters. A hash of it would match nobody, or somebody else. The record counts as invalid and was not sent.",
			Next:  "Correct the value in the export model, or make it null there: null stays null. A telephone number needs its country code, with + or 00 in front.",
		},
		"expr_invalid": {
			Title: "an expression cannot be understood",
			Means: "The expression of a field has a mistake: in its spelling, in the name of a function, or in the types of what it joins. Numbers, texts, dates and booleans do not become each other by themselves. It is checked against the columns of the export model before anything is read.",
			Next:  "Correct it where the message points, and run dbt parse. text(x) makes a text, number(x) a number, date(x) a date.",
		},
		"expr_failed": {
			Title: "an expression has no result for a record",
			Means: "For the values of a record the expression cannot be computed: a division by zero, a text that is no number, a fraction without an end. The record counts as invalid and was not sent; the message says where in the expression it happened, never the value. The other records went.",
			Next:  "Guard against it in the expression (n == 0 ? nil : total / n; round(x / 3, 2)), or correct the value in the export model.",
		},
		"lookup_unknown": {
			Title: "a lookup names a sync that there is not",
			Means: "lookup: names another sync, whose destination gave the ids that are looked up. No exposure or sync of the project has this name, or it declares no sync.",
			Next:  "Write the name of a sync of the same exposure, of another exposure, or exposure.sync, then run dbt parse.",
		},
		"lookup_circle": {
			Title: "syncs look up each other's ids",
			Means: "A sync that looks up ids runs after the one it looks them up in. These wait for each other, so that none could be first.",
			Next:  "Send one of the links by a sync of its own that runs after both: its key and this field only, in mode update.",
		},
		"lookup_key": {
			Title: "the other sync's key has several fields",
			Means: "A lookup finds a record by one column that holds its key. A key of several fields does not fit into one column.",
			Next:  "Give the other sync a key of one field, or make its record's id a column of the export model.",
		},
		"lookup_incremental": {
			Title: "a sync that reads its source in part looks up ids",
			Means: "With changed_since: or cursor: a row is read when it changed. One that waits for another record's id would not be read again when that id is there, and would be missed.",
			Next:  "Remove changed_since: or cursor: from the sync, or make the other record's id a column of the export model.",
		},
		"lookup_no_ids": {
			Title: "the other sync's destination tells no ids",
			Means: "A lookup needs the id that the other sync's destination gave to each record. This type of destination, or this way of writing to it, never tells one. Nothing was read or sent.",
			Next:  "Send the other record's key itself, or make its id a column of the export model.",
		},
		"lookup_type": {
			Title: "a lookup compares keys of two types",
			Means: "The column with the other record's key holds another type than that key has: 12 as a number is not the text \"12\". Nothing would ever be found. Nothing was sent.",
			Next:  "Add cast: text, or cast: integer, to the field, so that it has the type of the other sync's key.",
		},
		"lookup_miss": {
			Title: "a record waits for another record's id",
			Means: "The field looks up the id of another record, which the other sync has not sent yet, was refused, or was taken over without its id being known (first: adopt or compare). The record is held back and not sent; a later run sends it by itself once the id is there.",
			Next:  "Run the other sync, and look at what was rejected in it (exposync rejects). If such records should go without it: miss: skip leaves the field as it is, miss: clear clears it.",
		},
		"if_empty_unsupported": {
			Title: "nobody can tell whether a field is empty there",
			Means: "`write: if_empty` sends a field only while the destination has nothing in it. For that the destination has to be read by key, which this one cannot. Nothing was sent.",
			Next:  "Use `write: create`, which sends the field when the record is created, or send it always.",
		},
		"write_unsupported": {
			Title: "the destination cannot leave a field as it is",
			Means: "A field with `write: create` or `if_empty` is left out of most changes. In a CSV file every record has every column, and an empty cell would clear the field. Nothing was sent.",
			Next:  "Use format: ndjson for the connection, or remove write: from the field.",
		},
	}
}
