package dbt

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// runResults reads the results out of a file that is proven to be JSON.
func (a *artifact) runResults() (*RunResults, error) {
	results, err := a.results("run_results")
	if err != nil {
		return nil, err
	}
	meta := a.sections["metadata"]
	_, version := a.schema()
	out := &RunResults{
		File: a.file, Schema: version, DBTVersion: str(meta.Get("dbt_version")),
		InvocationID: str(meta.Get("invocation_id")), GeneratedAt: when(meta.Get("generated_at")),
		Env: stringMap(meta.Get("env")), ElapsedTime: a.sections["elapsed_time"].Float(),
		Args: arguments(a.sections["args"]),
	}
	for i, v := range results {
		r := result(v)
		if r.UniqueID == "" {
			out.Diagnostics = append(out.Diagnostics, Diagnostic{
				Code: "result_without_id", Message: fmt.Sprintf("result %d names no node and is left out", i+1),
			})
			continue
		}
		out.Results = append(out.Results, r)
	}
	return out, nil
}

// results gives the rows of run_results and sources.
func (a *artifact) results(kind string) ([]gjson.Result, error) {
	rows := a.sections["results"]
	if !rows.IsArray() || !a.sections["metadata"].IsObject() {
		msg := fmt.Sprintf("this is no %s file: it has no results or no metadata", kind)
		return nil, artifactFault("artifact_wrong_kind", a.file, msg, nil)
	}
	out := rows.Array()
	for i, v := range out {
		if !v.IsObject() {
			return nil, artifactFault("artifact_invalid", a.file, fmt.Sprintf("result %d is not a map", i+1), nil)
		}
	}
	return out, nil
}

// result reads one row. Compiled code can be megabytes and is not kept.
func result(v gjson.Result) Result {
	var r Result
	v.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "unique_id":
			r.UniqueID = str(value)
		case "status":
			r.Status = str(value)
		case "message":
			r.Message = str(value)
		case "failures":
			r.Failures = value.Int()
		case "relation_name":
			r.RelationName = str(value)
		case "thread_id":
			r.ThreadID = str(value)
		case "timing":
			for _, t := range value.Array() {
				if end := when(t.Get("completed_at")); end.After(r.CompletedAt) {
					r.CompletedAt = end
				}
			}
		}
		return true
	})
	return r
}

// arguments reads args. Engine v2 has had some of them one level deeper, and
// dbt before 1.0 gave two of them other names.
func arguments(args gjson.Result) Args {
	get := func(names ...string) gjson.Result {
		for _, name := range names {
			for _, place := range []gjson.Result{args, args.Get("__other__")} {
				if v := place.Get(name); v.Exists() && v.Type != gjson.Null {
					return v
				}
			}
		}
		return gjson.Result{}
	}
	return Args{
		Which: str(get("which", "rpc_method")), Target: str(get("target")), Profile: str(get("profile")),
		Select: strs(get("select", "models")), Exclude: strs(get("exclude")), Selector: str(get("selector")),
		ResourceTypes:        strs(get("resource_types", "resource_type")),
		ExcludeResourceTypes: strs(get("exclude_resource_types")),
		Empty:                truth(get("empty")), Sample: sample(get("sample")),
		Defer: truth(get("defer")), FavorState: truth(get("favor_state")), FullRefresh: truth(get("full_refresh")),
		IndirectSelection: str(get("indirect_selection")),
	}
}

// sample gives --sample as written: dbt stores a text or a time window.
func sample(v gjson.Result) string {
	if v.Type == gjson.JSON {
		return strings.Clone(v.Raw)
	}
	if v.Type == gjson.False {
		return ""
	}
	return str(v)
}

// freshness reads the results of `dbt source freshness`.
func (a *artifact) freshness() (*Sources, error) {
	results, err := a.results("sources")
	if err != nil {
		return nil, err
	}
	meta := a.sections["metadata"]
	out := &Sources{
		File: a.file, InvocationID: str(meta.Get("invocation_id")), GeneratedAt: when(meta.Get("generated_at")),
	}
	for _, v := range results {
		out.Results = append(out.Results, SourceResult{
			UniqueID: str(v.Get("unique_id")), Status: str(v.Get("status")),
			MaxLoadedAt: when(v.Get("max_loaded_at")), SnapshottedAt: when(v.Get("snapshotted_at")),
			Freshness: freshness(v.Get("criteria")),
		})
	}
	return out, nil
}
