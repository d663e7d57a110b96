package format

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"exposync/internal/plan"
)

// Name is a readable file name for something with a longer identity.
func Name(readable string, identity ...string) string {
	sum := sha256.New()
	for _, part := range identity {
		fmt.Fprintf(sum, "%d:%s,", len(part), part)
	}
	return Slug(readable) + "-" + hex.EncodeToString(sum.Sum(nil)[:8])
}

// Slug is the readable part of a name. The slug of a text begins with the
// slug of whatever the text begins with.
func Slug(readable string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(readable) {
		if b.Len() >= 48 {
			break
		}
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			b.WriteRune(r)
		} else {
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

// SyncName is the name of what belongs to a sync.
func SyncName(id plan.SyncID) string {
	return Name(id.Job+"-"+id.Object, append([]string{id.Project, id.Job, id.Connection, id.Account, id.Object}, id.Key...)...)
}
