package fault

// secondPages has the codes of records that wait for another chance, and of
// looking at one of them.
func secondPages() map[string]Page {
	return map[string]Page{
		"ambiguous": {
			Title: "the destination holds several records with this key",
			Means: "The first run compares with what is there already, and for this key there is more than one record. Nobody can say which one is meant, so none of them is written: the record is held back, and no later run takes it for new. Every run asks the destination again.",
			Next:  "exposync rejects --keys shows the keys. Merge the records at the destination; the next run goes on by itself. If none of them matters: exposync run --first adopt takes all as they are.",
		},
		"in_doubt": {
			Title: "the record may have arrived, and must not be sent twice",
			Means: "An earlier attempt got no answer, or the run ended while it was on its way. The destination does not know the record by its key (mode append, or an insert without an idempotency key), so sending it again could double it. It waits until somebody has looked.",
			Next:  "exposync rejects --keys shows the keys. Look at the destination, then: exposync rejects settle JOB --sent (it arrived) or --resend (it did not). To decide it once for all: `on_in_doubt: resend` (at least once) or `on_in_doubt: assume_sent` (at most once) in the exposure's metadata.",
		},
		"record_missing": {
			Title: "no row of the export model has this key",
			Means: "exposync test reads exactly one row by its key, and there is none. The key is compared as the warehouse has it: capitals, blanks and leading zeros count.",
			Next:  "Look up the key in the warehouse. Of several key fields write: --key field=value,field=value",
		},
		"record_twice": {
			Title: "several rows of the export model have this key",
			Means: "A key that several rows have cannot be sent: nobody could say which of them is the record. A run counts all of them as invalid.",
			Next:  "Add the test unique to the key column in the export model's YAML, run dbt build, and correct what it finds.",
		},
		"out_unwritable": {
			Title: "the file that --out names cannot be written",
			Means: "The folder does not exist, or may not be written to.",
			Next:  "Name another file.",
		},
	}
}
