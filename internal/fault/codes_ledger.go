package fault

// ledgerPages has the codes of the ledger's stores.
func ledgerPages() map[string]Page {
	return map[string]Page{
		"locked": {
			Title: "another run of this sync is going on",
			Means: "Two runs of one sync must never overlap: they would send the same records twice, and each would undo what the other remembers. The message says which process holds the sync, on which machine and since when.",
			Next:  "Wait until that run has ended, then type the command again. If the process hangs, stop it (kill PID on its machine): the lock ends with the process, there is no lock file to delete. A ledger that machines share has a lease instead: the message says when it ends if its holder has died.",
		},
		"ledger_write": {
			Title: "the ledger could not be written",
			Means: "What a destination confirms has to reach the disk before it counts. The disk is full, read-only or broken, or the directory belongs to another user. Exposync stopped sending; records that the destination took but that could not be written down are sent again by the next run.",
			Next:  "Make room (df -h) or correct the permissions of .exposync, then type the command again: it continues with exactly what is left. To keep the ledger elsewhere, write `ledger: {dir: PATH}` into exposync.yml.",
		},
		"ledger_unreadable": {
			Title: "the ledger could not be read",
			Means: "The file is there, but the system does not let Exposync read it, or the disk gave an error. Without the ledger nobody knows what was sent, so nothing was sent.",
			Next:  "Check the owner and permissions of .exposync (ls -la .exposync): the user who runs exposync has to own it. Then type the command again.",
		},
		"ledger_corrupt": {
			Title: "a file of the ledger is damaged",
			Means: "A checksum is wrong, or part of a file is missing, at a place that had safely reached the disk: a disk error, an incomplete copy, or somebody edited the file. A crash or loss of power does not do this. Exposync does not guess what was confirmed, so it sends nothing for this sync.",
			Next:  "Restore .exposync from a backup if there is one. Otherwise forget what was confirmed with `exposync ledger reset JOB`, then start again with `exposync run --select JOB --first compare` (sends only what differs, where the destination can be read) or `--first send`.",
		},
		"ledger_newer": {
			Title: "the ledger was written by a newer Exposync",
			Means: "Somebody, or the CI, ran a later version in this directory, and this version does not understand all that it wrote. Going on could lose part of it, so nothing was read or changed.",
			Next:  "Update Exposync here to the version that the others use (exposync version). If you really have to go back, `exposync ledger reset JOB` forgets what was confirmed.",
		},
		"lease_lost": {
			Title: "another run took the sync over",
			Means: "This process was paused or cut off from the ledger for longer than its lease lasts (a laptop that slept, a machine that hung, a broken network), so another run was allowed to go on in its place. From then on this one could write nothing any more: what it had confirmed before was taken over, and what it sent last is sent again by the other run.",
			Next:  "Wait until the other run has ended (exposync status), then type the command again. If it happens often, look at what pauses the machine.",
		},
		"ledger_no_cas": {
			Title: "the object store cannot hold a ledger",
			Means: "Before its first write Exposync tries whether the store refuses to overwrite an object that was to be written only if it is new, or only if it did not change (If-None-Match, If-Match, ifGenerationMatch). This one overwrites it. Two runs of one sync could then overlap and undo each other's work without noticing, so nothing was written.",
			Next:  "Use a store with conditional writes: AWS S3, Google Cloud Storage, Cloudflare R2, a recent MinIO or Ceph; a proxy in between must pass those headers on. Or keep the ledger elsewhere: `ledger: {dir: PATH}` in exposync.yml.",
		},
	}
}
