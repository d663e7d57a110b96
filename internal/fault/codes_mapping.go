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
