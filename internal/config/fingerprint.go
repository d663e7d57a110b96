package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"

	"exposync/internal/yamlx"
)

// Fingerprint identifies what exposync.yml says about the connection, in
// whatever order and at whatever line. References count as they are written,
// so it tells nothing of what they refer to, and is the same on every
// machine; "c1:" is its version. A description of the connection's type that
// is the user's own counts as if it stood there.
func (c Connection) Fingerprint() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %t\n", c.Name, c.Type, c.Sandbox)
	if c.Sandbox { // it knows of the connection that it stands in for what is written out
		literals := c.Literals()
		for _, name := range slices.Sorted(maps.Keys(literals)) {
			fmt.Fprintf(h, "%q = %q\n", name, literals[name])
		}
	} else {
		digestNode(h, c.settings)
	}
	if c.digest != "" {
		fmt.Fprintf(h, "described %q\n", c.digest)
	}
	return "c1:" + hex.EncodeToString(h.Sum(nil)[:16])
}

func digestNode(h hash.Hash, n *yamlx.Node) {
	if n == nil {
		fmt.Fprint(h, "nothing;")
		return
	}
	fmt.Fprintf(h, "%d %q %d %d;", n.Kind, n.Text, len(n.Items), len(n.Pairs))
	for _, item := range n.Items {
		digestNode(h, item)
	}
	pairs := slices.Clone(n.Pairs)
	slices.SortFunc(pairs, func(a, b yamlx.Pair) int { return strings.Compare(a.Key, b.Key) })
	for _, p := range pairs {
		fmt.Fprintf(h, "%q:", p.Key)
		digestNode(h, p.Value)
	}
}
