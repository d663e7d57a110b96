package secret_test

import (
	"strings"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/secret"
)

func resolver(env map[string]string) secret.Resolver {
	return secret.Resolver{
		Env:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Vars: func(name string) (string, bool) { return "v-" + name, name == "known" },
	}
}

func TestJinja(t *testing.T) {
	t.Parallel()
	r := resolver(map[string]string{"X": "hello", "N": " 5432 ", "T": "TRUE", "E": "", "U": "ü}}x", "J": "{{ env_var('X') }}"})
	for text, want := range map[string]string{
		"plain { text } %}":                              "plain { text } %}",
		"{{ env_var('X') }}":                             "hello",
		"a-{{ env_var(\"X\") }}-b {{env_var('X')}}":      "a-hello-b hello",
		"{{ env_var('Q', 'd') }}":                        "d",
		"{{ env_var('E', 'd') }}":                        "",
		"{{ env_var('E') | default('d', true) }}":        "d",
		"{{ none | d('x') }}":                            "x",
		"{{ env_var('N') | int }}":                       "5432",
		"{{ env_var('N') | as_number }}":                 "5432",
		"{{ '1e3' | int }}":                              "1000",
		"{{ '2.50' | float }}":                           "2.50",
		"{{ env_var('T') | as_bool }}":                   "true",
		"x{{ env_var('T') | as_bool }}":                  "xTrue",
		"{{ env_var('X') | upper | as_text }}":           "HELLO",
		"{{ ' a ' | trim | as_native }}":                 "a",
		"{{ 'a' ~ 'b' | upper ~ 1 }}":                    "aB1",
		"{{ 'a' + env_var('X') }}":                       "ahello",
		"{{ 'p' if env_var('X') == 'hello' else 'q' }}":  "p",
		"{{ env_var('GONE') if false else 'q' }}":        "q",
		"{{ 'q' if not (1 == 1.0 and 'a' != 'b') }}":     "",
		"{{ env_var('Q','') or 'last' }}":                "last",
		"{{ var('known') }}":                             "v-known",
		"{{ var('other', 7) }}":                          "7",
		"{{ env_var('U') }}":                             "ü}}x",
		"{{ 'a}}b' }}":                                   "a}}b",
		`{{ 'it\'s \\ \n' }}`:                            "it's \\ \n",
		`{{ '\d' }}`:                                     `\d`,
		"{# note }} #}a":                                 "a",
		"a  {{- ' b ' -}}  c":                            "a b c",
		"{{ env_var('J') }}":                             "{{ env_var('X') }}", // what a variable holds is not rendered
		"{{ env_var('A', env_var('B', env_var('X'))) }}": "hello",
		"{{ -1 }}": "-1",
		"{{ env_var('DBT_' ~ 'Q', 'concatenated name') }}": "concatenated name",
	} {
		got, err := r.Jinja("p.yml:3", text)
		if err != nil || got != want {
			t.Errorf("Jinja(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestJinjaFaults(t *testing.T) {
	t.Parallel()
	r := resolver(map[string]string{"SECRET": "hunter2"})
	tests := []struct{ text, code, says string }{
		{"{{ env_var('GONE') }}", "env_missing", "GONE"},
		{"{{ env_var('GONE', none) }}", "env_missing", "GONE"},
		{"{{ var('gone') }}", "var_missing", "gone"},
		{"{{ env_var('SECRET') | int }}", "jinja_invalid", "int"},
		{"{{ env_var('SECRET') | as_bool }}", "jinja_invalid", "as_bool"},
		{"{{ env_var('SECRET') | b64decode }}", "jinja_unsupported", "b64decode"},
		{"{{ env_var('SECRET') + 1 }}", "jinja_unsupported", "~"},
		{"{{ target.name }}", "jinja_unsupported", "target"},
		{"{{ ref('x') }}", "jinja_unsupported", "ref"},
		{"{{ env_var() }}", "jinja_invalid", "env_var"},
		{"{{ env_var('a' 'hunter2') }}", "jinja_unsupported", "text"},
		{"{% if true %}a{% endif %}", "jinja_unsupported", "statements"},
		{"{{ env_var('SECRET')", "jinja_invalid", "never closed"},
		{"{{ 'hunter2 }}", "jinja_invalid", "never closed"},
		{"{# hunter2", "jinja_invalid", "never closed"},
		{"{{ }}", "jinja_unsupported", "ends early"},
		{"{{ env_var('SECRET').strip() }}", "jinja_unsupported", `"."`},
		{"{{ " + strings.Repeat("(", 100_000) + " }}", "jinja_unsupported", "nested"},
		{"{{ 0x10 }}", "jinja_invalid", "number"},
	}
	for _, tt := range tests {
		got, err := r.Jinja("p.yml:3", tt.text)
		all := fault.All(err)
		if len(all) != 1 || all[0].Code != tt.code || all[0].Where != "p.yml:3" || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("Jinja(%.40q) = %q, %v, want %s saying %q", tt.text, got, err, tt.code, tt.says)
			continue
		}
		if strings.Contains(err.Error()+all[0].Hint, "hunter2") {
			t.Errorf("Jinja(%q) prints a secret: %v", tt.text, err)
		}
		if _, known := fault.Explain(tt.code); !known {
			t.Errorf("code %s has no page", tt.code)
		}
	}
}

func FuzzJinja(f *testing.F) {
	for _, seed := range []string{"{{ env_var('X') | int }}", "{{- 'a' ~ -1 -}}{# #}", "{{ ((('", "{{ 'a' if b else", "{{ '\\u12' }}"} {
		f.Add(seed)
	}
	r := resolver(map[string]string{"X": "topsecretvalue"})
	f.Fuzz(func(t *testing.T, text string) {
		_, err := r.Jinja("", text)
		for _, problem := range fault.All(err) {
			if problem.Code == "internal" || strings.Contains(problem.Error(), "topsecretvalue") {
				t.Errorf("Jinja(%q): %v", text, err)
			}
		}
	})
}
