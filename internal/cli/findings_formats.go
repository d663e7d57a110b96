package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"exposync/internal/report"
)

// checked is the result of a command that checks the project, in every format:
// what machines read comes from the findings, the rest from the command itself.
type checked struct {
	findings report.Findings
	text     func(report.Style) string
	json     func() any
	markdown func() string // nil: that of the findings
	html     func() string // nil: the page of the findings
}

// checkFormats adds --output with the formats of every command that checks, and
// --out.
func (a *app) checkFormats(cmd *cobra.Command, out *string) {
	cmd.Flags().StringVar(out, "out", "", "write the result into a `FILE` instead")
	a.flags.format(cmd, "text", "json", "markdown", "github", "junit", "sarif", "html")
}

// printChecked writes a result in the format that --output asks for, to stdout
// or into the file of --out.
func (a *app) printChecked(c checked, out string) error {
	style := a.outStyle()
	if out != "" {
		style = report.Style{Width: 120}
	}
	data, err := a.renderChecked(c, style)
	if err != nil {
		return err
	}
	if out == "" {
		_, err = a.env.Stdout.Write(data)
		return err
	}
	if err := replaceFile(a.pathOf(out), data, 0o644); err != nil {
		return outFault(out, err)
	}
	a.say("wrote %s", out)
	return nil
}

func (a *app) renderChecked(c checked, style report.Style) ([]byte, error) {
	var doc any
	text := ""
	switch a.flags.output {
	case "json":
		doc = c.json()
	case "sarif":
		doc = c.findings.Sarif()
	case "github":
		text = c.findings.GitHub()
	case "junit":
		text = c.findings.JUnit()
	case "markdown":
		text = ownOr(c.markdown, c.findings.Markdown)
	case "html":
		text = ownOr(c.html, report.CheckPage{Findings: c.findings, Made: a.env.Now(), Target: a.flags.target}.HTML)
	default:
		text = style.Safe(c.text(style))
	}
	if doc == nil {
		return []byte(a.redactor.Redact(text)), nil
	}
	data, err := indented(doc)
	if err != nil {
		return nil, err
	}
	return a.redactJSON(data), nil
}

func ownOr(own, otherwise func() string) string {
	if own == nil {
		return otherwise()
	}
	return own()
}

// folderInRepository is the folder of the dbt project within its repository, with slashes:
// what code hosts put before the path of a file. It is empty where both are one,
// and where there is no repository.
func (s *session) folderInRepository() string {
	project := s.a.pathOf(s.dir)
	for dir := project; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil { // a folder, or a file in a worktree
			rel, err := filepath.Rel(dir, project)
			if err != nil || rel == "." {
				return ""
			}
			return filepath.ToSlash(rel)
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}
