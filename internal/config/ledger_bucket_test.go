package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/config"
)

func TestBucketLedger(t *testing.T) {
	t.Parallel()

	const invalid = " (setting_invalid)"
	tests := map[string]struct {
		text string
		want []string
	}{
		"s3":           {text: `{s3: "s3://bucket/a/b", endpoint: "https://minio:9000", region: r, access_key: "{{ env_var('A') }}", secret_key: "file:x", session_token: "exec:y", path_style: true}`},
		"gcs":          {text: `{gcs: gs://bucket, credentials: file:key.json}`},
		"by reference": {text: `{s3: "{{ env_var('PLACE') }}"}`},
		"no bucket":    {`{s3: "s3://"}`, []string{"ledger.s3: must be s3://bucket/prefix" + invalid}},
		"another's":    {`{gcs: "s3://bucket"}`, []string{"ledger.gcs: must be gs://bucket/prefix" + invalid}},
		"two places":   {`{gcs: "gs://bucket", dir: x}`, []string{"ledger.gcs: a ledger is in one place only" + invalid}},
		"two buckets":  {`{gcs: "gs://bucket", s3: "s3://bucket"}`, []string{"ledger.gcs: a ledger is in one place only" + invalid}},
		"half a key":   {`{s3: "s3://b", access_key: "{{ env_var('A') }}"}`, []string{"ledger: access_key and secret_key belong together (setting_missing)"}},
		"written out": {`{s3: "s3://b", access_key: AKIA, secret_key: "hunter2"}`, []string{
			"ledger.access_key: holds a secret and has to be a reference, not the value itself (secret_literal)",
			"ledger.secret_key: holds a secret and has to be a reference, not the value itself (secret_literal)",
		}},
		"misspelt": {`{s3: "s3://b", endpint: x, path_style: yes please}`, []string{
			"ledger.path_style: must be true or false" + invalid,
			`ledger: unknown key "endpint"; did you mean "endpoint"? (unknown_key)`,
		}},
		"of the other kind": {`{gcs: gs://b, region: x}`, []string{`ledger: unknown key "region" (unknown_key)`}},
		"without a store":   {`{endpoint: x}`, []string{`ledger: unknown key "endpoint" (unknown_key)`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, got := parse(t, "ledger: "+tt.text+"\n")
			var want []string
			for _, w := range tt.want {
				want = append(want, "exposync.yml:1: "+w)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
			if len(tt.want) == 0 && (c.Ledger.Bucket == nil || c.Ledger.Dir != ".exposync") {
				t.Errorf("ledger %+v", c.Ledger)
			}
		})
	}
}

func TestBucketOf(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		kind, place, bucket, prefix string
		ok                          bool
	}{
		"with prefix":    {config.S3, "s3://b/a/c", "b", "a/c", true},
		"without":        {config.S3, "s3://b", "b", "", true},
		"gcs":            {config.GCS, "gs://b/a/", "b", "a/", true},
		"of the other":   {config.GCS, "s3://b", "b", "", false},
		"a web address":  {config.S3, "https://b/a", "b", "a", false},
		"with a query":   {config.S3, "s3://b/a?x", "b", "a?x", false},
		"with a user":    {config.S3, "s3://me@b/a", "me@b", "a", false},
		"nothing behind": {config.S3, "s3://", "", "", false},
	}
	for name, tt := range tests {
		b, prefix, ok := config.BucketOf(tt.kind, tt.place)
		if ok != tt.ok || ok && (b != tt.bucket || prefix != tt.prefix) {
			t.Errorf("%s: %q, %q, %t", name, b, prefix, ok)
		}
	}
}
