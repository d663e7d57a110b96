package dbt_test

import "exposync/internal/fault"

// code is the code of an error's first fault, "" for none.
func code(err error) string {
	for _, f := range fault.All(err) {
		return f.Code
	}
	return ""
}
