package facade

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Bearer reads `Authorization: Bearer TOKEN`.
func Bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && wellFormed(token)
}

// Basic reads HTTP basic authentication with a user.
func Basic(r *http.Request) (string, bool) {
	user, password, ok := r.BasicAuth()
	return user + ":" + password, ok && user != ""
}

// Header reads a credential from a header, after a prefix if it has one.
func Header(name, prefix string) func(*http.Request) (string, bool) {
	return func(r *http.Request) (string, bool) {
		token, ok := strings.CutPrefix(r.Header.Get(name), prefix)
		return token, ok && wellFormed(token)
	}
}

// Query reads a credential from the query.
func Query(name string) func(*http.Request) (string, bool) {
	return func(r *http.Request) (string, bool) {
		token := r.URL.Query().Get(name)
		return token, wellFormed(token)
	}
}

func wellFormed(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

// ErrTooLarge is the error of reading more than MaxBody.
var ErrTooLarge = errors.New("the body is too large")

// ReadBody reads the whole body, unpacked where it is packed with gzip: up to
// limit bytes, more is ErrTooLarge.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	var from io.Reader = r.Body
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		from = unpacked
	}
	data, err := io.ReadAll(io.LimitReader(from, limit+1))
	if _, large := errors.AsType[*http.MaxBytesError](err); large || int64(len(data)) > limit {
		return nil, ErrTooLarge
	}
	return data, err
}

// JSON answers with a value.
func JSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic("BUG: an answer cannot be written as JSON: " + err.Error())
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
	}
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
