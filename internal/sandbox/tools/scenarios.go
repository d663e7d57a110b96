package tools

import (
	"maps"
	"slices"
)

// scenario is what a name stands for.
type scenario struct {
	about  string // for people
	script Script // of the run that a trigger starts
	only   string // the kind of the tool that has it; empty: all
	sync   func(s *Sync)
}

// scenarios by name: "partial" is the fault word hosted-partial.
func scenarios() map[string]scenario {
	run := func(about string, s Script) scenario { return scenario{about: about, script: s} }
	sync := func(about string, change func(*Sync)) scenario { return scenario{about: about, sync: change} }
	return map[string]scenario{
		"partial":          run("the run ends with refused rows", Script{End: Partial}),
		"failed":           run("the run fails", Script{End: Failed}),
		"canceled":         run("somebody stops the run", Script{End: Canceled}),
		"skipped":          run("the tool skips the run: another is going on", Script{Busy: true, End: Skipped}),
		"interrupted":      run("the run breaks off and goes on in another", Script{End: Interrupted}),
		"interrupted-only": run("the run breaks off for good", Script{End: Interrupted, Then: none}),
		"unknown":          run("the run shows a status that nobody knows, for three polls", Script{Stages: slices.Repeat([]string{unheard}, 3)}),
		"unknown-for-ever": run("the run stays in a status that nobody knows", Script{Stages: []string{unheard}, End: Never}),
		"incomplete": {
			about: "an attempt of the run fails, and another follows", only: "airbyte",
			script: Script{Stages: []string{"pending", "running", "incomplete", "running"}},
		},
		"stuck":      run("the run never starts", Script{Stages: []string{""}, End: Never}),
		"empty":      run("three lists leave the run out", Script{Hidden: 3}),
		"no-times":   run("the run has no times of start and end", Script{NoTimes: true}),
		"ids-number": run("ids of runs are numbers", Script{IDs: "number"}),
		"ids-string": run("ids of runs are strings", Script{IDs: "string"}),

		"busy":            run("another run is going on at the trigger", Script{Busy: true}),
		"somebody":        run("somebody else triggers at the same moment", Script{Others: 1}),
		"trigger-429":     run("the trigger is one too many", Script{Answer: TooMany}),
		"trigger-500":     run("the trigger fails, nothing runs", Script{Answer: Broken}),
		"trigger-lost":    run("the trigger fails, and the run goes on", Script{Answer: Broken + done}),
		"trigger-hang":    run("the trigger is taken and never answered", Script{Answer: Hang + done}),
		"trigger-reset":   run("the trigger is taken, the connection is closed", Script{Answer: Reset + done}),
		"trigger-login":   run("the trigger is sent to a page to sign in", Script{Answer: Login}),
		"trigger-error":   run("the trigger is answered 200 with an error", Script{Answer: Wrong}),
		"trigger-no-id":   run("the trigger is answered 200 without an id", Script{Answer: Hollow}),
		"trigger-no-json": run("the trigger is taken, the answer is no JSON", Script{Answer: NotJSON + done}),
		"swallowed":       run("the trigger is answered as usual, nothing runs", Script{Answer: Swallowed}),

		"poll-401":      run("the credential expires while waiting", Script{Polls: []Answer{"", Denied}}),
		"poll-denied":   run("the credential is refused for good while waiting", Script{Polls: []Answer{"", Denied}, Stay: true}),
		"poll-429":      run("a poll is one too many, without Retry-After", Script{Polls: []Answer{"", TooMany}, RetryAfter: noRetry}),
		"poll-429-wait": run("a poll is one too many, for two seconds", Script{Polls: []Answer{"", TooMany}, RetryAfter: "2"}),
		"poll-429-day":  run("a poll is one too many, for a day", Script{Polls: []Answer{"", TooMany}, Stay: true, RetryAfter: "86400"}),
		"poll-500":      run("a poll fails", Script{Polls: []Answer{"", Broken}}),
		"poll-hang":     run("a poll is never answered", Script{Polls: []Answer{"", Hang}}),
		"poll-reset":    run("the connection of a poll is closed", Script{Polls: []Answer{"", Reset}}),
		"poll-login":    run("polls are sent to a page to sign in", Script{Polls: []Answer{"", Login}, Stay: true}),
		"poll-error":    run("polls are answered 200 with an error", Script{Polls: []Answer{"", Wrong}, Stay: true}),
		"poll-no-json":  run("polls are answered with what is no JSON", Script{Polls: []Answer{"", NotJSON}, Stay: true}),
		"gone":          run("the run vanishes", Script{Polls: []Answer{"", Gone}, Stay: true}),

		"schedule": sync("the sync has a schedule of its own", func(s *Sync) { s.Schedule = "1h" }),
		"disabled": sync("the sync is disabled", func(s *Sync) { s.Disabled = true }),
		"missing":  sync("there is no such sync", func(s *Sync) { s.Missing = true }),
	}
}

// unheard is a status that no tool has.
const unheard = "hibernating"

// Scenarios lists the names of scenarios, sorted.
func Scenarios() []string { return slices.Sorted(maps.Keys(scenarios())) }

// About says what happens in a scenario; empty if there is none of that name.
func About(name string) string { return scenarios()[name].about }

// OfSync reports whether a scenario is about a sync, and not about a run of
// it: then it shows in every answer, and not in what a trigger starts.
func OfSync(name string) bool { return scenarios()[name].sync != nil }

// ScriptOf gives the script of a scenario; false if there is none of that name,
// or it is about a sync.
func ScriptOf(name string) (Script, bool) {
	s, known := scenarios()[name]
	return s.script, known && s.sync == nil
}
