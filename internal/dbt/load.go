package dbt

import "context"

// LoadManifest reads a manifest, plain or .gz. A file that is missing, empty,
// half-written or no manifest is a fault; unknown keys and versions are not.
func LoadManifest(ctx context.Context, path string) (*Project, error) { panic("written next") }

// LoadRunResults reads a run_results file, plain or .gz, as LoadManifest does.
func LoadRunResults(ctx context.Context, path string) (*RunResults, error) { panic("written next") }

// LoadSources reads a sources.json, plain or .gz, as LoadManifest does.
func LoadSources(ctx context.Context, path string) (*Sources, error) { panic("written next") }

// LoadCatalog reads a catalog.json, plain or .gz, as LoadManifest does.
func LoadCatalog(ctx context.Context, path string) (*Catalog, error) { panic("written next") }
