package declared

import "strings"

// Harmless gives parameters with which a connection of that kind can be opened
// at a stand-in that takes any credential: every address is base, what is
// given stays, and what is needed beside that is made up. Addresses that are
// given are not used, nor is anything that the description says is secret.
func (c *Catalog) Harmless(kind, base string, given map[string]string) (map[string]string, error) {
	s, err := c.load(kind, nil)
	if err != nil {
		return nil, err
	}
	needed := s.provesBy()
	out := map[string]string{}
	for _, p := range s.params {
		switch {
		case p.Kind == "url":
			out[p.Name] = base
		case p.Secret:
			if p.Required || needed[p.Name] {
				out[p.Name] = "sandbox-" + p.Name
			}
		case given[p.Name] != "":
			out[p.Name] = given[p.Name]
		case p.Default == "" && (p.Required || needed[p.Name]):
			out[p.Name] = "sandbox-" + p.Name
		}
	}
	return out, nil
}

// provesBy are the parameters of one way to prove who sends: the first that
// works with credentials that are made up.
func (s *spec) provesBy() map[string]bool {
	out := map[string]bool{}
	for _, a := range s.auth {
		if a.kind == "oauth2_jwt_bearer" && len(s.auth) > 1 { // needs a real key
			continue
		}
		texts := []string{a.when}
		for _, text := range a.texts {
			texts = append(texts, *text)
		}
		for _, p := range s.params {
			for _, text := range texts {
				out[p.Name] = out[p.Name] || strings.Contains(text, "${"+p.Name+"}")
			}
		}
		return out
	}
	return out
}
