package file

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"exposync/internal/fault"
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

	// Encryption of objects by the store: empty for its default, AES256, or
	// aws:kms with a key's id.
	Encryption, KMSKey string

	UserAgent string                                // name/version
	Proxy     func(*http.Request) (*url.URL, error) // nil: none
	Transport http.RoundTripper                     // replaces the network, for tests
	Attempts  int                                   // how often a request is sent at most; 0 for a default
}

const (
	awsEndpoint = "https://s3.amazonaws.com"
	partSize    = 16 << 20 // from here on in parts; they become an object together
	attempts    = 5
	machineTime = 3 * time.Second // for the machine to give credentials
)

// bucket is a place of S3. An object appears when its last byte was taken.
type bucket struct {
	scratch

	config Config
	client *minio.Client
	s3     S3
	site   string
	sse    encrypt.ServerSide
}

// NewS3 checks the configuration and sends nothing. What is wrong with it is a
// list of faults with the codes "file_name" and "setting_invalid".
func NewS3(c Config, s S3) (*Files, error) {
	problems := c.check()
	b := &bucket{scratch: scratch{c.Temp}, config: c, s3: s}
	if b.s3.Prefix = strings.Trim(s.Prefix, "/"); b.s3.Prefix != "" {
		b.s3.Prefix += "/"
	}
	if problem := b.connect(); problem != nil {
		problems = append(problems, problem)
	}
	return &Files{config: c, place: b}, problems.Err()
}

func (b *bucket) connect() *fault.Fault {
	s := &b.s3
	endpoint := s.Endpoint
	if endpoint == "" {
		endpoint = awsEndpoint
	} else if s.Region == "" {
		s.Region = "us-east-1" // what nearly all others call themselves
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return b.config.fault("setting_invalid", "endpoint must be the URL of an object store, such as https://minio.example.com:9000", "correct endpoint: of the connection")
	}
	b.site = u.Scheme + "://" + u.Host
	if b.sse, err = s.sse(); err != nil {
		return b.config.fault("setting_invalid", "encryption must be AES256, or aws:kms with kms_key", "correct encryption: of the connection")
	}
	transport := s.Transport
	if transport == nil {
		transport = network(s.Proxy)
	}
	opts := &minio.Options{
		Creds: s.creds(transport), Secure: u.Scheme == "https", Transport: transport, Region: s.Region, MaxRetries: attempts,
	}
	if s.Attempts > 0 {
		opts.MaxRetries = s.Attempts
	}
	if s.PathStyle {
		opts.BucketLookup = minio.BucketLookupPath
	}
	if b.client, err = minio.New(u.Host, opts); err != nil {
		return b.config.fault("setting_invalid", "the settings of the connection cannot be used: "+err.Error(), "correct endpoint: of the connection")
	}
	if name, version, ok := strings.Cut(s.UserAgent, "/"); ok {
		b.client.SetAppInfo(name, version)
	}
	return nil
}

func (s S3) sse() (encrypt.ServerSide, error) {
	switch {
	case s.Encryption == "" && s.KMSKey == "":
		return nil, nil //nolint:nilnil // the store's default
	case s.Encryption == "AES256" && s.KMSKey == "":
		return encrypt.NewSSE(), nil
	case s.Encryption == "aws:kms":
		return encrypt.NewSSEKMS(s.KMSKey, nil)
	}
	return nil, errors.New("no such encryption")
}

// creds are those of the settings, else of the machine: the library asks the
// container, the workload's identity or the instance.
func (s S3) creds(transport http.RoundTripper) *credentials.Credentials {
	if s.AccessKey != "" {
		return credentials.NewStaticV4(s.AccessKey, s.SecretKey, s.SessionToken)
	}
	chain := []credentials.Provider{&credentials.IAM{Client: &http.Client{Transport: transport, Timeout: machineTime}, Region: s.Region}}
	if s.File != "" {
		chain = slices.Insert(chain, 0, credentials.Provider(&credentials.FileAWSCredentials{Filename: s.File, Profile: s.Profile}))
	}
	return credentials.NewChainCredentials(chain)
}

func network(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: proxy, DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		ResponseHeaderTimeout: time.Minute, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
}

func (b *bucket) account(context.Context) (string, error) {
	place := b.s3.Bucket + "/" + b.s3.Prefix
	if b.s3.Endpoint == "" {
		return "s3://" + place, nil
	}
	return b.site + "/" + place, nil
}

// ready asks for one name: that tells a bucket that is not there, and
// credentials that nobody knows. A user may put objects and not list them.
func (b *bucket) ready(ctx context.Context, object string) error {
	err := b.list(ctx, object, 1, func(string) {})
	if err == nil {
		return nil
	}
	r := minio.ToErrorResponse(err)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("look into bucket %s: %w", b.s3.Bucket, ctx.Err())
	case r.Code == "NoSuchBucket" || r.Code == "PermanentRedirect" || r.Code == "InvalidBucketName":
		return b.config.fault("file_dir", "bucket "+b.s3.Bucket+" is not there: "+b.plain(err).Error(), "correct path:, endpoint: or region: of the connection")
	case r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnauthorized || r.StatusCode == http.StatusBadRequest:
		return &fault.Fault{
			Code: "destination_auth", Kind: fault.Config, Whose: fault.Destination, Where: "connection " + b.config.Name,
			Msg: "the object store does not accept the credentials", Err: b.plain(err),
			Hint: "check access_key, secret_key, session_token and region of the connection",
		}
	}
	return &fault.Fault{
		Code: "destination_unreachable", Kind: fault.Unavailable, Whose: fault.Network, Where: "connection " + b.config.Name,
		Msg: "look into bucket " + b.s3.Bucket, Err: b.plain(err), Hint: "check endpoint, network and proxy, then run again",
	}
}

// list calls fn with names; with none where this user may not list.
func (b *bucket) list(ctx context.Context, prefix string, most int, fn func(name string)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing behind the channel
	n := 0
	for o := range b.client.ListObjectsIter(ctx, b.s3.Bucket, minio.ListObjectsOptions{Prefix: b.s3.Prefix + prefix, Recursive: true, MaxKeys: most}) {
		if o.Err != nil {
			if minio.ToErrorResponse(o.Err).Code == "AccessDenied" {
				return nil
			}
			return o.Err
		}
		fn(strings.TrimPrefix(o.Key, b.s3.Prefix))
		if n++; most > 0 && n >= most {
			return nil
		}
	}
	return ctx.Err()
}

func (b *bucket) names(ctx context.Context, prefix string, fn func(name string)) error {
	if err := b.list(ctx, prefix, 0, fn); err != nil {
		return fmt.Errorf("look into bucket %s: %w", b.s3.Bucket, b.plain(err))
	}
	return nil
}

func (b *bucket) publish(ctx context.Context, f *os.File, name string) error {
	body, err := content(f)
	if err != nil {
		return err
	}
	opts := minio.PutObjectOptions{PartSize: partSize, NumThreads: 2, ContentType: b.config.Format.mediaType(), ServerSideEncryption: b.sse}
	if _, err := b.client.PutObject(ctx, b.s3.Bucket, b.s3.Prefix+name, body, body.Size(), opts); err != nil {
		told := fmt.Errorf("put %s into bucket %s: %w", b.s3.Prefix+name, b.s3.Bucket, b.plain(err))
		if neverPut(err) {
			return refusal{told}
		}
		return told
	}
	return nil
}

// neverPut reports whether a store refused an object, or was not reached. That
// an upload in parts is not known may mean that it was completed before.
func neverPut(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	status := minio.ToErrorResponse(err).StatusCode
	return status >= 400 && status < 500 && status != http.StatusNotFound && status != http.StatusRequestTimeout
}

func (f Format) mediaType() string {
	return map[Format]string{
		CSV: "text/csv; charset=utf-8", NDJSON: "application/x-ndjson", Parquet: "application/vnd.apache.parquet",
	}[f]
}

func (b *bucket) holds(ctx context.Context, name string, size int64) (bool, error) {
	info, err := b.client.StatObject(ctx, b.s3.Bucket, b.s3.Prefix+name, minio.StatObjectOptions{})
	if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, b.plain(err)
	}
	return info.Size == size, nil
}

// plain is what of an error can be shown: not the signed URL, and nothing
// that the store says beyond its code.
func (b *bucket) plain(err error) error {
	if r := minio.ToErrorResponse(err); r.Code != "" && r.StatusCode != 0 {
		return fmt.Errorf("%s says %s (%d)", b.site, r.Code, r.StatusCode)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", b.site, u.Err)
	}
	return err
}
