package hosted

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// census speaks the API of Fivetran Activations, formerly Census: version 2,
// or 1 where the settings say so. Fields are those of
// developers.getcensus.com/api-reference and of
// fivetran.com/docs/activations/rest-api; the two versions differ in prefix
// and credential.
type census struct {
	*api
	pages string // address of the pages for people
}

// censusEnds is the day from which on version 1 is no more, by Fivetran's
// announcement.
const censusEnds = "2027-01-15"

func censusKind() Kind {
	return Kind{
		Name: "census", Title: "Fivetran Activations (Census)",
		Params: []Param{
			{Name: "token", Required: true, Secret: true, Doc: "Activations personal access token; with api_version v1 the API key of the workspace."},
			{Name: "api_version", Default: "v2", Choices: []string{"v1", "v2"}, Doc: "Version of the API. v1 retires on " + censusEnds + "."},
			{Name: "region", Default: "us", Choices: []string{"us", "eu"}, Doc: "Where the workspace is: app.getcensus.com or app-eu.getcensus.com."},
			{Name: "workspace", Doc: "Name or number of the workspace, where one connection must be told from another one of the same host."},
			baseURL("", "Address of the API without /api/v2, instead of region."),
			plainHTTP(),
		},
		Check: func(sync string) string {
			if digits(sync) {
				return ""
			}
			return "the number of a sync, as in census/15135 (not that of a run)"
		},
		Open: openCensus,
	}
}

func openCensus(cfg Config) (Tool, error) {
	k := censusKind()
	set, err := k.settings(cfg)
	if err != nil {
		return nil, err
	}
	base := set["base_url"]
	if base == "" {
		base = map[string]string{"us": "https://app.getcensus.com", "eu": "https://app-eu.getcensus.com"}[set["region"]]
	}
	base = strings.TrimRight(base, "/")
	token, version := set["token"], set["api_version"]
	if version == "v1" && !strings.HasPrefix(token, "secret-token:") {
		token = "secret-token:" + token
	}
	c := &census{api: newAPI(k, cfg, base+"/api/"+version, set["workspace"], token), pages: base}
	if version == "v2" && set["base_url"] == "" {
		c.pages = "https://fivetran.com/dashboard/activations"
	}
	c.bearer(token)
	if version == "v1" {
		c.note("connection %s uses version 1 of the API, which Fivetran retires on %s: make an Activations personal access token and take api_version out", cfg.Name, censusEnds)
	}
	return c, nil
}

func (c *census) page(sync string) string { return c.pages + "/syncs/" + url.PathEscape(sync) }

// data is what an envelope holds. Its own status says whether the call was
// understood, not how a run stands.
func (c *census) data(q call, doc gjson.Result) (gjson.Result, *failure) {
	data, s := doc.Get("data"), word(text(doc.Get("status")))
	if data.Exists() && (s == "success" || s == "") {
		return data, nil
	}
	how := "without data"
	if said := c.reason(doc); said != "" {
		how = "and an error: " + said
	} else if data.Exists() {
		how = "and an error: " + c.show(text(doc.Get("status")))
	}
	return gjson.Result{}, c.unreadable(q, http.StatusOK, how)
}

func (c *census) get(ctx context.Context, q call) (gjson.Result, error) {
	doc, err := c.read(ctx, q)
	if err != nil {
		return gjson.Result{}, err
	}
	data, f := c.data(q, doc)
	if f != nil {
		return gjson.Result{}, f.fault
	}
	return data, nil
}

// Inspect gives a sync.
func (c *census) Inspect(ctx context.Context, sync string) (Sync, error) {
	q := call{what: "look at sync " + sync, path: "/syncs/" + part(sync)}
	doc, err := c.get(ctx, q)
	if err != nil {
		return Sync{}, err
	}
	if text(doc.Get("id")) != sync {
		return Sync{}, c.unreadable(q, http.StatusOK, "with something that is not the sync").fault
	}
	return c.sync(doc), nil
}

func (c *census) sync(doc gjson.Result) Sync {
	from := doc.Get("source_attributes.object")
	s := Sync{
		ID: text(doc.Get("id")), Title: text(doc.Get("label")), Schedule: censusSchedule(doc),
		Model:   Model{ID: text(from.Get("id")), Name: text(from.Get("name"))},
		Columns: censusColumns(doc.Get("mappings")), Object: text(doc.Get("destination_attributes.object")),
	}
	s.URL = c.page(s.ID)
	if doc.Get("paused").Bool() {
		s.Disabled = "paused"
	}
	if table := text(from.Get("table_name")); table != "" {
		var parts []string
		for _, p := range []string{text(from.Get("table_catalog")), text(from.Get("table_schema")), table} {
			if p != "" {
				parts = append(parts, p)
			}
		}
		s.Model.Relation = strings.Join(parts, ".")
		if s.Model.Name == "" {
			s.Model.Name = table
		}
	}
	return s
}

// censusColumns are the columns that a sync maps. Old answers hold a name
// where new ones hold {type: column, data: name}.
func censusColumns(mappings gjson.Result) []string {
	var out []string
	for _, m := range mappings.Array() {
		from := m.Get("from")
		name := text(from)
		if text(from.Get("type")) == "column" {
			name = text(from.Get("data"))
		}
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// censusSchedule says in words what starts a sync beside us: a clock
// (schedule_frequency, or mode.triggers.schedule), other tools, or each change
// of the source.
func censusSchedule(doc gjson.Result) string {
	var out []string
	say := func(how string) {
		if how != "" && !slices.Contains(out, how) {
			out = append(out, how)
		}
	}
	if mode := word(text(doc.Get("mode.type"))); mode != "" && mode != "triggered" && mode != "manual" {
		say(short(mode))
	}
	cron := text(doc.Get("cron_expression"))
	say(censusClock(text(doc.Get("schedule_frequency")), cron))
	for _, path := range []string{"mode.triggers", "triggers"} {
		doc.Get(path).ForEach(func(key, v gjson.Result) bool {
			say(censusTrigger(key.Str, v, cron))
			return true
		})
	}
	if doc.Get("trigger_on_dbt_cloud_rebuild").Bool() {
		say("after dbt Cloud")
	}
	return strings.Join(out, "; ")
}

func censusTrigger(name string, v gjson.Result, cron string) string {
	if !v.IsObject() && !v.IsArray() || len(v.Raw) <= 2 {
		return ""
	}
	job := text(v.Get("job_id"))
	switch name {
	case "schedule":
		if own := text(v.Get("cron_expression")); own != "" {
			cron = own
		}
		return censusClock(text(v.Get("frequency")), cron)
	case "dbt_cloud":
		if job == "" {
			return "after dbt Cloud"
		}
		return "after dbt Cloud job " + short(job)
	case "fivetran":
		return "after Fivetran"
	}
	return "after " + short(strings.ReplaceAll(name, "_", " "))
}

func censusClock(frequency, cron string) string {
	switch f := word(frequency); f {
	case "", "never", "manual":
		return ""
	case "expression", "cron":
		return strings.TrimSpace("cron " + short(cron))
	default:
		return short(strings.ReplaceAll(f, "_", " "))
	}
}
