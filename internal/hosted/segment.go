package hosted

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// segment speaks Segment's Public API for Reverse ETL, which is alpha, as its
// SDKs have it (segmentio/public-api-sdk-go). A sync is
// SOURCE/MODEL/SUBSCRIPTION: a mapping has no id of its own there.
type segment struct{ *api }

// segmentType is the version of the API, as the type of its bodies.
const segmentType = "application/vnd.segment.v1alpha+json"

func segmentKind() Kind {
	return Kind{
		Name: "segment", Title: "Segment",
		Params: []Param{
			{Name: "token", Required: true, Secret: true, Doc: "Token of the Public API."},
			{Name: "region", Default: "us", Choices: []string{"us", "eu"}, Doc: "Where the workspace is: api.segmentapis.com or eu1.api.segmentapis.com."},
			{Name: "workspace", Doc: "Name of the workspace as in the address app.segment.com/NAME."},
			baseURL("", "Address of the API, instead of region."),
			plainHTTP(),
		},
		Check: func(sync string) string {
			ids := strings.Split(sync, "/")
			if len(ids) == 3 && opaque(ids[0]) && opaque(ids[1]) && opaque(ids[2]) {
				return ""
			}
			return "SOURCE/MODEL/SUBSCRIPTION, three ids that stand in the address of the mapping"
		},
		Open: openSegment,
	}
}

func openSegment(cfg Config) (Tool, error) {
	k := segmentKind()
	set, err := k.settings(cfg)
	if err != nil {
		return nil, err
	}
	base := set["base_url"]
	if base == "" {
		base = map[string]string{"us": "https://api.segmentapis.com", "eu": "https://eu1.api.segmentapis.com"}[set["region"]]
	}
	s := &segment{newAPI(k, cfg, base, set["workspace"], set["token"])}
	s.header.Set("Accept", segmentType)
	s.header.Set("Content-Type", segmentType)
	s.bearer(set["token"])
	return s, nil
}

// mapping is a sync's id in its parts.
type mapping struct{ source, model, subscription string }

func mappingOf(sync string) mapping {
	source, rest, _ := strings.Cut(sync, "/")
	model, subscription, _ := strings.Cut(rest, "/")
	return mapping{source, model, subscription}
}

func (m mapping) runs() string {
	return "/reverse-etl-models/" + part(m.model) + "/subscriptionId/" + part(m.subscription) + "/syncs"
}

func (m mapping) run(id string) string {
	return "/reverse-etl-models/" + part(m.model) + "/syncs/" + part(id)
}

// Inspect proves that the mapping is there by its list of runs, and reads its
// model. What schedule a mapping has Segment tells only for some models.
func (s *segment) Inspect(ctx context.Context, sync string) (Sync, error) {
	m := mappingOf(sync)
	what := "look at mapping " + sync
	runs, err := s.read(ctx, call{what: what, path: m.runs(), query: url.Values{"count": {"1"}}})
	if err != nil {
		return Sync{}, err
	}
	out := Sync{ID: sync, Model: Model{ID: m.model}, LastRun: moment(segmentRuns(runs).Get("0.startedAt"))}
	doc, err := s.read(ctx, call{what: "look at model " + m.model, path: "/reverse-etl-models/" + part(m.model)})
	if err != nil {
		if ctx.Err() != nil {
			return Sync{}, err
		}
		return out, nil
	}
	model := doc.Get("data.reverseEtlModel")
	out.Title, out.Model.Name = text(model.Get("name")), text(model.Get("name"))
	out.Schedule = segmentSchedule(model)
	if e := model.Get("enabled"); e.Exists() && !e.Bool() {
		out.Disabled = "its model is disabled"
	}
	if source := text(model.Get("sourceId")); source != "" && source != m.source {
		s.note("Segment says that model %s is of source %s, and hosted: names source %s", short(m.model), short(source), short(m.source))
	}
	return out, nil
}

func segmentSchedule(model gjson.Result) string {
	strategy := word(text(model.Get("scheduleStrategy")))
	switch every := text(model.Get("scheduleConfig.interval")); {
	case strategy == "" || strategy == "manual":
		return ""
	case every != "":
		return "every " + short(every)
	}
	return short(strings.ReplaceAll(strategy, "_", " "))
}

// Trigger starts a run. Segment takes 20 triggers a minute.
func (s *segment) Trigger(ctx context.Context, sync string, o TriggerOptions) (Run, error) {
	m := mappingOf(sync)
	q := call{
		what: "start mapping " + sync, path: "/reverse-etl-syncs", busy: []int{http.StatusConflict},
		body: map[string]string{"sourceId": m.source, "modelId": m.model, "subscriptionId": m.subscription},
	}
	if o.FullResync {
		return Run{}, s.notSent(q, "its API cannot ask for every record again")
	}
	doc, err := s.trigger(ctx, q)
	if err != nil {
		return Run{}, err
	}
	got := doc.Get("data.reverseETLManualSync")
	id := runID(got.Get("syncId"))
	if id == "" {
		return Run{}, s.noID(q, doc)
	}
	return Run{ID: id, State: Queued, Created: moment(got.Get("startedAt"))}, nil
}

// Run gives a run.
func (s *segment) Run(ctx context.Context, sync, run string) (Run, error) {
	q := call{what: "ask for run " + run + " of mapping " + sync, path: mappingOf(sync).run(run), gone: "hosted_run_gone"}
	doc, err := s.read(ctx, q)
	if err != nil {
		return Run{}, err
	}
	got := doc.Get("data.reverseETLSyncStatus")
	if text(got.Get("syncId")) != run {
		return Run{}, s.unreadable(q, http.StatusOK, "with something that is not the run").fault
	}
	return s.run(got), nil
}

// run reads a run. Its counts are numbers in quotes.
func (s *segment) run(doc gjson.Result) Run {
	r := Run{
		ID: text(doc.Get("syncId")), Status: short(text(doc.Get("syncStatus"))), Started: moment(doc.Get("startedAt")), Ended: moment(doc.Get("finishedAt")),
		Rows: Rows{
			Added: count(doc.Get("extractPhase.addedCount")), Changed: count(doc.Get("extractPhase.updatedCount")),
			Removed: count(doc.Get("extractPhase.deletedCount")), Total: count(doc.Get("extractPhase.extractCount")),
			OK: count(doc.Get("loadPhase.deliverSuccessCount")), Failed: count(doc.Get("loadPhase.deliverFailureCount")),
		},
	}
	r.State = s.state(words{
		"in_progress": Running, "success": Succeeded, "partial_success": Partial, "fail": Failed, "failed": Failed,
		"cancelling": Running, "canceling": Running, "cancelled": Canceled, "canceled": Canceled,
	}, r.Status)
	r.mind(doc.Get("loadPhase.deliverFailureCount"))
	if r.State != Succeeded {
		code, said := text(doc.Get("errorCode")), text(doc.Get("error"))
		if code != "" && said != "" {
			code += ": "
		}
		r.Error = s.show(code + said)
	}
	return r
}

// Recent lists the runs of the mapping.
func (s *segment) Recent(ctx context.Context, sync string, since time.Time) ([]Run, error) {
	q := call{what: "list the runs of mapping " + sync, path: mappingOf(sync).runs(), query: url.Values{"count": {"100"}}}
	var out []Run
	for range mostPages {
		doc, err := s.read(ctx, q)
		if err != nil {
			return nil, err
		}
		list := segmentRuns(doc)
		if !list.IsArray() {
			return nil, s.unreadable(q, http.StatusOK, "without a list").fault
		}
		var page []Run
		for _, one := range list.Array() {
			page = append(page, s.run(one))
		}
		out = append(out, page...)
		next := text(doc.Get("data.pagination.next"))
		if next == "" || len(page) == 0 || tooOld(page, since) {
			return recent(out, since), nil
		}
		q.query.Set("cursor", next)
	}
	return nil, s.endless(q)
}

// segmentRuns is the list of runs in an answer: SDKs know it by one name,
// descriptions of the API by another.
func segmentRuns(doc gjson.Result) gjson.Result {
	if list := doc.Get("data.syncStatuses"); list.Exists() {
		return list
	}
	return doc.Get("data.reverseETLSyncStatuses")
}

// Cancel asks to end a run. 4 is the reason "other" of the API.
func (s *segment) Cancel(ctx context.Context, sync, run string) error {
	return s.stop(ctx, call{
		what: "end run " + run + " of mapping " + sync, method: http.MethodPost, path: mappingOf(sync).run(run) + "/cancel",
		body: map[string]int{"reasonForCanceling": 4}, gone: "hosted_run_gone", empty: true,
	}, func(ctx context.Context) (Run, error) { return s.Run(ctx, sync, run) })
}
