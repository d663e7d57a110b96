package cli

import (
	"os"

	"golang.org/x/sys/windows"
)

// colours has the console read escape sequences, which older ones do only when
// they are asked to; false if it cannot.
func colours(f *os.File) bool {
	console := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
