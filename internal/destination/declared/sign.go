package declared

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // services exist that sign with it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"exposync/internal/rest"
)

// sign adds to a request the signature that only its complete form allows.
func (c *credentials) sign(ctx context.Context, r *rest.Request) error {
	switch c.kind {
	case "hmac":
		c.signHMAC(r)
	case "aws_sigv4":
		return c.signAWS(ctx, r)
	}
	return nil
}

// signHMAC signs the body; with timestamp_name the time, a dot and the body,
// so that an old request cannot be sent again by others.
func (c *credentials) signHMAC(r *rest.Request) {
	f := c.filled
	sum := hmac.New(hashOf(f["algorithm"]), []byte(f["secret"]))
	if name := f["timestamp_name"]; name != "" {
		stamp := strconv.FormatInt(c.now().Unix(), 10)
		r.Header.Set(name, stamp)
		_, _ = sum.Write([]byte(stamp + ".")) // a hash never fails
	}
	_, _ = sum.Write(r.Body)
	text := hex.EncodeToString(sum.Sum(nil))
	if f["format"] == "base64" {
		text = base64.StdEncoding.EncodeToString(sum.Sum(nil))
	}
	r.Header.Set(f["name"], f["prefix"]+text)
}

func hashOf(name string) func() hash.Hash {
	switch name {
	case "sha1":
		return sha1.New
	case "sha512":
		return sha512.New
	}
	return sha256.New
}

func (c *credentials) signAWS(ctx context.Context, r *rest.Request) error {
	f := c.filled
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, http.NoBody)
	if err != nil {
		return &rest.Error{Fate: rest.NeverReached, Method: r.Method, Code: rest.CodeURL, Msg: "the address is not a valid http or https URL"}
	}
	req.ContentLength = int64(len(r.Body))
	req.Header = r.Header
	sum := sha256.Sum256(r.Body)
	text := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", text)
	keys := aws.Credentials{AccessKeyID: f["access_key"], SecretAccessKey: f["secret_key"], SessionToken: f["session_token"]}
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, text, f["service"], f["region"], c.now()); err != nil {
		return denied("the request could not be signed")
	}
	return nil
}
