package config

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/yamlx"
)

// Fingerprint stands for what exposync.yml says about the connection: it
// changes when a setting does, and not with the order of keys, comments or
// quotes. References count as they are written, so no secret goes into it;
// another value behind the same reference is not seen.
func (c Connection) Fingerprint() string {
	if c.Sandbox { // it has no settings
		return ""
	}
	var b strings.Builder
	b.WriteString(strconv.Quote(c.Type))
	writeNode(&b, c.settings)
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:8])
}

func writeNode(b *strings.Builder, n *yamlx.Node) {
	switch {
	case n == nil:
	case n.Kind == yamlx.Map:
		b.WriteString("{")
		pairs := slices.SortedFunc(slices.Values(n.Pairs), func(a, b yamlx.Pair) int { return strings.Compare(a.Key, b.Key) })
		for _, p := range pairs {
			b.WriteString(strconv.Quote(p.Key) + ":")
			writeNode(b, p.Value)
			b.WriteString(",")
		}
		b.WriteString("}")
	case n.Kind == yamlx.List:
		b.WriteString("[")
		for _, item := range n.Items {
			writeNode(b, item)
			b.WriteString(",")
		}
		b.WriteString("]")
	default:
		b.WriteString(strconv.Quote(n.Text))
	}
}
