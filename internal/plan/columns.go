package plan

import "slices"

// KeyColumns gives the columns of the source that the key is made of, each
// once, as the declaration spells them.
func (j Job) KeyColumns() []string {
	var c columnNames
	for _, k := range j.Key {
		if c.add(k.Column); k.Rule != nil {
			k.Rule.Text(k.Column, c.spell)
		}
	}
	return c
}

// NamedColumns gives the columns of the source that key and fields are made
// of, each once, as the declaration spells them. With AllFields the job sends
// every other column, too.
func (j Job) NamedColumns() []string {
	c := columnNames(j.KeyColumns())
	for _, f := range j.Fields {
		if c.add(f.Column); f.Rule != nil {
			f.Rule.Text(f.Column, c.spell)
		}
	}
	return c
}

type columnNames []string

func (c *columnNames) add(name string) {
	if name != "" && !slices.Contains(*c, name) {
		*c = append(*c, name)
	}
}

func (c *columnNames) spell(name string) string {
	c.add(name)
	return name
}
