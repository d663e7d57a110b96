package facade

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sfSession is how long a token is good.
const sfSession = 2 * time.Hour

// token issues an access token for client credentials, or for an assertion
// that is signed: the signature itself cannot be checked here, its form is.
func (o *org) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if r.ParseForm() != nil {
		sfDeny(w, "invalid_request", "the body is no form")
		return
	}
	switch grant := r.PostForm.Get("grant_type"); grant {
	case "client_credentials":
		id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
		if user, password, basic := r.BasicAuth(); basic {
			id, secret = user, password
		}
		if id == "" {
			sfDeny(w, "invalid_client_id", "client identifier invalid")
			return
		}
		if secret == "" {
			sfDeny(w, "invalid_client", "invalid client credentials")
			return
		}
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		if problem := o.assertion(r.PostForm.Get("assertion")); problem != "" {
			sfDeny(w, "invalid_grant", problem)
			return
		}
	default:
		sfDeny(w, "unsupported_grant_type", "grant type not supported")
		return
	}
	base := o.s.URL(r, "")
	JSON(w, http.StatusOK, map[string]string{
		"access_token": o.s.Tokens.Issue(sfSession), "token_type": "Bearer", "scope": "api", "instance_url": base,
		"id": base + "/id/" + o.orgID() + "/" + Checked18("005")(1), "issued_at": strconv.FormatInt(o.s.Now().UnixMilli(), 10),
	})
}

func sfDeny(w http.ResponseWriter, code, description string) {
	w.Header().Set("Cache-Control", "no-store")
	JSON(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": description})
}

// assertion says what is wrong with a JWT.
func (o *org) assertion(text string) (problem string) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[2] == "" {
		return "invalid assertion"
	}
	var header struct{ Alg string }
	var claims struct {
		Iss, Sub string
		Aud      any
		Exp      int64
	}
	for i, into := range []any{&header, &claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(data, into) != nil {
			return "invalid assertion"
		}
	}
	if _, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return "invalid assertion"
	}
	now, end := o.s.Now(), time.Unix(claims.Exp, 0)
	switch audience := strings.Trim(fmt.Sprint(claims.Aud), "[]"); {
	case header.Alg != "RS256":
		return "algorithm not supported"
	case claims.Iss == "":
		return "client identifier invalid"
	case claims.Sub == "":
		return "user hasn't approved this consumer"
	case !strings.HasPrefix(audience, "https://") || !strings.Contains(audience, "salesforce.com"):
		return "audience is invalid"
	case end.Before(now):
		return "expired authorization code"
	case end.After(now.Add(6 * time.Minute)): // five, and a minute for clocks
		return "invalid assertion: it expires too late"
	}
	return ""
}
