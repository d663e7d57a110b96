package local

import (
	"context"
	"errors"
	"io/fs"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

var _ ledger.Located = (*store)(nil)

// Place gives the sync's directory and the size of its files.
func (s *store) Place(_ context.Context, id plan.SyncID) (where string, bytes int64, err error) {
	dir := s.syncDir(id)
	list, err := entries(dir)
	for _, e := range list {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // a fold took it away just now
		}
		if err != nil {
			return dir, bytes, unreadable(dir, err)
		}
		bytes += info.Size()
	}
	return dir, bytes, err
}
