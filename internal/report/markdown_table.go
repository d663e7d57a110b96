package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mdRows is the table, and how many syncs it leaves out.
func mdRows(jobs []JobReport) (table string, left int) {
	var b strings.Builder
	b.WriteString("| sync | destination | gate | create | update | delete | stopped by | calls | time |\n")
	b.WriteString("| --- | --- | --- | ---: | ---: | ---: | --- | ---: | --- |\n")
	for _, j := range jobs {
		create, update, remove, calls, time := "", "", "", "", ""
		if p := j.Result.Plan; p != nil && p.Hosted == nil {
			create, update, remove = number(p.Counts.Create), number(p.Counts.Update), number(p.Counts.Delete)
			if p.Estimate.Calls > 0 {
				calls, time = number(p.Estimate.Calls), timeText(p.Estimate)
			}
		}
		row := "| " + strings.Join([]string{
			mdCode(j.Job.ID), mdCode(j.To()), string(j.Judgement.Verdict), create, update, remove, mdCodes(stoppedBy(j)), calls, time,
		}, " | ") + " |\n"
		if b.Len()+len(row) > mdTable {
			left++
			continue
		}
		b.WriteString(row)
	}
	return b.String(), left
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// stoppedBy are the codes of everything that keeps a job from running.
func stoppedBy(j JobReport) []string {
	var out []string
	list := func(code string) {
		if !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	for _, r := range j.Judgement.Reasons {
		if !j.Judgement.Verdict.Open() && r.Verdict == j.Judgement.Verdict {
			list(r.Code)
		}
	}
	if p := j.Result.Plan; p != nil {
		for _, h := range p.Held() {
			list(h.Code)
		}
	}
	for _, f := range j.Result.Problems {
		list(f.Code)
	}
	return out
}

func mdCodes(codes []string) string {
	var out []string
	for _, c := range codes[:min(len(codes), mdItems)] {
		out = append(out, mdCode(c))
	}
	if more := len(codes) - mdItems; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", ")
}

// byAttention puts first what somebody has to look at, then what would be
// sent, then the rest.
func byAttention(jobs []JobReport) []JobReport {
	var ranks [3][]JobReport
	for _, j := range jobs {
		rank := 2
		switch {
		case len(stoppedBy(j)) > 0:
			rank = 0
		case j.Result.Counts.Changes() > 0:
			rank = 1
		}
		ranks[rank] = append(ranks[rank], j)
	}
	return slices.Concat(ranks[0], ranks[1], ranks[2])
}
