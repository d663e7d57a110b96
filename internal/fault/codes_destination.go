package fault

import "maps"

// destinationPages has the codes of destinations and the sandbox.
func destinationPages() map[string]Page {
	pages := httpPages()
	maps.Copy(pages, specPages())
	maps.Copy(pages, databasePages())
	maps.Copy(pages, recordPages())
	maps.Copy(pages, filePages())
	maps.Copy(pages, sandboxPages())
	return pages
}

// httpPages has what can go wrong on the way to any HTTP service.
func httpPages() map[string]Page {
	return map[string]Page{
		"http_url": {
			Title: "the address of a connection is not a URL",
			Means: "The url of the connection does not read as http://… or https://…, so nothing was sent.",
			Next:  "Correct the url in exposync.yml. If it comes from env_var, print the variable: a stray space or quote is the usual reason.",
		},
		"http_unreachable": {
			Title: "no connection to a service",
			Means: "The host could not be reached, or the connection broke before the answer was complete. What may have arrived is reported as in doubt and never counted as done.",
			Next:  "Try the address with curl from the same machine; check host name, port, VPN and proxy (HTTPS_PROXY). Then run again: exactly what is left is sent.",
		},
		"http_timeout": {
			Title: "a service did not answer in time",
			Means: "The connection stood, but no complete answer came within the time limit of one request.",
			Next:  "Run again later. If it happens with large batches, lower limits.rows of the connection in exposync.yml.",
		},
		"http_certificate": {
			Title: "a service's TLS certificate is not trusted",
			Means: "Exposync never talks to a server whose certificate it cannot check, since credentials and records would go to whoever answers.",
			Next:  "Check that the host name in the url is the one on the certificate. For a company's own authority, install its certificate on this machine (or point SSL_CERT_FILE to it).",
		},
		"http_reply": {
			Title: "an answer that is not what was asked for",
			Means: "The service answered with something that is not the expected JSON: a login page, an error page of a proxy, or half an answer. Such an answer never counts as success, whatever its status.",
			Next:  "Open the address with curl and look at what comes back. The usual reasons are a wrong path, a proxy in between, or a session that needs a login.",
		},
		"http_redirect": {
			Title: "a service redirects elsewhere",
			Means: "A redirected write would arrive without its records, or with credentials at another host, so Exposync does not follow it.",
			Next:  "Write the final address into the url of the connection in exposync.yml (often https instead of http, or a trailing slash less).",
		},
		"http_auth": {
			Title: "a service does not accept the credentials",
			Means: "It answered 401 or 403: the token is wrong, expired, or may not do this.",
			Next:  "Renew the token or password in the place that exposync.yml refers to, and check which scopes or permissions it has.",
		},
		"http_refused": {
			Title: "a service refuses the request",
			Means: "It answered with a status of 4xx that is not about credentials or limits; 404 means that the path or object does not exist there.",
			Next:  "Check the url of the connection and the object after the dot in `to:`.",
		},
		"http_unavailable": {
			Title: "a service is not available",
			Means: "It answered with a status of 5xx, also after several attempts.",
			Next:  "Run again later: exactly what is left is sent.",
		},
		"http_stopped": {
			Title: "too many bad answers in a row",
			Means: "A service gave the same kind of bad answer many times in a row, so Exposync sends it nothing more in this run: going on would lock an account or burn a quota.",
			Next:  "Look at the first error of the run. When the service is well again, run once more: exactly what is left is sent.",
		},
		"rate_limited": {
			Title: "a service asks to be left alone for longer than there is time",
			Means: "It answered 429 and named a moment that lies beyond this run's deadline or patience.",
			Next:  "Run again after that moment, or lower rate.requests of the connection so that the limit is not reached.",
		},
		"quota_spent": {
			Title: "the quota of a service is used up",
			Means: "Its answers tell that no more requests are left today, or none but those that the description reserves for others, or that the next one may start only much later.",
			Next:  "Nothing is lost: what was not sent is still due. Run again when the quota is renewed; rate.daily.reserve of the connection says how much is left to others.",
		},
	}
}

// specPages has what can be wrong with a declared HTTP destination.
func specPages() map[string]Page {
	return map[string]Page{
		"spec_invalid": {
			Title: "the description of a destination is wrong",
			Means: "A block such as ops, limits or auth, in a destination's own file or inline in exposync.yml, has an unknown key, a value of the wrong kind, or two settings that contradict each other.",
			Next:  "Every problem is listed with its line. Correct them all, then run: exposync plan",
		},
		"fixtures_failed": {
			Title: "a destination's description fails its fixtures",
			Means: "A record got another state than a fixture of the description says, or a rule is reached by no fixture.",
			Next:  "exposync destination test NAME --explain FIXTURE shows which rule decided.",
		},
		"job_open": {
			Title: "a job of an earlier run still goes on at the destination",
			Means: "A batch was handed over as a job whose end the run did not see. Its records count as in doubt until the job is asked what became of them; nothing is sent twice meanwhile.",
			Next:  "Run again later: the next run asks for the results first.",
		},
		"job_lost": {
			Title: "the destination does not know a job any more",
			Means: "Its results expired, or it never began. What became of its records is not known.",
			Next:  "Run again: records that may be sent twice are sent once more; the others wait for you: exposync rejects JOB",
		},
		"result_missing": {
			Title: "a job's results do not name a record",
			Means: "The job ended, but none of its results is about this record, so it may have arrived or not.",
			Next:  "Run again: what may be sent twice is sent once more.",
		},
		"batch_full": {
			Title: "a record goes with the next job",
			Means: "The batch reached the size that one job may have.",
			Next:  "Nothing: the same run sends it.",
		},
		"wrong_type": {
			Title: "a value has another type than its field",
			Means: "The service tells that the field takes numbers, and the value is a text that is none. The record was not sent; the others were.",
			Next:  "Correct the value in the export model, or cast it there.",
		},
		"too_long": {
			Title: "a text is longer than its field",
			Means: "The service tells how many characters the field takes, and the value has more. The record was not sent; the others were.",
			Next:  "Shorten the value in the export model, or make the field longer at the service.",
		},
		"option_unknown": {
			Title: "a value is not one of its field's options",
			Means: "The service tells which values the field takes, and this is none of them. The record was not sent; the others were.",
			Next:  "Correct the value in the export model, or add the option at the destination, then: exposync retry JOB",
		},
		"value_form": {
			Title: "a value is not in the form that its field takes",
			Means: "The destination takes values of one form only there: a hash where people are matched by it, an id without blanks. The record was not sent; the others were.",
			Next:  "Bring it into the form with the mapping (docs/mapping.md: normalize, hash, expr), or in the export model.",
		},
		"value_forbidden": {
			Title: "a value stands for nobody",
			Means: "The destination refuses ids such as 0, null or anonymous: everything that is sent to them would end in one record. The record was not sent; the others were.",
			Next:  "Make the id null in the export model, or leave such rows out.",
		},
		"value_too_long": {
			Title: "a value is longer than its field takes",
			Means: "The destination says how many bytes the field holds. The record was not sent; the others were.",
			Next:  "Shorten it in the export model.",
		},
		"param_missing": {
			Title: "a connection lacks a parameter",
			Means: "The type of the connection needs a value that exposync.yml does not give for the chosen target.",
			Next:  "Add the parameter under targets.<target>.connections.<name>; a secret as \"{{ env_var('NAME') }}\".",
		},
		"mode_unsupported": {
			Title: "the destination cannot write in this mode",
			Means: "The job's mode needs an operation that the destination does not describe: upsert, update, insert, append, and delete for mirror.",
			Next:  "Choose another `mode:` in the exposure's metadata, or describe the operation under `ops:` of the connection.",
		},
		"target_unsupported": {
			Title: "the destination cannot take this key or these fields",
			Means: "The request that the destination describes needs a single key field, a field of another name, or would carry one name twice.",
			Next:  "Change `key:` or `fields:` in the exposure's metadata, or `row:` of the connection's operation.",
		},
		"account_unknown": {
			Title: "the destination does not say whose account it is",
			Means: "The check request was answered, but the answer holds no account. Without it Exposync cannot tell production from a sandbox, so it writes nothing.",
			Next:  "Correct `check.identity` of the connection: the path of the account's id in the answer.",
		},
	}
}
