package hosted

import (
	"context"
	"sync"
	"time"
)

// earlyRenewal is how long before its end a token is replaced. It is short:
// Airbyte's live three minutes.
const earlyRenewal = 20 * time.Second

// login keeps a token that ends by itself: fetched when it is first needed,
// again shortly before it ends, and once a request was refused with it.
type login struct {
	// fetch asks for a token and how long it lives, 0 if nobody tells.
	fetch func(ctx context.Context) (token string, life time.Duration, f *failure)
	now   func() time.Time

	mu    sync.Mutex
	token string
	ends  time.Time // zero: nobody knows

	seen  sync.Mutex
	forms []string // of tokens, for messages
}

// current gives a token that should be good. Who needs one while it is being
// fetched waits for it.
func (l *login) current(ctx context.Context) (string, *failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token != "" && (l.ends.IsZero() || l.now().Before(l.ends)) {
		return l.token, nil
	}
	token, life, f := l.fetch(ctx)
	if f != nil {
		f.fate = NotStarted // whatever wanted the token was not sent
		return "", f
	}
	l.token, l.ends = token, time.Time{}
	if life > 0 {
		l.ends = l.now().Add(max(life-earlyRenewal, life/2))
	}
	l.remember(token)
	return token, nil
}

// drop forgets a token that a request was refused with.
func (l *login) drop(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token == token {
		l.token = ""
	}
}

// remember keeps the forms of the last tokens: a message may repeat them.
func (l *login) remember(token string) {
	l.seen.Lock()
	defer l.seen.Unlock()
	l.forms = append(l.forms, formsOf(token)...)
	if n := len(l.forms); n > 64 {
		l.forms = append([]string(nil), l.forms[n-64:]...)
	}
}

func (l *login) secrets() []string {
	l.seen.Lock()
	defer l.seen.Unlock()
	return append([]string(nil), l.forms...)
}
