package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"exposync/internal/ledger"
)

// S3 is a bucket of a store that speaks S3.
type S3 struct {
	Bucket, Prefix string
	Endpoint       string // a URL; empty for AWS
	Region         string // empty: asked for, or us-east-1 where there is an endpoint
	PathStyle      bool   // the bucket's name in the path, not in the host's name

	// AccessKey and SecretKey, if there are any; else those of a profile in a
	// file of AWS; else those of the instance or the workload.
	AccessKey, SecretKey, SessionToken string
	File, Profile                      string

	UserAgent string                                // name/version
	Proxy     func(*http.Request) (*url.URL, error) // nil: none
	Transport http.RoundTripper                     // replaces the network, for tests
	// Attempts is how often a request is sent at most; 0 for a default.
	Attempts int
}

// OpenS3 gives the ledger in a bucket. Nothing is sent before the first use,
// and nothing is created before the first write.
func OpenS3(cfg S3, opts Options) (ledger.Ledger, error) {
	b, err := newS3(cfg)
	if err != nil {
		return nil, err
	}
	return newStore(b, opts), nil
}

type s3 struct {
	core   minio.Core
	bucket string
	prefix string // ends with a slash, or is empty
	host   string
}

const (
	maxObject   = 64 << 20 // of what is read whole
	partSize    = 64 << 20
	s3Attempts  = 8
	awsEndpoint = "https://s3.amazonaws.com"
)

func newS3(cfg S3) (*s3, error) {
	endpoint := cfg.Endpoint
	if endpoint == "" {
		endpoint = awsEndpoint
	} else if cfg.Region == "" {
		cfg.Region = "us-east-1" // what nearly all others call themselves
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, badSetting("endpoint", "must be the URL of an object store, such as https://minio.example.com:9000")
	}
	transport := cfg.Transport
	if transport == nil {
		transport = network(cfg.Proxy)
	}
	opts := &minio.Options{
		Creds: cfg.creds(transport), Secure: u.Scheme == "https", Transport: transport, Region: cfg.Region, MaxRetries: s3Attempts,
	}
	if cfg.Attempts > 0 {
		opts.MaxRetries = cfg.Attempts
	}
	if cfg.PathStyle {
		opts.BucketLookup = minio.BucketLookupPath
	}
	core, err := minio.NewCore(u.Host, opts)
	if err != nil {
		return nil, badSetting("s3", err.Error())
	}
	if name, version, ok := strings.Cut(cfg.UserAgent, "/"); ok {
		core.SetAppInfo(name, version)
	}
	return &s3{core: *core, bucket: cfg.Bucket, prefix: folder(cfg.Prefix), host: u.Scheme + "://" + u.Host}, nil
}

// machineTime is how long the machine may take to give credentials: where it
// has none, nobody answers.
const machineTime = 3 * time.Second

// creds are those of the settings, else of the machine: the library asks the
// container, the workload's identity or the instance.
func (cfg S3) creds(transport http.RoundTripper) *credentials.Credentials {
	if cfg.AccessKey != "" {
		return credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, cfg.SessionToken)
	}
	chain := []credentials.Provider{&credentials.IAM{Client: &http.Client{Transport: transport, Timeout: machineTime}, Region: cfg.Region}}
	if cfg.File != "" {
		chain = append([]credentials.Provider{&credentials.FileAWSCredentials{Filename: cfg.File, Profile: cfg.Profile}}, chain...)
	}
	return credentials.NewChainCredentials(chain)
}

// network is the pool of connections.
func network(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: proxy, DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		ResponseHeaderTimeout: time.Minute, IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: readAhead,
		DisableCompression: true,
	}
}

// folder makes a prefix end with a slash.
func folder(prefix string) string {
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return ""
	}
	return prefix + "/"
}

func (b *s3) where(key string) string { return "s3://" + b.bucket + "/" + b.prefix + key }

func (b *s3) site() string { return b.host + "/" + b.bucket + "/" + b.prefix }

func (b *s3) get(ctx context.Context, key string) (object, error) {
	body, info, header, err := b.core.GetObject(ctx, b.bucket, b.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return object{}, b.unread(key, err)
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, maxObject+1))
	if err == nil && len(content) > maxObject {
		err = errors.New("it is far too long")
	}
	if err != nil {
		return object{}, b.unread(key, err)
	}
	o := object{body: content, version: info.ETag}
	o.age, o.dated = ageOf(header.Get("Date"), header.Get("Last-Modified"))
	return o, nil
}

func (b *s3) download(ctx context.Context, key string, to io.Writer) error {
	body, _, _, err := b.core.GetObject(ctx, b.bucket, b.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return b.unread(key, err)
	}
	defer body.Close()
	if _, err := io.Copy(to, body); err != nil {
		return b.unread(key, err)
	}
	return nil
}

func (b *s3) put(ctx context.Context, key string, body []byte, version string) (string, error) {
	opts := minio.PutObjectOptions{DisableMultipart: true, ContentType: "application/octet-stream"}
	if version == "" {
		opts.SetMatchETagExcept("*")
	} else {
		opts.SetMatchETag(version)
	}
	info, err := b.core.Client.PutObject(ctx, b.bucket, b.prefix+key, bytes.NewReader(body), int64(len(body)), opts)
	switch r := minio.ToErrorResponse(err); {
	case err == nil:
		return info.ETag, nil
	case r.StatusCode == http.StatusPreconditionFailed || r.Code == "PreconditionFailed":
		return "", errConflict
	case r.StatusCode == http.StatusNotFound && r.Code == minio.NoSuchKey && version != "":
		return "", errConflict // it was deleted
	case r.StatusCode == http.StatusConflict:
		return "", errBusy
	}
	return "", b.unwritten(key, err)
}

func (b *s3) upload(ctx context.Context, key string, from io.ReaderAt, size int64) error {
	opts := minio.PutObjectOptions{PartSize: partSize, NumThreads: 2, ContentType: "application/octet-stream"}
	_, err := b.core.Client.PutObject(ctx, b.bucket, b.prefix+key, io.NewSectionReader(from, 0, size), size, opts)
	if err != nil {
		return b.unwritten(key, err)
	}
	return nil
}

func (b *s3) list(ctx context.Context, prefix string, fn func(key string) error) error {
	opts := minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}
	for o := range b.core.ListObjectsIter(ctx, b.bucket, opts) {
		if o.Err != nil {
			return b.unread(prefix, o.Err)
		}
		if err := fn(strings.TrimPrefix(o.Key, b.prefix)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (b *s3) remove(ctx context.Context, key string) error {
	err := b.core.RemoveObject(ctx, b.bucket, b.prefix+key, minio.RemoveObjectOptions{})
	if err == nil || minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return nil
	}
	return b.unwritten(key, err)
}

func (b *s3) unread(key string, err error) error {
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return errAbsent
	}
	return unreadable(b.where(key), b.plain(err))
}

func (b *s3) unwritten(key string, err error) error { return unwritten(b.where(key), b.plain(err)) }

// plain is what of an error can be shown: not the signed URL.
func (b *s3) plain(err error) error {
	if r := minio.ToErrorResponse(err); r.Code != "" && r.StatusCode != 0 {
		return fmt.Errorf("%s says %s: %s", b.host, r.Code, r.Message)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", b.host, u.Err)
	}
	return err
}
