package declared

import "strings"

// docOf is what editors say of a key: its own words, else those of every key
// of that name.
func docOf(what, name string) string {
	own, common := "", ""
	for line := range strings.Lines(schemaDocs) {
		key, doc, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case what + "." + name:
			own = doc
		case "*." + name:
			common = doc
		}
	}
	if own == "" {
		return common
	}
	return own
}

const schemaDocs = `
*.request: the request
*.code: the path of the reason's code; several joined with |;
*.message: the path of the reason in words; several joined with |;
*.class: which codes mean another state; "*" is all other codes
*.at: the path of the list
*.headers: names and values; may hold ${…}
*.limits: how much a request may hold
*.paging: how an answer leads to the next page
*.body: the body, which holds no record; may hold ${…}
*.expect: the status of a success; without it any 2xx
*.index: the path of the record's number in the request, from 0
*.index_match: the part of the text at index that is the number, in parentheses
*.id: the path of the service's id of the record

destination.apiVersion: 1
destination.name: the type of connections, and the name of the file
destination.title: what it is, in a few words
destination.docs: where the service's documentation is
destination.verified_on: the day on which that documentation was read
destination.params: what a connection in exposync.yml gives; ${name} elsewhere
destination.vars: more names for ${…}; base_url is the address that paths are appended to
destination.auth: how requests prove who sends them; of a list the first whose when is set
destination.check: the request that tells the account, compared with expect of the connection
destination.discover: the request that tells which fields an object has
destination.read: how records are read by key, for first: compare
destination.rate: how many requests the account may make
destination.encode: how values and bodies are written
destination.routes: which operation carries out a mode, by the number of records
destination.objects: what is other for some objects; NAME* is all names with that beginning
destination.fields: fields that the service has by itself, where no request tells them
destination.other_fields: the service takes fields that are not in fields, too
destination.limits: how much a request may hold
destination.ops: how a batch is sent, and what an answer means for every record in it
destination.fields: the fields that the service has by itself: $own in a row; $custom is all others
destination.other_fields: there may be fields that fields does not list
destination.objects: blocks that an object has for itself, by its name; a * at the end stands for any, ${star}
objects.*.discover: in place of the description's own
objects.*.read: in place of the description's own
objects.*.routes: in place of the description's own
objects.*.fields: over the description's own, key by key
objects.*.ops: over the description's own, key by key; null takes one away
objects.*.other_fields: there may be fields that fields does not list
destination.fixtures: answers with what they mean, run by exposync destination test

params.*.kind: text, url or bool
params.*.required: a connection without it is refused
params.*.secret: has to be a reference, and is shown nowhere
params.*.default: used where a connection does not set it
params.*.doc: one sentence for the reference

auth.type: the way
auth.when: the way applies if this text is set and not false
auth.token: sent as Authorization: Bearer
auth.user: of basic
auth.password: of basic
auth.name: of the header or of the parameter
auth.value: of the header or of the parameter
auth.token_url: where tokens come from
auth.client_id: of the application
auth.client_secret: of the application
auth.refresh_token: the long-lived token
auth.private_key: PEM of the key that signs
auth.subject: the user that the token is for
auth.scope: what the token may do
auth.audience: who the token is for
auth.base_url_from: the path, in the token's answer, of the address for all requests
auth.secret: the key of the signature
auth.algorithm: of the signature
auth.format: of the signature
auth.prefix: before the signature
auth.timestamp_name: the header that holds the time, which is signed too
auth.access_key: the id of the key
auth.secret_key: the key
auth.session_token: of a key that was lent
auth.region: that is signed for
auth.service: that is signed for

fields.*.type: of its values: text, number, bool, date, time or json
fields.*.unique: records can be told apart by it
fields.*.required: nothing is created without it
fields.*.writable: it takes values; without it true
fields.*.options: the values that it takes
fields.*.forbid: values that it never takes
fields.*.form: what its texts look like
fields.*.bytes: the length of its texts
fields.*.doc: one sentence for the reference

check.identity: the path of the account in the answer
check.identity_match: the part of the text at identity that is the account, in parentheses
check.problem: the path of why an answer of success is none
check.fingerprint: a text with the key in it; the account is the address and a digest of this
fields.*.type: what values are
fields.*.unique: it identifies records
fields.*.required: nothing is created without it
fields.*.form: a regular expression for values
fields.*.bytes: the most bytes of a value
fields.*.doc: one sentence
fields.*.forbid: values that are refused
fields.*.writable: false for a field that cannot be set
fields.*.options: the values that it takes
discover.fields: how the answer tells of fields
discover.fields.name: the path of a field's name
discover.fields.type: the path of a field's type
discover.fields.types: the service's types in ours
discover.fields.writable: the path that says whether a field can be written
discover.fields.creatable: the path that says whether a field can be set at creation
discover.fields.unique: the path that says whether a field identifies records
discover.fields.also_unique: fields that identify records though nothing says so
discover.fields.required: the paths that must all hold for a field without which nothing is created
discover.fields.options: the path of the values that a field takes
discover.fields.length: the path of the most letters of a text
discover.fields.closed: the path that says whether a field takes no others
discover.fields.many: the path that says whether several values, parted by ;, may stand in a field

read.rows: keys of one request
read.bytes: of the keys of one request
read.more: columns to ask for beside the target's
read.custom: the path of the fields that the service does not have by itself
read.join: between the keys in ${keys}; without it a comma
read.keys: key fields that can be asked for; without it any
read.envelope: the body around the keys: $rows, $names
read.row: one key in the body: $key, $key.<name>
read.quote: the quotes around a key in ${keys}
read.join: what stands between the keys in ${keys}; a comma if nothing is said
read.key: the path of the key in a record; without it the key's fields stand in fields
read.fields: the path of the fields in a record
read.custom: the path of those that the service does not have by itself
read.keys: the key fields that can be asked for
read.join: what parts the keys in ${keys}; without it a comma
read.none: the status that says that no such record is there
read.fold_case: true, or the key fields of which the service does not tell keys apart by case
paging.next: the path of the next page's address, or with query of a value
paging.query: the parameter that takes the value
paging.header: the header that holds the value

limits.rows: records of one request
limits.bytes: of a request's body
limits.rowbytes: of one record as it is sent
limits.concurrency: requests at a time

rate.requests: in the time that per says
rate.per: 1s, 10s, 1m
rate.headers: what answers tell of the rate
rate.headers.remaining: the header with the requests that are left
rate.headers.limit: the header with the requests of a window
rate.headers.interval_ms: the header with the length of the window in milliseconds
rate.headers.reset: the header that says when the window ends
rate.daily: what answers tell of the day's quota
rate.refused: answers that speak of limits with a status other than 429
rate.daily.remaining: the header with the day's requests that are left
rate.daily.limit: the header with the day's requests
rate.daily.usage: the header that holds used/limit
rate.daily.reserve: the share that is left to others: 10%

*.encode: how values are written, over the description's own encode
encode.stringify: numbers and booleans as text
encode.decimal: decimals as number or string
encode.null: a null as this text; without it JSON's null
encode.absent: csv: a field that is to be left as it is, as this text
encode.bool: true and false as two texts: true/false, 1/0
encode.date: iso, epoch_ms or unix_s
encode.dates: date for some fields
encode.format: of bodies; none where the address names the records
encode.gzip: compress bodies
encode.hash: fields of which only a digest is sent
encode.json: JSON as a value, or as text
encode.match_types: values as the field that discover tells is: a number in a field of text as text
encode.zone: utc writes a moment without a zone as one of UTC

routes.upsert: for mode upsert; the first that fits
routes.update: for mode update; the first that fits
routes.insert: for mode insert; the first that fits
routes.append: for mode append; the first that fits
routes.delete: for deletes of mode mirror; the first that fits
*.when: rows <= N
*.op: the operation

ops.*.idempotent: sending the same records twice does no harm, so a batch may be sent again and cut in halves
ops.*.atomic: a refused batch wrote nothing, so its parts may be sent
ops.*.unique_keys_per_batch: at most one record of a key in a request
ops.*.fold_case: true, or the key fields of which the service does not tell keys apart by case
ops.*.also: more items that a record makes; one that lacks something is left out
ops.*.find: ask for the service's ids by key first, as read says, and write by other operations
ops.*.find.found: the operation for records that are there
ops.*.find.missing: the operation for records that are not
ops.*.idempotency: how a request or a record names itself, so that the service notices it coming twice
ops.*.idempotency.header: the header for the name of a request
ops.*.idempotency.field: the entry of row for the name of a record
ops.*.idempotency.max: letters of the name
ops.*.needs: parameters without which a connection has no such operation
ops.*.codes: the service's codes by the names that they have everywhere else
ops.*.no_partial: keys by which the service takes no record with fields left out
ops.*.locate: ask for the service's ids by key first: always, or of records whose id is unknown
ops.*.also: more items of a record; one that lacks something is left out
ops.*.find: ask for ids by key first, and write what is there by one operation and what is not by another
ops.*.find.found: the operation for what is there
ops.*.find.missing: the operation for what is not
ops.*.alias: every record has a name of its own, and its values are variables, as in GraphQL
ops.*.alias.name: before the record's number: r gives r0, r1, …
ops.*.alias.call: what is written for every record, ${calls} in the envelope
ops.*.alias.variables: entries of row that the call may name as $entry, with their types; ${declarations} in the envelope
ops.*.envelope: the body around the records: $rows once
ops.*.row: one record: $key, $key.<name>, $fields, $field.<name>, $op, $dest_id, $trace; "..." merges
ops.*.reply: json, or any where the body of an answer means nothing
ops.*.response: what an answer means; the first rule that matches decides
ops.*.echo: the ids that a success tells in a list
ops.*.echo.id: the path of the ids
ops.*.echo.trace: the path of the numbers sent as $trace, in the same order
ops.*.job: the operation goes on at the service: create, upload, close, poll, results

ops.*.job.create: makes the job
ops.*.job.create.id: the path of the job's id
ops.*.job.upload: carries the records; without it create does
ops.*.job.close: says that all records are there
ops.*.job.abort: gives the job up
ops.*.job.poll: asks how far the job is
ops.*.job.poll.state: the path of the state
ops.*.job.poll.open: states of a job that was never closed
ops.*.job.poll.running: states of a job that goes on
ops.*.job.poll.done: states of a job that ended
ops.*.job.poll.dead: states of a job that failed as a whole; its results are read all the same
ops.*.job.poll.every: the first wait
ops.*.job.poll.max_every: the longest wait
ops.*.job.poll.timeout: after it the run ends, and the next one asks on
ops.*.job.poll.counts: numbers of records that the service states
ops.*.job.poll.counts.processed: the path of the number of records that are done
ops.*.job.poll.counts.failed: the path of the number of refused ones among them
ops.*.job.poll.counts.total: the path of the number of all records
ops.*.job.poll.counts.ok: the path of the number that was taken, or come through with
ops.*.job.dead_rules: why a job failed as a whole
ops.*.job.missing_rows: what records are that no result names
ops.*.job.results: what became of every record
dead_rules.field: the path of the reason
dead_rules.match: a regular expression for it
dead_rules.outcome: the state of every record
results.format: json or csv
results.key: the path, or in CSV the column, of the record's key
results.dest_id: the path, or in CSV the column, of the service's id, by which records are found that have no key
results.ok: the path or column that marks a success; without it all have state
results.state: of records that are no success, or of all
results.code_match: the part of code that counts, in parentheses

request.method: without it POST, or GET to ask for something
request.path: appended to base_url; begins with /
request.query: names and values

rule.status: "207" or "2xx"; without it any
rule.when: a path that must be there and not be empty; with ! it must not
rule.each: results that stand in the order of the records, or under their aliases
rule.errors: lists of errors that name their records
rule.ok_count: the path of the number of accepted records, held against those that seem accepted
rule.rest: the state of records that no error names: ok or bisect
rule.outcome: the state of all records
each.alias: at is a map; its keys are the names of the records
each.ok: the path that marks a success; ! in front turns it around
each.ok_in: the words at ok that are a success
errors.is: paths with texts: an error with others is about no record
errors.trace: the path of the number sent as $trace
errors.key: the path of the record's key
errors.keylist: the list holds bare keys; this is their code
errors.is: paths with texts: an error with others is about no record
errors.indexlist: the path of several numbers
errors.map_keys: at is a map whose keys say nothing of records
errors.map_index: at is a map; its keys are numbers
errors.map_key: at is a map; its keys are records' keys

fixtures.name: what is shown
fixtures.object: that the records are of
fixtures.key: the key field of the records
fixtures.rows: keys of the records
fixtures.object: what is written to; without it object
fixtures.key: the name of the key field; without it key
fixtures.params: of the connection
*.status: of the answer
*.text: a body that is no JSON
fixtures.script: the answers of a job, in the order of the calls
fixtures.resume_with: a job that an earlier run left; nothing may be uploaded
fixtures.want: what every record becomes: ok, fail/CODE
script.call: create, upload, close, poll, results.N
`
