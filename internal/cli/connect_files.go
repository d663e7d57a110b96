package cli

import (
	"net/http"
	"path/filepath"

	"exposync/internal/config"
	"exposync/internal/destination"
	"exposync/internal/destination/file"
	"exposync/internal/fault"
)

// fileParams are the parameters of a place for files.
func fileParams(place ...config.Param) []config.Param {
	return append(
		place,
		config.Param{Name: "format", Kind: config.Choice, Choices: []string{"csv", "ndjson", "parquet"}, Default: "csv", Doc: "of the files"},
		config.Param{Name: "name", Doc: "of the files, without extension; {object}, {time} and {digest} are filled in"},
		config.Param{Name: "op_column", Doc: "the column that says upsert or delete"},
	)
}

func s3Params() []config.Param {
	return fileParams(
		config.Param{Name: "path", Required: true, Doc: "s3://bucket, or s3://bucket/folder"},
		config.Param{Name: "endpoint", Doc: "the URL of a store that is not AWS"},
		config.Param{Name: "region", Doc: "the region of the bucket"},
		config.Param{Name: "access_key", Doc: "the id of the key; without, as AWS's own tools find one"},
		config.Param{Name: "secret_key", Secret: true, Doc: "the key"},
		config.Param{Name: "session_token", Secret: true, Doc: "of a key that was lent"},
		config.Param{Name: "path_style", Kind: config.Bool, Doc: "the bucket's name in the path, not in the host's name"},
		config.Param{Name: "encryption", Kind: config.Choice, Choices: []string{"AES256", "aws:kms"}, Doc: "of objects, by the store"},
		config.Param{Name: "kms_key", Doc: "the id of the key, with aws:kms"},
	)
}

func sftpParams() []config.Param {
	return fileParams(
		config.Param{Name: "host", Required: true, Doc: "the server"},
		config.Param{Name: "port", Kind: config.Int, Default: "22", Doc: "its port"},
		config.Param{Name: "user", Required: true, Doc: "the user"},
		config.Param{Name: "password", Secret: true, Doc: "the password"},
		config.Param{Name: "private_key", Secret: true, Doc: "the private key in PEM, instead of a password"},
		config.Param{Name: "passphrase", Secret: true, Doc: "of the private key"},
		config.Param{Name: "host_key", Doc: "the server's key or its fingerprint, SHA256:…"},
		config.Param{Name: "known_hosts", Doc: "the path of a file of such keys, relative to the dbt project"},
		config.Param{Name: "path", Required: true, Doc: "the folder; a relative one begins at the user's home"},
	)
}

// files opens a place for files.
func (s *session) files(c config.Connection, v config.Values) (destination.Destination, error) {
	cfg := file.Config{
		Name: c.Name, Format: file.Format(v.Text("format")), Pattern: v.Text("name"), OpColumn: v.Text("op_column"), Now: s.a.env.Now,
		Temp: filepath.Join(s.ledgerDir(), "tmp"),
	}
	switch c.Type {
	case "s3":
		place, err := s.s3Place(c, v)
		if err != nil {
			return nil, err
		}
		return file.NewS3(cfg, place)
	case "sftp":
		place := file.SFTP{
			Host: v.Text("host"), Port: v.Int("port"), User: v.Text("user"), Password: v.Secret("password").Reveal(),
			PrivateKey: v.Secret("private_key").Reveal(), Passphrase: v.Secret("passphrase").Reveal(), HostKey: v.Text("host_key"), Path: v.Text("path"),
		}
		if known := v.Text("known_hosts"); known != "" {
			place.KnownHosts = s.pathInProject(known)
		}
		return file.NewSFTP(cfg, place)
	}
	cfg.Dir = s.pathInProject(v.Text("path"))
	return file.New(cfg)
}

// s3Place takes what is not set from where AWS's own tools look, as the ledger
// in a bucket does.
func (s *session) s3Place(c config.Connection, v config.Values) (file.S3, error) {
	name, prefix, ok := config.BucketOf(config.S3, v.Text("path"))
	if !ok {
		return file.S3{}, &fault.Fault{
			Code: "setting_invalid", Kind: fault.Config, Whose: fault.Setup, Where: c.Where,
			Msg: "path is no place of S3", Hint: "write path: s3://bucket/folder",
		}
	}
	b := s.s3(name, prefix, v)
	return file.S3{
		Bucket: b.Bucket, Prefix: b.Prefix, Endpoint: b.Endpoint, Region: b.Region, PathStyle: b.PathStyle,
		AccessKey: b.AccessKey, SecretKey: b.SecretKey, SessionToken: b.SessionToken, File: b.File, Profile: b.Profile,
		Encryption: v.Text("encryption"), KMSKey: v.Text("kms_key"), UserAgent: b.UserAgent, Proxy: http.ProxyFromEnvironment,
	}, nil
}
