package report

import "testing"

// Names and texts come from a project that anybody may have written: they
// colour, clear and turn nothing on the terminal of whoever reads a report.
func TestTextSteersNoTerminal(t *testing.T) {
	t.Parallel()
	plain, coloured := Style{}, Style{Colour: true}
	for text, want := range map[string]string{
		"export_orders · ✓\n\tas it is": "export_orders · ✓\n\tas it is",
		"\x1b[2J\x1b]0;title\x07x":      "[2J]0;titlex",
		"a\rb\u202ec\u2066d\u0085e":     "abcde",
		"+a\r\n-b\r\n":                  "+a\r\n-b\r\n",
		"\x1b[8mhidden":                 "[8mhidden",
	} {
		for _, s := range []Style{plain, coloured} {
			if got := s.Safe(text); got != want {
				t.Errorf("%+v: %q became %q, want %q", s, text, got, want)
			}
		}
	}
	ours := coloured.Paint(Bad, "FAIL") + coloured.Paint(Faint, "\x1b[5m")
	if got, want := coloured.Safe(ours), "\x1b[31mFAIL\x1b[0m\x1b[2m[5m\x1b[0m"; got != want {
		t.Errorf("with colour: %q, want %q", got, want)
	}
}

// What is and what was asked for are never the same words where one falls
// short of the other.
func TestSharesAreToldApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		got, want float64
		is, asked string
	}{
		{0.75, 0.8, "75%", "80%"},
		{0.84147509, 0.84148, "84.147509%", "84.148%"},
		{0.9, 0.9, "90%", "90%"},
	} {
		if is, asked := apart(c.got, c.want); is != c.is || asked != c.asked {
			t.Errorf("%v of %v: %s and %s, want %s and %s", c.got, c.want, is, asked, c.is, c.asked)
		}
	}
}
