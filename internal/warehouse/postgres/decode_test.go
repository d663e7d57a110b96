package postgres_test

import (
	"encoding/json"
	"testing"

	"exposync/internal/record"
	"exposync/internal/warehouse/postgres"
)

func binaryTypes() []uint32 {
	return []uint32{16, 17, 19, 20, 21, 23, 25, 26, 114, 650, 700, 701, 869, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950, 3802}
}

// Bytes that are not what their type says, from a proxy or a server that is
// not quite PostgreSQL, are an error, never a panic or a broken JSON.
func FuzzDecode(f *testing.F) {
	for i := range binaryTypes() {
		f.Add(byte(i), false, []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23})
		f.Add(byte(i), true, []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7})
		f.Add(byte(i), false, []byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
		f.Add(byte(i), false, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff})
	}
	f.Fuzz(func(t *testing.T, which byte, array bool, raw []byte) {
		oid := binaryTypes()[int(which)%len(binaryTypes())]
		v, known, err := postgres.Decode(oid, array, raw)
		if !known {
			t.Fatalf("type %d is read as text", oid)
		}
		if err != nil {
			return
		}
		if v.Kind == record.JSON && !json.Valid(v.Data) {
			t.Fatalf("type %d: %q became %q, which is not JSON", oid, raw, v.Data)
		}
		if array && v.Kind != record.JSON {
			t.Fatalf("an array of type %d became %s", oid, v.Kind)
		}
	})
}

func TestDecodeRefusesAnotherSize(t *testing.T) {
	t.Parallel()
	for _, oid := range []uint32{16, 20, 21, 23, 26, 650, 700, 701, 869, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950, 3802} {
		for _, raw := range [][]byte{{}, {2, 3, 4}, make([]byte, 17)} {
			if v, _, err := postgres.Decode(oid, false, raw); err == nil {
				t.Errorf("type %d: %d bytes became %s %q", oid, len(raw), v.Kind, v.Data)
			}
		}
	}
}
