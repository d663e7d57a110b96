package dbt

import (
	"context"
)

// Keep says what of a manifest is kept beyond what every command needs: what
// only some selections ask for, and what takes memory.
type Keep uint8

// What can be kept: see Selection.Keep.
const (
	KeepConfig   Keep = 1 << iota // Node.Config
	KeepContents                  // Project.Contents
)

// LoadManifest reads a manifest, plain or .gz. A file that is missing, empty,
// half-written or no manifest is a fault; unknown keys and versions are not.
// A file that changes or ends early is read again, three times within a
// second. Faults: artifact_missing, artifact_empty, artifact_truncated,
// artifact_invalid, artifact_wrong_kind, manifest_too_old.
func LoadManifest(ctx context.Context, path string, keep ...Keep) (*Project, error) {
	a, err := load(ctx, path, "manifest")
	if err != nil {
		return nil, err
	}
	return a.manifest(keep...)
}

// LoadRunResults reads a run_results file, plain or .gz, as LoadManifest does.
func LoadRunResults(ctx context.Context, path string) (*RunResults, error) {
	a, err := load(ctx, path, "run-results")
	if err != nil {
		return nil, err
	}
	return a.runResults()
}

// LoadSources reads a sources.json, plain or .gz, as LoadManifest does.
func LoadSources(ctx context.Context, path string) (*Sources, error) {
	a, err := load(ctx, path, "sources")
	if err != nil {
		return nil, err
	}
	return a.freshness()
}

// LoadCatalog reads a catalog.json, plain or .gz, as LoadManifest does.
func LoadCatalog(ctx context.Context, path string) (*Catalog, error) {
	a, err := load(ctx, path, "catalog")
	if err != nil {
		return nil, err
	}
	return a.catalog()
}
