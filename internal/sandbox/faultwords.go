package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"exposync/internal/sandbox/tools"
)

// FaultWords are the faults that ParseFaults knows.
func FaultWords() []string {
	return []string{TooMany, ServerError, TimeoutAfterCommit, Partial, Slow, TokenExpiry, HTML200, DuplicateID, Quota}
}

// The rates of faults that are given without one.
const (
	usualRate    = 0.2  // of requests
	usualPartial = 0.05 // of records
	usualDelay   = 2 * time.Second
)

// ParseFaults reads faults as a person writes them: FAULT[=RATE] with commas
// between, such as `429=5%,slow=3s,partial,hosted-failed`. A rate is a share of requests, of
// partial a share of records; slow may have its delay there instead.
func ParseFaults(text string) ([]Rule, error) {
	var rules []Rule
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		word, value, given := strings.Cut(part, "=")
		if !slices.Contains(FaultWords(), word) && !strings.HasPrefix(word, hosted) {
			return nil, fmt.Errorf("%q is no fault: there are %s, and for hosted syncs %sSCENARIO", word, strings.Join(FaultWords(), ", "), hosted)
		}
		if !known(word) {
			return nil, fmt.Errorf("%q is no fault: scenarios of hosted syncs are %s", word, strings.Join(tools.Scenarios(), ", "))
		}
		r := Rule{Kind: word, Rate: usualRate}
		if strings.HasPrefix(word, hosted) {
			r.Rate = 0 // all: a sync is triggered once
		}
		if word == Partial {
			r.Rate = usualPartial
		}
		if word == Slow {
			r.DelayMS = int(usualDelay.Milliseconds())
		}
		if given {
			if err := r.adjust(value); err != nil {
				return nil, err
			}
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func (r *Rule) adjust(value string) error {
	if d, err := time.ParseDuration(value); err == nil && r.Kind == Slow && d > 0 {
		r.DelayMS, r.Rate = int(d.Milliseconds()), 1
		return nil
	}
	number, percent := strings.CutSuffix(value, "%")
	rate, err := strconv.ParseFloat(number, 64)
	if err != nil || !percent || !(rate > 0 && rate <= 100) {
		return fmt.Errorf("%s=%s: a rate is above 0%% and up to 100%%", r.Kind, value)
	}
	r.Rate = rate / 100
	return nil
}
