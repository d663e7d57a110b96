package report

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Exposures is what `exposync ls --output json` prints.
type Exposures struct {
	Exposures []ExposureJSON `json:"exposures"`
	Online    *Online        `json:"online,omitempty"` // ls --online only
}

// ExposureJSON is one exposure with its jobs.
type ExposureJSON struct {
	UniqueID  string    `json:"unique_id"`
	Name      string    `json:"name"`
	Type      string    `json:"type"`
	Label     string    `json:"label,omitempty"`
	Owner     string    `json:"owner,omitempty"`
	URL       string    `json:"url,omitempty"`
	Path      string    `json:"original_file_path"`
	DependsOn []string  `json:"depends_on"` // direct node ids
	Ancestors int       `json:"ancestors"`  // distinct nodes upstream, ephemerals counted, tests and macros not
	Jobs      []JobJSON `json:"jobs"`
}

// JobJSON is one job as far as its declaration says.
type JobJSON struct {
	ID       string      `json:"id"`
	From     string      `json:"from,omitempty"`
	To       string      `json:"to,omitempty"`
	Mode     string      `json:"mode,omitempty"`
	Key      []string    `json:"key,omitempty"` // the destination's key fields
	Problems []FaultJSON `json:"problems"`
}

// Text draws the exposures as a table with one line a job.
func (e Exposures) Text(s Style) string {
	if len(e.Exposures) == 0 {
		return "no exposures of type application; declare one with `type: application` that depends on an export_* model\n"
	}
	rows := [][]string{{"exposure", "from", "to", "mode", "key"}}
	for _, x := range e.Exposures {
		if len(x.Jobs) == 0 {
			rows = append(rows, []string{x.Name, strings.Join(names(x.DependsOn), " "), "not synced", "", ""})
		}
		for _, j := range x.Jobs {
			rows = append(rows, []string{j.ID, j.From, j.To, j.Mode, strings.Join(j.Key, " ")})
		}
	}
	text := table(s, rows) + faultText(s, e.problems())
	if e.Online != nil {
		text += e.Online.Text(s)
	}
	return text
}

// problems are those of all jobs; one that several jobs share comes once.
func (e Exposures) problems() []FaultJSON {
	var out []FaultJSON
	for _, x := range e.Exposures {
		for _, j := range x.Jobs {
			for _, p := range j.Problems {
				if !slices.Contains(out, p) {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// table aligns columns; the first row is the head.
func table(s Style, rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		text := strings.TrimRight(line.String(), " ")
		if n == 0 {
			text = s.Paint(Faint, text)
		}
		b.WriteString(text + "\n")
	}
	return b.String()
}

// fitted is the table if it fits the terminal, else the one without a column
// that can be left out; ok is false where that is too wide, too.
func (s Style) fitted(rows [][]string, without int) (text string, ok bool) {
	narrow := make([][]string, len(rows))
	for i, r := range rows {
		narrow[i] = slices.Delete(slices.Clone(r), without, without+1)
	}
	for _, try := range [][][]string{rows, narrow} {
		if widest(table(Style{}, try)) <= s.width() {
			return table(s, try), true
		}
	}
	return "", false
}

// Table aligns columns; the first row is the head. Where it is too wide for the
// terminal, columns are left out, in the order of without, until it fits.
func Table(s Style, rows [][]string, without ...int) string {
	gone := map[int]bool{}
	for _, column := range append([]int{-1}, without...) {
		gone[column] = true
		fewer := make([][]string, len(rows))
		for i, r := range rows {
			for c, cell := range r {
				if !gone[c] {
					fewer[i] = append(fewer[i], cell)
				}
			}
		}
		if len(gone) > len(without) || widest(table(Style{}, fewer)) <= s.width() {
			return table(s, fewer)
		}
	}
	return table(s, rows)
}

// widest is how many columns the widest line has.
func widest(text string) int {
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n = max(n, utf8.RuneCountInString(line))
	}
	return n
}

// names are the last parts of unique ids.
func names(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		parts := strings.Split(id, ".")
		out[i] = parts[len(parts)-1]
		if len(parts) > 3 && (strings.HasPrefix(id, "model.") || strings.HasPrefix(id, "source.")) { // with its version, or its source
			out[i] = strings.Join(parts[2:], ".")
		}
	}
	return out
}
