package config

import "strings"

// The kinds of object stores that a ledger can be in, named as their key under
// `ledger:` and as their connection's type.
const (
	S3  = "s3"
	GCS = "gcs"
)

// bucketParams are the parameters of each, its place first.
func bucketParams() Types {
	return Types{
		S3: {
			{Name: S3, Required: true, Doc: "the place: s3://bucket/prefix"},
			{Name: "endpoint", Doc: "the URL of a store that is not AWS"},
			{Name: "region", Doc: "of the bucket"},
			{Name: "access_key", Secret: true, Doc: "the access key; without it, what the environment or the machine has"},
			{Name: "secret_key", Secret: true, Doc: "the secret key"},
			{Name: "session_token", Secret: true, Doc: "the token of temporary credentials"},
			{Name: "path_style", Kind: Bool, Doc: "put the bucket's name into the path, not into the host's name"},
		},
		GCS: {
			{Name: GCS, Required: true, Doc: "the place: gs://bucket/prefix"},
			{Name: "credentials", Secret: true, Doc: "the JSON of a service account; without it, what the environment or the machine has"},
		},
	}
}

// readBucket reads a ledger in an object store; nil if it is elsewhere.
func readBucket(r *Reader) *Connection {
	var c *Connection
	for _, kind := range []string{S3, GCS} {
		if !r.Has(kind) {
			continue
		}
		if c != nil || r.Has("dir") {
			r.Fault(kind, "setting_invalid", "keep one of the two", "a ledger is in one place only")
			continue
		}
		params := bucketParams()[kind]
		c = &Connection{Name: "ledger", Type: kind, Where: r.Place(kind).Where, params: params, settings: r.node, place: r.Place}
		checkParams(r, params)
		checkPlace(r, kind)
	}
	if c != nil && c.Type == S3 && r.Has("access_key") != r.Has("secret_key") {
		r.Fault("", "setting_missing", "set both, or neither to use what the environment has", "access_key and secret_key belong together")
	}
	return c
}

func checkPlace(r *Reader, kind string) {
	text, ok := r.Node(kind).Scalar()
	if !ok || reference(text) {
		return // reported, or seen when it is resolved
	}
	if _, _, ok := BucketOf(kind, text); !ok {
		r.Fault(kind, "setting_invalid", "", "must be %s", strings.TrimPrefix(bucketParams()[kind][0].Doc, "the place: "))
	}
}

// BucketOf takes the place of a kind apart.
func BucketOf(kind, place string) (bucket, prefix string, ok bool) {
	scheme := kind
	if kind == GCS {
		scheme = "gs"
	}
	rest, ok := strings.CutPrefix(place, scheme+"://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	return bucket, prefix, ok && bucket != "" && !strings.ContainsAny(rest, " ?#@")
}
