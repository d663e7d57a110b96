package facade

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// meta is the part of Meta's Marketing API that adds users to custom audiences
// and removes them.
func meta() Vendor {
	return Vendor{Kind: "meta_audiences", Title: "Meta custom audiences", Credential: metaCredential, Routes: metaRoutes, Refuse: metaRefuse}
}

// metaRows is how many users a request may hold.
const metaRows = 10_000

// metaCredential reads a token from the header or from the query.
func metaCredential(r *http.Request) (string, bool) {
	if token, ok := Bearer(r); ok {
		return token, true
	}
	return Query("access_token")(r)
}

// business is one business of Meta.
type business struct{ s *Service }

func metaRoutes(s *Service) http.Handler {
	b := &business{s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{version}/{account}", b.account)
	mux.HandleFunc("POST /{version}/{audience}/users", b.users)
	mux.HandleFunc("DELETE /{version}/{audience}/users", b.users)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { metaRefuse(w, r, NotFound) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if version, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); !strings.HasPrefix(version, "v2") {
			metaFail(w, r, http.StatusBadRequest, 2635, "You are calling a deprecated version of the Ads API. Please update to the latest version.")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func metaFail(w http.ResponseWriter, r *http.Request, status, code int, message string) {
	kind := "OAuthException"
	JSON(w, status, map[string]any{"error": map[string]any{"message": message, "type": kind, "code": code, "fbtrace_id": requestID(r)}})
}

func metaRefuse(w http.ResponseWriter, r *http.Request, t Trouble) {
	switch t {
	case Unauthorized:
		metaFail(w, r, http.StatusUnauthorized, 190, "Invalid OAuth access token data.")
	case Expired:
		metaFail(w, r, http.StatusUnauthorized, 190, "Error validating access token: the session has expired.")
	case Throttled, Exhausted:
		metaFail(w, r, http.StatusBadRequest, 80003, "There have been too many calls to this ad account. Wait a bit and try again.")
	case TooLarge:
		metaFail(w, r, http.StatusRequestEntityTooLarge, 1, "Please reduce the amount of data you're asking for, then retry your request")
	case NotFound:
		metaFail(w, r, http.StatusBadRequest, 100, "Unsupported request: the object does not exist or cannot be loaded.")
	default:
		metaFail(w, r, http.StatusServiceUnavailable, 2, "Service temporarily unavailable")
	}
}

func (b *business) account(w http.ResponseWriter, r *http.Request) {
	id, ok := strings.CutPrefix(r.PathValue("account"), "act_")
	if !ok {
		metaRefuse(w, r, NotFound)
		return
	}
	JSON(w, http.StatusOK, map[string]string{"account_id": id, "id": "act_" + id})
}

// metaColumns are the columns of the schema, and whether their values are
// hashed.
func metaColumns() map[string]bool {
	return map[string]bool{
		"EMAIL_SHA256": true, "PHONE_SHA256": true, "EMAIL": true, "PHONE": true, "FN": true, "LN": true, "FI": true, "GEN": true,
		"DOBY": true, "DOBM": true, "DOBD": true, "CT": true, "ST": true, "ZIP": true, "COUNTRY": true,
		"EXTERN_ID": false, "MADID": false, "MOBILE_ADVERTISER_ID": false, "APPUID": false, "LOOKALIKE_VALUE": false,
	}
}

// metaPayload reads what users a request is about: of a JSON body or of a form.
func metaPayload(r *http.Request) (gjson.Result, bool) {
	body, err := ReadBody(r, MaxBody)
	if err != nil {
		return gjson.Result{}, false
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		doc, ok := object(body)
		return doc.Get("payload"), ok && doc.Get("payload").IsObject()
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return gjson.Result{}, false
	}
	return object([]byte(form.Get("payload")))
}

// users adds or removes. Entries that are not valid are counted, not named.
func (b *business) users(w http.ResponseWriter, r *http.Request) {
	payload, ok := metaPayload(r)
	if !ok {
		metaFail(w, r, http.StatusBadRequest, 194, "Missing at least one required parameter: payload")
		return
	}
	var schema []string
	for _, c := range payload.Get("schema").Array() {
		if _, known := metaColumns()[c.String()]; !known {
			metaFail(w, r, http.StatusBadRequest, 100, "Invalid parameter: the schema has a column that is not known")
			return
		}
		schema = append(schema, c.String())
	}
	rows := payload.Get("data").Array()
	switch {
	case len(schema) == 0 || len(rows) == 0:
		metaFail(w, r, http.StatusBadRequest, 194, "Missing at least one required parameter: schema, data")
		return
	case len(rows) > metaRows:
		metaFail(w, r, http.StatusBadRequest, 105, "The number of parameters exceeded the maximum for this operation")
		return
	}
	invalid, samples, err := b.apply(r, schema, rows)
	if err != nil {
		metaRefuse(w, r, Down)
		return
	}
	JSON(w, http.StatusOK, map[string]any{
		"audience_id": r.PathValue("audience"), "session_id": "1", "num_received": len(rows),
		"num_invalid_entries": invalid, "invalid_entry_samples": samples,
	})
}

// apply adds or removes the entries that are valid.
func (b *business) apply(r *http.Request, schema []string, rows []gjson.Result) (invalid int, samples map[string]string, err error) {
	samples = map[string]string{}
	call := CallOf(r)
	o, err := b.s.Object(r.PathValue("audience"))
	if err != nil {
		return 0, nil, err
	}
	err = o.Update(func(tx *Tx) error {
		for i, row := range rows {
			what, err := metaEntry(tx, r.Method == http.MethodDelete, schema, row, call)
			if errors.Is(err, errMetaInvalid) {
				invalid++
				if len(samples) < 2 {
					samples[strconv.Itoa(i)] = err.Error()
				}
				what, err = "rejected", nil
			}
			if err != nil {
				return err
			}
			call.Report("users", what, 1)
		}
		return nil
	})
	return invalid, samples, err
}

var errMetaInvalid = errors.New("the entry is not valid")

// metaEntry adds or removes one user, known by the first column that has a
// value.
func metaEntry(tx *Tx, remove bool, schema []string, row gjson.Result, call *Call) (what string, err error) {
	cells := row.Array()
	if !row.IsArray() && len(schema) == 1 {
		cells = []gjson.Result{row}
	}
	if len(cells) != len(schema) {
		return "", errMetaInvalid
	}
	fields, key := Fields{}, ""
	for i, name := range schema {
		text, ok := scalar(cells[i])
		if !ok && cells[i].Type != gjson.Null || metaColumns()[name] && text != "" && !hexadecimal(text, 64) {
			return "", errMetaInvalid
		}
		if text != "" {
			fields.Set(name, text)
			key = cmp.Or(key, name+":"+text)
		}
	}
	if key == "" {
		return "", errMetaInvalid
	}
	if _, refused := call.Poisoned(key, fields); refused {
		return "", errMetaInvalid
	}
	if remove {
		return drop(tx, Property{Name: "key"}, key)
	}
	raw, err := json.Marshal(key)
	if err != nil {
		return "", err
	}
	fields["key"] = raw
	what, err = keep(tx, Property{Name: "key"}, key, Digits(1000), fields)
	return what, err
}
