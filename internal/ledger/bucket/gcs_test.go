package bucket_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exposync/internal/fault"
	"exposync/internal/ledger/bucket"
	"exposync/internal/rest"
)

// TestGoogleCredentials: a service account's key becomes a token, which every
// request carries; nothing of the key is ever in a message.
func TestGoogleCredentials(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	granted := true
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !granted || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || strings.Count(r.FormValue("assertion"), ".") != 2 {
			http.Error(w, `{"error": "invalid_grant"}`, http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token": "tok-123", "token_type": "Bearer", "expires_in": 3600}`))
	}))
	t.Cleanup(tokens.Close)
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "sync@example.com", "token_uri": tokens.URL,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	must(t, err)
	s := newStore(t, "gcs")
	var carried []string
	s.faults(func(_ http.ResponseWriter, r *http.Request) bool {
		carried = append(carried, r.Header.Get("Authorization"))
		return false
	}, nil)
	open := func(credentials []byte) error {
		l, err := bucket.OpenGCS(bucket.GCS{
			Bucket: bucketName, Endpoint: s.url, Credentials: credentials,
			Rest: rest.Config{Now: time.Now, Jitter: func() float64 { return 0 }, WaitMin: time.Millisecond, Transport: s.net},
		}, options(t))
		if err != nil {
			return err
		}
		_, err = l.Runs(t.Context(), "shop", "job")
		return err
	}
	must(t, open(account))
	if len(carried) != 1 || carried[0] != "Bearer tok-123" {
		t.Errorf("requests carry %v", carried)
	}
	granted = false
	for name, bad := range map[string][]byte{
		"refused": account, "no JSON": []byte("-----BEGIN PRIVATE KEY-----hunter2"), "unknown": []byte(`{"type": "hunter2"}`),
	} {
		err := open(bad)
		if !fault.Is(err, "ledger_unreadable") && !fault.Is(err, "setting_invalid") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
