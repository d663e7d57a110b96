package tools

import (
	"net/http"

	"exposync/internal/sandbox/facade"
)

// act answers a request: as usual, or as a script wants it.
func (w *Workspace) act(out http.ResponseWriter, r *http.Request, a Answer, s Script, usual func(http.ResponseWriter)) {
	if s.RetryAfter != "" {
		out = &delayed{ResponseWriter: out, after: s.RetryAfter}
	}
	say := w.d.say
	switch what, _ := a.parts(); what {
	case Denied:
		if token, ok := facade.Bearer(r); ok {
			w.s.Tokens.Revoke(token)
		}
		say.refuse(out, r, facade.Expired)
	case TooMany:
		say.refuse(out, r, facade.Throttled)
	case Down:
		say.refuse(out, r, facade.Down)
	case Broken:
		say.broken(out)
	case Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Reset:
		panic(http.ErrAbortHandler)
	case Login:
		out.Header().Set("Location", w.s.URL(r, loginPage))
		out.WriteHeader(http.StatusFound)
	case Wrong:
		say.wrong(out)
	case Hollow:
		say.hollow(out)
	case NotJSON:
		out.Header().Set("Content-Type", "application/json")
		_, _ = out.Write([]byte(`{"data": [{"id": "4`))
	case Gone:
		say.gone(out)
	default:
		usual(out)
	}
}

// loginPage is where a request is sent that has to sign in first.
const loginPage = "/_login"

// login reports a request for that page, which needs no credential.
func login(r *http.Request) bool { return r.Method == http.MethodGet && r.URL.Path == loginPage }

func signIn(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte("<!doctype html><title>Sign in</title><h1>Please sign in</h1>"))
}

// delayed sets or drops the Retry-After of an answer.
type delayed struct {
	http.ResponseWriter

	after string
}

// WriteHeader writes the status with the header in it.
func (d *delayed) WriteHeader(status int) {
	if status == http.StatusTooManyRequests {
		if d.after == noRetry {
			d.Header().Del("Retry-After")
		} else {
			d.Header().Set("Retry-After", d.after)
		}
	}
	d.ResponseWriter.WriteHeader(status)
}
