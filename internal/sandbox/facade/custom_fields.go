package facade

import "slices"

// customField is the definition of a field that a customer added to an object
// of a vendor that keeps those apart from its own.
type customField struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"` // in the vendor's words
	Options []string `json:"options,omitempty"`
}

func customFieldsName(object string) string { return "fields-" + object }

// customFields gives the definitions of an object in the order in which they
// were made.
func customFields(s *Service, object string) ([]customField, error) {
	var out []customField
	_, err := s.Documents.Load(customFieldsName(object), &out)
	return out, err
}

// defineFields adds definitions; those that there are already stay.
func defineFields(s *Service, object string, fields []customField) error {
	s.Schema.Lock()
	defer s.Schema.Unlock()
	known, err := customFields(s, object)
	if err != nil {
		return err
	}
	before := len(known)
	for _, f := range fields {
		if !slices.ContainsFunc(known, func(k customField) bool { return k.Name == f.Name }) {
			known = append(known, f)
		}
	}
	if len(known) == before {
		return nil
	}
	return s.Documents.Save(customFieldsName(object), known)
}

// fieldsByName gives the definitions that a write needs. Where the sandbox is
// not strict, names that nobody declared become fields of the type other.
func fieldsByName(s *Service, object string, names []string, other string) (map[string]customField, error) {
	known, err := customFields(s, object)
	if err != nil {
		return nil, err
	}
	out := make(map[string]customField, len(known))
	for _, f := range known {
		out[f.Name] = f
	}
	var added []customField
	for _, name := range names {
		if _, there := out[name]; !there && !s.Strict {
			f := customField{Name: name, Type: other}
			out[name] = f
			added = append(added, f)
		}
	}
	if len(added) == 0 {
		return out, nil
	}
	return out, defineFields(s, object, added)
}
