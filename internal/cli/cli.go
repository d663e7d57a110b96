// Package cli is the command line: it parses, wires and renders.
package cli

// Main runs the command line and gives the exit code.
func Main() int { return 0 }
