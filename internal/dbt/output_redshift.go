package dbt

import "math"

// Redshift is an output of type redshift.
type Redshift struct {
	Postgres
	// Method is how dbt signs on: database is by user and password. Every other
	// (iam and its kin) asks AWS for the password of an hour.
	Method string
}

// Redshift reads the output as one of dbt-redshift. Of a method other than
// database nothing else is read.
func (o Output) Redshift() (Redshift, error) {
	out := Redshift{Method: firstOf(o.text("method"), "database")}
	if out.Method != "database" {
		return out, nil
	}
	v := &outputReader{Output: o}
	pg, err := o.Postgres()
	out.Postgres = pg
	if out.Port = v.number("port", 5439); out.Port > math.MaxUint16 { //nolint:mnd // Redshift's own
		out.Port = 0 // Postgres has said so
	}
	return out, err
}
