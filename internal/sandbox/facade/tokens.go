package facade

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Tokens issues access tokens that expire. A token that was not issued here
// is accepted like any well-formed credential.
type Tokens struct {
	now func() time.Time

	mu      sync.Mutex
	revoked map[string]bool
}

const tokenPrefix = "sandbox-token-"

// Issue makes a token that is good for a time. The time stands in it, so it
// stays good when the sandbox is started again.
func (t *Tokens) Issue(lifetime time.Duration) string {
	random := make([]byte, 12)
	_, _ = rand.Read(random) // never fails
	until := strconv.FormatInt(t.now().Add(lifetime).Unix(), 10)
	return tokenPrefix + until + "-" + hex.EncodeToString(random)
}

// Expired reports whether a token was issued and is no longer good.
func (t *Tokens) Expired(token string) bool {
	rest, issued := strings.CutPrefix(token, tokenPrefix)
	if !issued {
		return false
	}
	t.mu.Lock()
	revoked := t.revoked[token]
	t.mu.Unlock()
	text, _, _ := strings.Cut(rest, "-")
	until, err := strconv.ParseInt(text, 10, 64)
	return revoked || err != nil || t.now().Unix() >= until
}

// Revoke makes an issued token expire now.
func (t *Tokens) Revoke(token string) {
	if !strings.HasPrefix(token, tokenPrefix) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.revoked[token] = true
}
