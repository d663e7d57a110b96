package cli

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"exposync/internal/config"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/bucket"
)

// openBucketLedger opens a ledger in the object store that settings name. What is not set there is taken from the usual variables, then from
// the machine.
func openBucketLedger(ctx context.Context, s *session, settings config.Ledger) (ledger.Ledger, error) {
	c := settings.Bucket
	v, problems := c.Resolve(ctx, s.a.resolver(s.dir))
	if err := problems.Err(); err != nil {
		return nil, err
	}
	name, prefix, ok := config.BucketOf(c.Type, v.Text(c.Type))
	if !ok {
		return nil, badBucket(c.Where, "what `ledger."+c.Type+"` stands for is no place of that kind")
	}
	opts := bucket.Options{Now: s.a.env.Now, Host: s.a.env.Host, Temp: filepath.Join(s.ledgerDir(), "tmp")}
	if c.Type == config.S3 {
		return bucket.OpenS3(s.s3(name, prefix, v), opts)
	}
	cfg := bucket.GCS{Bucket: name, Prefix: prefix, Rest: s.restConfig(), Credentials: []byte(v.Secret("credentials").Reveal())}
	if host := s.a.env.get("STORAGE_EMULATOR_HOST"); host != "" {
		cfg.Endpoint, cfg.Anonymous = host, true
		if !strings.Contains(host, "://") {
			cfg.Endpoint = "http://" + host
		}
	} else if !v.Has("credentials") {
		found, err := s.googleDefault()
		if err != nil {
			return nil, err
		}
		cfg.Credentials = found
	}
	return bucket.OpenGCS(cfg, opts) //nolint:contextcheck // the token source outlives the call
}

// s3 fills in what AWS's own tools read from the environment.
func (s *session) s3(name, prefix string, v config.Values) bucket.S3 {
	cfg := bucket.S3{
		Bucket: name, Prefix: prefix, Endpoint: v.Text("endpoint"), Region: v.Text("region"), PathStyle: v.Bool("path_style"),
		AccessKey: v.Secret("access_key").Reveal(), SecretKey: v.Secret("secret_key").Reveal(), SessionToken: v.Secret("session_token").Reveal(),
		UserAgent: "exposync/" + version(), Proxy: http.ProxyFromEnvironment,
		File: s.a.env.get("AWS_SHARED_CREDENTIALS_FILE"), Profile: s.a.env.get("AWS_PROFILE"),
	}
	if cfg.Endpoint == "" {
		cfg.Endpoint = s.firstOf("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
	}
	if cfg.Region == "" {
		cfg.Region = s.firstOf("AWS_REGION", "AWS_DEFAULT_REGION")
	}
	if cfg.AccessKey == "" && cfg.Profile == "" {
		cfg.AccessKey, cfg.SecretKey = s.a.env.get("AWS_ACCESS_KEY_ID"), s.a.env.get("AWS_SECRET_ACCESS_KEY")
		cfg.SessionToken = s.a.env.get("AWS_SESSION_TOKEN")
		s.a.redactor.Add(cfg.SecretKey)
		s.a.redactor.Add(cfg.SessionToken)
	}
	if home := s.a.env.get("HOME"); cfg.File == "" && home != "" {
		cfg.File = filepath.Join(home, ".aws", "credentials")
	}
	return cfg
}

func (s *session) firstOf(names ...string) string {
	for _, name := range names {
		if v := s.a.env.get(name); v != "" {
			return v
		}
	}
	return ""
}

// googleDefault gives the application default credentials; nothing if there
// are none, and the machine is asked.
func (s *session) googleDefault() ([]byte, error) {
	path := s.a.env.get("GOOGLE_APPLICATION_CREDENTIALS")
	named := path != ""
	if home := s.a.env.get("HOME"); !named && home != "" {
		path = filepath.Join(home, ".config", "gcloud", "application_default_credentials.json")
	}
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil, nil
	}
	if err != nil {
		return nil, badBucket("GOOGLE_APPLICATION_CREDENTIALS", "the file that it names cannot be read")
	}
	return b, nil
}

func badBucket(where, what string) error {
	return &fault.Fault{
		Code: "setting_invalid", Kind: fault.Config, Whose: fault.Setup, Where: where, Msg: what,
		Hint: "correct it under `ledger:` in exposync.yml",
	}
}

// bucketLedgerName does not resolve a reference: it says where it stands.
func bucketLedgerName(s *session, c config.Ledger) string {
	if place := c.Bucket.Written(c.Bucket.Type); place != "" {
		return place
	}
	return "the bucket of " + s.a.shown(c.Bucket.Where)
}
