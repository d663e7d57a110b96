package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"exposync/internal/ledger"
	"exposync/internal/rest"
)

// GCS is a bucket of Google Cloud Storage.
type GCS struct {
	Bucket, Prefix string
	Endpoint       string // a URL; empty for Google's
	// Credentials is the JSON of a service account, a user or a workload
	// identity; empty for those of the machine.
	Credentials []byte
	Anonymous   bool // no credentials at all: an emulator
	Rest        rest.Config
}

// OpenGCS gives the ledger in a bucket. Nothing is sent before the first use,
// and nothing is created before the first write.
func OpenGCS(cfg GCS, opts Options) (ledger.Ledger, error) {
	b, err := newGCS(cfg)
	if err != nil {
		return nil, err
	}
	return newStore(b, opts), nil
}

// gcs speaks the JSON API: https://cloud.google.com/storage/docs/json_api.
type gcs struct {
	rest     *rest.Client
	tokens   oauth2.TokenSource // nil: none are needed
	endpoint string
	bucket   string
	prefix   string
	chunk    int64 // of what is read and written in pieces: a multiple of 256 KB
}

const (
	gcsEndpoint = "https://storage.googleapis.com"
	gcsScope    = "https://www.googleapis.com/auth/devstorage.read_write"
	gcsChunk    = 8 << 20
)

func newGCS(cfg GCS) (*gcs, error) {
	b := &gcs{endpoint: strings.TrimSuffix(cfg.Endpoint, "/"), bucket: cfg.Bucket, prefix: folder(cfg.Prefix), chunk: gcsChunk}
	if b.endpoint == "" {
		b.endpoint = gcsEndpoint
	}
	if u, err := url.Parse(b.endpoint); err != nil || u.Host == "" {
		return nil, badSetting("gcs", "the endpoint must be a URL")
	}
	cfg.Rest.MaxReply, cfg.Rest.Concurrency = maxObject, readAhead
	b.rest = rest.New(cfg.Rest)
	if cfg.Anonymous {
		return b, nil
	}
	var err error
	b.tokens, err = tokens(cfg)
	return b, err
}

// tokens gives access tokens, each for as long as it lasts.
func tokens(cfg GCS) (oauth2.TokenSource, error) {
	if len(cfg.Credentials) == 0 {
		return google.ComputeTokenSource("", gcsScope), nil
	}
	var kind struct {
		Type google.CredentialsType `json:"type"`
	}
	if err := json.Unmarshal(cfg.Credentials, &kind); err != nil {
		return nil, badSetting("credentials", "is not the JSON of a service account or of application default credentials")
	}
	transport := cfg.Rest.Transport
	if transport == nil {
		transport = network(cfg.Rest.Proxy)
	}
	// The context lives as long as the source: it carries the client only.
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: transport})
	c, err := google.CredentialsFromJSONWithType(ctx, cfg.Credentials, kind.Type, gcsScope)
	if err != nil {
		return nil, badSetting("credentials", "is not usable as Google credentials") // the library's text may quote it
	}
	return c.TokenSource, nil
}

func (b *gcs) where(key string) string { return "gs://" + b.bucket + "/" + b.prefix + key }

func (b *gcs) site() string { return b.endpoint + "/" + b.bucket + "/" + b.prefix }

// url is the address of an object, or of all of them for an empty key.
func (b *gcs) url(folder, key string, query url.Values) string {
	u := b.endpoint + folder + "/storage/v1/b/" + url.PathEscape(b.bucket) + "/o"
	if key != "" {
		u += "/" + url.PathEscape(b.prefix+key)
	}
	return u + "?" + query.Encode()
}

// do sends a request and gives every answer that is not about the credentials
// or the server.
func (b *gcs) do(ctx context.Context, class rest.Class, method, address string, header http.Header, body []byte) (*rest.Response, error) {
	if header == nil {
		header = http.Header{}
	}
	if b.tokens != nil {
		token, err := b.tokens.Token()
		if err != nil {
			return nil, errors.New("no access token for Google Cloud Storage: the credentials were refused, or this machine has none")
		}
		header.Set("Authorization", token.Type()+" "+token.AccessToken)
	}
	return b.rest.Do(ctx, rest.Request{Class: class, Method: method, URL: address, Header: header, Body: body})
}

// answered makes an error of an answer that is not wanted.
func answered(r *rest.Response, err error) error {
	if err != nil {
		return err
	}
	var body struct {
		Error struct{ Message string }
	}
	_ = json.Unmarshal(r.Body, &body)
	return fmt.Errorf("%s says %d %s", r.Host, r.Status, strings.TrimSpace(body.Error.Message))
}

func (b *gcs) get(ctx context.Context, key string) (object, error) {
	r, err := b.do(ctx, rest.Read, http.MethodGet, b.url("", key, url.Values{"alt": {"media"}}), nil, nil)
	if err != nil || r.Status != http.StatusOK {
		return object{}, b.unread(key, r, err)
	}
	o := object{body: r.Body, version: r.Header.Get("X-Goog-Generation")}
	o.age, o.dated = ageOf(r.Header.Get("Date"), r.Header.Get("Last-Modified"))
	if o.version == "" {
		return object{}, unreadable(b.where(key), errors.New("the answer does not name the object's generation"))
	}
	return o, nil
}

// download reads in pieces, all of one generation: the key is never written
// again.
func (b *gcs) download(ctx context.Context, key string, to io.Writer) error {
	for at, size := int64(0), int64(1); at < size; {
		header := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", at, at+b.chunk-1)}}
		r, err := b.do(ctx, rest.Read, http.MethodGet, b.url("", key, url.Values{"alt": {"media"}}), header, nil)
		if err != nil || r.Status != http.StatusPartialContent && r.Status != http.StatusOK {
			return b.unread(key, r, err)
		}
		size = at + int64(len(r.Body))
		if _, total, ok := strings.Cut(r.Header.Get("Content-Range"), "/"); ok {
			if size, err = strconv.ParseInt(total, 10, 64); err != nil {
				return unreadable(b.where(key), errors.New("the answer does not tell the object's size"))
			}
		}
		if len(r.Body) == 0 {
			return unreadable(b.where(key), io.ErrUnexpectedEOF)
		}
		if _, err := to.Write(r.Body); err != nil {
			return err
		}
		at += int64(len(r.Body))
	}
	return nil
}

func (b *gcs) put(ctx context.Context, key string, body []byte, version string) (string, error) {
	if version == "" {
		version = "0" // there must be none
	}
	query := url.Values{"uploadType": {"media"}, "name": {b.prefix + key}, "ifGenerationMatch": {version}, "fields": {"generation"}}
	r, err := b.do(ctx, rest.Upsert, http.MethodPost, b.url("/upload", "", query), octets(), body)
	switch {
	case err != nil:
		return "", b.unwritten(key, nil, err)
	case r.Status == http.StatusPreconditionFailed:
		return "", errConflict
	case r.Status == http.StatusConflict:
		return "", errBusy
	}
	return b.generation(key, r)
}

// generation reads what a finished upload answers.
func (b *gcs) generation(key string, r *rest.Response) (string, error) {
	if r.Status != http.StatusOK && r.Status != http.StatusCreated {
		return "", b.unwritten(key, r, nil)
	}
	var made struct{ Generation string }
	if err := json.Unmarshal(r.Body, &made); err != nil || made.Generation == "" {
		return "", b.unwritten(key, nil, errors.New("the answer does not name the object's generation"))
	}
	return made.Generation, nil
}

func octets() http.Header { return http.Header{"Content-Type": {"application/octet-stream"}} }

// upload sends one request, or a resumable upload in pieces.
func (b *gcs) upload(ctx context.Context, key string, from io.ReaderAt, size int64) error {
	if size <= b.chunk {
		body := make([]byte, size)
		if _, err := from.ReadAt(body, 0); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		_, err := swap(ctx, b, key, body, "")
		return err
	}
	query := url.Values{"uploadType": {"resumable"}, "name": {b.prefix + key}}
	header := octets()
	header.Set("X-Upload-Content-Length", strconv.FormatInt(size, 10))
	r, err := b.do(ctx, rest.Upsert, http.MethodPost, b.url("/upload", "", query), header, nil)
	if err != nil || r.Status != http.StatusOK {
		return b.unwritten(key, r, err)
	}
	return b.pieces(ctx, key, r.Header.Get("Location"), from, size)
}

// pieces sends the bytes of a resumable upload. Bytes that the store has
// already are ignored by it, so a piece may be sent again.
func (b *gcs) pieces(ctx context.Context, key, session string, from io.ReaderAt, size int64) error {
	for at := int64(0); ; {
		body := make([]byte, min(b.chunk, size-at))
		if _, err := from.ReadAt(body, at); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		header := octets()
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, at+int64(len(body))-1, size))
		r, err := b.do(ctx, rest.Upsert, http.MethodPut, session, header, body)
		if err != nil {
			return b.unwritten(key, nil, err)
		}
		if r.Status != http.StatusPermanentRedirect {
			_, err := b.generation(key, r)
			return err
		}
		has := int64(0) // the store says which bytes it has, and nothing for none
		if _, last, ok := strings.Cut(r.Header.Get("Range"), "-"); ok {
			n, err := strconv.ParseInt(last, 10, 64)
			if err != nil {
				return b.unwritten(key, r, nil)
			}
			has = n + 1
		}
		if has <= at || has >= size {
			return b.unwritten(key, r, nil)
		}
		at = has
	}
}

func (b *gcs) list(ctx context.Context, prefix string, fn func(key string) error) error {
	query := url.Values{"prefix": {b.prefix + prefix}, "fields": {"items(name),nextPageToken"}}
	for {
		r, err := b.do(ctx, rest.Read, http.MethodGet, b.url("", "", query), nil, nil)
		if err != nil || r.Status != http.StatusOK {
			return unreadable(b.where(prefix), answered(r, err))
		}
		var page struct {
			Items         []struct{ Name string }
			NextPageToken string
		}
		if err := json.Unmarshal(r.Body, &page); err != nil {
			return unreadable(b.where(prefix), errors.New("the answer is not a list of objects"))
		}
		for _, o := range page.Items {
			if err := fn(strings.TrimPrefix(o.Name, b.prefix)); err != nil {
				return err
			}
		}
		if page.NextPageToken == "" {
			return nil
		}
		query.Set("pageToken", page.NextPageToken)
	}
}

func (b *gcs) remove(ctx context.Context, key string) error {
	r, err := b.do(ctx, rest.Upsert, http.MethodDelete, b.url("", key, nil), nil, nil)
	if err != nil || r.Status != http.StatusNoContent && r.Status != http.StatusOK && r.Status != http.StatusNotFound {
		return b.unwritten(key, r, err)
	}
	return nil
}

func (b *gcs) unread(key string, r *rest.Response, err error) error {
	if err == nil && r.Status == http.StatusNotFound && !strings.Contains(string(r.Body), "bucket does not exist") {
		return errAbsent
	}
	return unreadable(b.where(key), answered(r, err))
}

func (b *gcs) unwritten(key string, r *rest.Response, err error) error {
	return unwritten(b.where(key), answered(r, err))
}
