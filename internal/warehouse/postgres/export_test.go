package postgres

import "exposync/internal/record"

// Decode reads a value of a built-in type, or an array of them, from its
// binary form. It is false for a type that is read as text.
func Decode(oid uint32, array bool, raw []byte) (v record.Value, known bool, err error) {
	s, known := scalarOf(oid)
	if !known {
		return v, false, nil
	}
	decode := s.decode
	if array {
		decode = arrayOf(s)
	}
	v, _, err = decode(raw, nil)
	return v, true, err
}
