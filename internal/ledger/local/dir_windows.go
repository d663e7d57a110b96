package local

// renameOverOpen: an open file cannot be replaced on Windows.
const renameOverOpen = false

// syncDirectory has nothing to do: NTFS journals names by itself, and a
// directory cannot be flushed.
func syncDirectory(string) error { return nil }
