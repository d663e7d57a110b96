package cli

import (
	"errors"
	"os"

	"exposync/internal/fault"
)

// private makes a file that nobody else can read. A file that is there already
// goes first, because its permissions would stay.
func private(path string) (*os.File, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		if err := os.Remove(path); err != nil {
			return nil, outFault(path, err)
		}
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, outFault(path, err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() { // through a link, or under another umask
		err = f.Chmod(0o600)
		if err != nil {
			return nil, outFault(path, errors.Join(err, f.Close()))
		}
	}
	return f, nil
}

// outFault is the fault of a file that --out names.
func outFault(path string, err error) error {
	return &fault.Fault{
		Code: "out_unwritable", Kind: fault.Config, Whose: fault.User, Where: path,
		Msg: "the file that --out names cannot be written", Hint: "name another file, or correct the permissions of its folder", Err: err,
	}
}
