package declared

// quoted appends text that needs no escaping.
func quoted(dst []byte, text string) []byte {
	return append(append(append(dst, '"'), text...), '"')
}
