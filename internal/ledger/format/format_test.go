package format

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"exposync/internal/ledger"
)

// marksFile is a file of marks, sound in every checksum, whose partition 0 is
// one block of any bytes.
func marksFile(block []byte, marks uint32) []byte {
	b := Head(marksMagic, marksVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(block)))
	b = binary.LittleEndian.AppendUint32(b, marks)
	b = binary.LittleEndian.AppendUint32(b, blockSum(1, 0, 0, marks, block))
	b = append(b, block...)
	index := appendSlot(nil, slot{offset: HeadSize, bytes: int64(blockHead + len(block)), marks: int64(marks)})
	index = append(index, make([]byte, indexSize-slotSize)...)
	meta := []byte(`{"generation":1}`)
	b = append(append(b, index...), meta...)
	size := int64(len(b) + tailSize)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(meta)))
	b = binary.LittleEndian.AppendUint32(b, tailSum(size, index, meta))
	b = binary.LittleEndian.AppendUint64(b, uint64(size))
	return append(b, marksMagic...)
}

var errBlamed = errors.New("blamed")

type blame struct{}

func (blame) Damaged(string) error   { return errBlamed }
func (blame) Newer(int) error        { return errBlamed }
func (blame) Unreadable(error) error { return errBlamed }

// FuzzBlock: whatever stands behind sound checksums, reading neither panics
// nor fails without a fault of the store's.
func FuzzBlock(f *testing.F) {
	path := filepath.Join(f.TempDir(), "marks")
	f.Add([]byte("\x00\x00aaaaaaaaaaaaaaa"), uint32(1))
	f.Add([]byte("\x1f\x00aaaaaaaaaaaaaaabbbbbbbbbbbbbbbb\x01k\x01r\x01\x40ccccccccccccccccc\x02\x02\x01c\x01r"), uint32(1))
	f.Fuzz(func(t *testing.T, block []byte, marks uint32) {
		if err := os.WriteFile(path, marksFile(block, marks), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(in, blame{})
		if err == nil {
			for part := range ledger.Partitions {
				for _, e := range s.Marks(t.Context(), part) {
					err = errors.Join(err, e)
				}
			}
			err = errors.Join(err, s.Close())
		}
		if err != nil && !errors.Is(err, errBlamed) {
			t.Errorf("reading gives %v, which is no fault of the store", err)
		}
	})
}
