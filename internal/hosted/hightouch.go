package hosted

import (
	"context"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"
)

// hightouch speaks version 1 of Hightouch's API, as its official description
// of 2022 and that of 2026 have it (api.hightouch.com/api/v1): ids are texts in
// the one and numbers in the other. A sync is its number; sequence/UUID is a
// sequence of syncs.
type hightouch struct{ *api }

const sequencePrefix = "sequence/"

func hightouchKind() Kind {
	return Kind{
		Name: "hightouch", Title: "Hightouch",
		Params: []Param{
			{Name: "token", Required: true, Secret: true, Doc: "API key of the workspace (Settings, API keys)."},
			{Name: "workspace", Doc: "Name of the workspace as in the address app.hightouch.com/NAME: for links to syncs and runs."},
			baseURL("https://api.hightouch.com/api/v1", "Address of the API."),
			plainHTTP(),
		},
		Check: func(sync string) string {
			if id, ok := strings.CutPrefix(sync, sequencePrefix); digits(sync) || ok && uuid(id) {
				return ""
			}
			return "the number of a sync, as in hightouch/42606, or hightouch/sequence/UUID"
		},
		Open: openHightouch,
	}
}

func openHightouch(cfg Config) (Tool, error) {
	k := hightouchKind()
	set, err := k.settings(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Rest.PerSecond == 0 { // it takes 200 requests in 10 seconds
		cfg.Rest.PerSecond, cfg.Rest.Burst = 15, 20
	}
	h := &hightouch{newAPI(k, cfg, set["base_url"], set["workspace"], set["token"])}
	h.bearer(set["token"])
	return h, nil
}

// runWords are the statuses of a run. The description lists the first nine;
// the others are in use by clients.
func hightouchRuns() words {
	return words{
		"queued": Queued, "querying": Running, "processing": Running, "reporting": Running, "success": Succeeded,
		"warning": Partial, "failed": Failed, "cancelled": Canceled, "interrupted": Failed,
		"canceled": Canceled, "aborted": Failed, "completed_with_errors": Partial,
	}
}

// Inspect gives a sync and the model that it reads. A sequence cannot be
// looked at: there is no call for it.
func (h *hightouch) Inspect(ctx context.Context, sync string) (Sync, error) {
	if id, ok := strings.CutPrefix(sync, sequencePrefix); ok {
		return Sync{ID: sync, Title: "sequence " + id, URL: h.page("sequences/" + id)}, nil
	}
	doc, err := h.read(ctx, call{what: "look at sync " + sync, path: "/syncs/" + part(sync)})
	if err != nil {
		return Sync{}, err
	}
	if text(doc.Get("id")) != sync {
		return Sync{}, h.unreadable(call{what: "look at sync " + sync}, http.StatusOK, "with something that is not the sync").fault
	}
	s := h.sync(doc)
	if s.Model.ID == "" {
		return s, nil
	}
	// The sync is what matters: a key that may not read the model does no harm.
	model, err := h.read(ctx, call{what: "look at model " + s.Model.ID, path: "/models/" + part(s.Model.ID)})
	switch {
	case err == nil:
		s.Model = hightouchModel(model)
	case ctx.Err() != nil:
		return Sync{}, err
	}
	return s, nil
}

func (h *hightouch) sync(doc gjson.Result) Sync {
	s := Sync{
		ID: text(doc.Get("id")), Title: text(doc.Get("slug")), Schedule: hightouchSchedule(doc.Get("schedule")),
		Model: Model{ID: text(doc.Get("modelId"))}, Object: text(doc.Get("configuration.object")), LastRun: moment(doc.Get("lastRunAt")),
	}
	s.URL = h.page("syncs/" + s.ID)
	if doc.Get("disabled").Bool() {
		s.Disabled = "disabled"
	}
	for _, c := range doc.Get("referencedColumns").Array() {
		if name := text(c); name != "" {
			s.Columns = append(s.Columns, name)
		}
	}
	return s
}

func hightouchModel(doc gjson.Result) Model {
	m := Model{ID: text(doc.Get("id")), Name: text(doc.Get("name")), UniqueID: text(doc.Get("dbt.dbtUniqueId")), Relation: text(doc.Get("table.name"))}
	var parts []string
	for _, path := range []string{"dbt.database", "dbt.schema", "dbt.name"} {
		if p := text(doc.Get(path)); p != "" {
			parts = append(parts, p)
		}
	}
	if len(parts) == 3 {
		m.Relation = strings.Join(parts, ".")
	}
	return m
}

// hightouchSchedule says a sync's own clock in words.
func hightouchSchedule(doc gjson.Result) string {
	kind := text(doc.Get("type"))
	inner := doc.Get("schedule")
	switch {
	case !doc.IsObject() || word(kind) == "manual":
		return ""
	case inner.Get("interval").IsObject():
		n, unit := text(inner.Get("interval.quantity")), text(inner.Get("interval.unit"))
		if n != "1" {
			unit += "s"
		}
		return "every " + n + " " + unit
	case text(inner.Get("expression")) != "":
		return "cron " + short(text(inner.Get("expression")))
	case inner.Get("expressions").IsArray():
		return hightouchDays(inner.Get("expressions"))
	case inner.Get("job.id").Exists():
		return "after dbt job " + text(inner.Get("job.id"))
	case kind == "":
		return "its own schedule"
	}
	return short(kind)
}

// hightouchDays says the days and times of a visual schedule.
func hightouchDays(list gjson.Result) string {
	var out []string
	for _, e := range list.Array() {
		var days []string
		for _, day := range []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
			if e.Get("days." + day).Bool() {
				days = append(days, strings.ToUpper(day[:1])+day[1:3])
			}
		}
		out = append(out, strings.TrimSpace(strings.Join(days, ", ")+" at "+short(text(e.Get("time")))))
	}
	return strings.Join(out, "; ")
}
