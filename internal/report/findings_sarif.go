package report

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"exposync/internal/plan"
)

// sarifSchema is the official schema; the test of this format holds every
// document against it.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// sarifRoot stands for the root of the repository, which the reader knows.
const sarifRoot = "%SRCROOT%"

// sarifShort is the most characters that GitHub takes for a description.
const sarifShort = 1024

// Sarif is the value of `--output sarif`: SARIF 2.1.0, with what GitHub's code
// scanning asks for.
// Source: OASIS SARIF 2.1.0 plus errata 01; docs.github.com, "SARIF support for
// code scanning".
type Sarif struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type (
	sarifRun struct {
		Tool        sarifTool                `json:"tool"`
		Automation  sarifID                  `json:"automationDetails"`
		Invocations []sarifInvocation        `json:"invocations"`
		Bases       map[string]sarifDescribe `json:"originalUriBaseIds"`
		Columns     string                   `json:"columnKind"`
		Results     []sarifResult            `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
		Full  sarifText `json:"fullDescription"`
		Help  sarifText `json:"help"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifID struct {
		ID string `json:"id"`
	}
	sarifDescribe struct {
		Description sarifText `json:"description"`
	}
	sarifInvocation struct {
		Successful bool        `json:"executionSuccessful"`
		Notes      []sarifNote `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNote struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
)

type (
	sarifResult struct {
		Rule         string             `json:"ruleId"`
		Index        int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Baseline     string             `json:"baselineState,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions"`
		Properties   sarifProperties    `json:"properties"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Full string `json:"fullyQualifiedName"`
		Kind string `json:"kind,omitempty"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification,omitempty"`
	}
	sarifProperties struct {
		Subject string `json:"subject"`
		Column  string `json:"column,omitempty"`
		Owner   string `json:"owner,omitempty"`
		Fix     string `json:"fix,omitempty"`
	}
)

// Sarif gives findings as static analysis results. Limits that were not kept
// and rules that could not be checked have no place in the code: they are notes of
// the invocation.
func (f Findings) Sarif() Sarif {
	rules := f.rules()
	driver := sarifDriver{Name: "exposync", Version: f.Version, Rules: []sarifRule{}}
	index := map[string]int{}
	for i, r := range rules {
		index[r.code] = i
		driver.Rules = append(driver.Rules, sarifRuleOf(r))
	}
	results := []sarifResult{}
	for _, x := range slices.Concat(f.Active(), f.Ignored()) {
		results = append(results, f.sarifResult(x, index[x.Code]))
	}
	invocation := sarifInvocation{Successful: true}
	for _, l := range f.broken() {
		invocation.Notes = append(invocation.Notes, sarifNote{"error", sarifText{Text: joined(l.Message, l.Next)}})
	}
	for _, n := range f.NotRun {
		invocation.Notes = append(invocation.Notes, sarifNote{"note", sarifText{Text: n.Code + " was not checked: " + n.Why}})
	}
	return Sarif{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:        sarifTool{driver},
		Automation:  sarifID{strings.Trim("exposync/"+f.Command+"/"+f.Root, "/") + "/"},
		Invocations: []sarifInvocation{invocation},
		Bases:       map[string]sarifDescribe{sarifRoot: {sarifText{Text: "The root of the repository."}}},
		Columns:     "unicodeCodePoints",
		Results:     results,
	}}}
}

func sarifRuleOf(r rule) sarifRule {
	return sarifRule{
		ID: r.code, Short: sarifText{Text: middle(r.title, sarifShort)}, Full: sarifText{Text: middle(r.means, sarifShort)},
		Help: sarifText{
			Text:     r.means + "\n\n" + r.next,
			Markdown: mdParagraphs(r.means) + "\n\n" + mdParagraphs(r.next) + "\n\nMore: " + mdCode("exposync explain "+r.code),
		},
	}
}

func (f Findings) sarifResult(x Found, rule int) sarifResult {
	markdown := mdParagraphs(x.Message)
	if x.Fix != "" {
		markdown += "\n\n" + mdBlock(strings.Split(printable(x.Fix), "\n"))
	}
	out := sarifResult{
		Rule: x.Code, Index: rule, Level: []string{"error", "warning", "note"}[rank(x.Severity)],
		Message: sarifText{Text: joined(x.Message, x.Fix), Markdown: markdown},
		Locations: []sarifLocation{{
			Physical: sarifPhysical{Artifact: sarifArtifact{uri(f.repoPath(x)), sarifRoot}, Region: regionOf(x)},
			Logical:  []sarifLogical{{Name: x.named(), Full: strings.TrimSpace(x.Subject + " " + x.Column), Kind: kindOf(x.Finding)}},
		}},
		Fingerprints: fingerprints(x.Finding),
		Suppressions: []sarifSuppression{}, // of all results or of none: an empty list says that this one is not suppressed
		Properties:   sarifProperties{Subject: x.Subject, Column: x.Column, Owner: x.Owner, Fix: x.Fix},
	}
	if f.Compared {
		out.Baseline = "unchanged"
		if x.New {
			out.Baseline = "new"
		}
	}
	if x.Ignored {
		out.Suppressions = append(out.Suppressions, sarifSuppression{"inSource", "accepted", x.Reason + x.until()})
	}
	return out
}

func regionOf(x Found) *sarifRegion {
	if x.Line <= 0 {
		return nil
	}
	return &sarifRegion{Line: x.Line, Column: max(x.Col, 0)}
}

// kindOf is what a finding is about, in dbt's words: the type of the node, or
// the column of one.
func kindOf(x plan.Finding) string {
	kind, _, node := strings.Cut(x.Subject, ".")
	switch {
	case x.Column != "":
		return "column"
	case node && !strings.Contains(x.Subject, "/"):
		return kind
	}
	return ""
}

// fingerprints tell a finding from all others, wherever it moves to. GitHub
// reads primaryLocationLineHash alone; without ours it would take several
// findings of one line for one.
func fingerprints(x plan.Finding) map[string]string {
	sum := sha256.Sum256([]byte(x.ID()))
	id := hex.EncodeToString(sum[:])
	return map[string]string{"exposyncFinding/v1": id, "primaryLocationLineHash": id[:16] + ":1"}
}

// uri is a path as a relative reference.
func uri(path string) string { return (&url.URL{Path: path}).String() }
