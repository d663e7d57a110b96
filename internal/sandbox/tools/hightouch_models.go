package tools

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/sandbox/facade"
)

// hightouchModel is a model with the syncs that it feeds.
type hightouchModel struct {
	Model

	own   *seen // the sync whose own query it is; nil for a declared one
	syncs []string
}

// modelsOf gives the models of a workspace: those that are declared, and the
// own queries of syncs for which none is.
func (h *hightouchAPI) modelsOf(r *http.Request) ([]hightouchModel, error) {
	declared, err := h.ws.models()
	if err != nil {
		return nil, err
	}
	syncs, err := h.ws.all(r)
	if err != nil {
		return nil, err
	}
	var out []hightouchModel
	for _, m := range declared {
		out = append(out, hightouchModel{Model: m, syncs: []string{}})
	}
	for i := range syncs {
		s := &syncs[i]
		id := modelOf(s.Sync)
		if at := slices.IndexFunc(out, func(m hightouchModel) bool { return m.ID == id }); at >= 0 {
			out[at].syncs = append(out[at].syncs, s.ID)
			continue
		}
		out = append(out, hightouchModel{Model: Model{ID: id, Name: "Query of " + s.title()}, own: s, syncs: []string{s.ID}})
	}
	return out, nil
}

// doc is a model: of a dbt node, a table, or a query.
func (h *hightouchAPI) modelDoc(m *hightouchModel) map[string]any {
	made := h.ws.s.Now()
	if m.own != nil {
		made = m.own.Made
	}
	ids := make([]any, len(m.syncs))
	for i, id := range m.syncs {
		ids[i] = id
	}
	doc := map[string]any{
		"id": m.ID, "name": m.Name, "slug": slugged(m.Name), "workspaceId": h.workspaceID(), "sourceId": "1", "isSchema": false,
		"primaryKey": "id", "syncs": ids, "tags": map[string]string{}, "createdAt": stamp(made), "updatedAt": stamp(made),
	}
	switch {
	case m.UniqueID != "":
		name := m.UniqueID[strings.LastIndexByte(m.UniqueID, '.')+1:]
		if m.Table != "" {
			name = m.Table
		}
		doc["queryType"] = "dbt"
		doc["dbt"] = map[string]any{
			"dbtUniqueId": m.UniqueID, "modelId": m.ID, "name": name, "database": m.Database, "schema": m.Schema,
			"rawSql": "select * from {{ ref('" + name + "') }}", "compiledSql": "select * from " + name,
		}
	case m.Table != "":
		doc["queryType"], doc["table"] = "table", map[string]string{"name": relation(m.Model)}
	default:
		doc["queryType"], doc["raw"] = "raw_sql", map[string]string{"sql": "select id, email from customers"}
	}
	return doc
}

func (h *hightouchAPI) models(w http.ResponseWriter, r *http.Request) {
	models, err := h.modelsOf(r)
	if err != nil {
		hightouchRefuse(w, r, facade.Down)
		return
	}
	q := r.URL.Query()
	var docs []any
	for i := range models {
		if m := &models[i]; (q.Get("name") == "" || m.Name == q.Get("name")) && (q.Get("slug") == "" || slugged(m.Name) == q.Get("slug")) {
			docs = append(docs, h.modelDoc(m))
		}
	}
	hightouchPage(w, q, docs)
}

func (h *hightouchAPI) model(w http.ResponseWriter, r *http.Request) {
	models, err := h.modelsOf(r)
	if err != nil {
		hightouchRefuse(w, r, facade.Down)
		return
	}
	for i := range models {
		if models[i].ID == r.PathValue("id") {
			facade.JSON(w, http.StatusOK, h.modelDoc(&models[i]))
			return
		}
	}
	hightouchError(w, http.StatusNotFound, "Model not found")
}

// hightouchDestination is the id of the one destination that all syncs have.
const hightouchDestination = "1"

func (h *hightouchAPI) destinationDoc(r *http.Request) (map[string]any, error) {
	all, err := h.ws.all(r)
	ids := make([]any, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	return map[string]any{
		"id": hightouchDestination, "name": "CRM", "slug": "crm", "type": "hubspot", "workspaceId": h.workspaceID(), "syncs": ids,
		"configuration": map[string]any{}, "createdAt": stamp(h.ws.s.Now()), "updatedAt": stamp(h.ws.s.Now()),
	}, err
}

func (h *hightouchAPI) destinations(w http.ResponseWriter, r *http.Request) {
	doc, err := h.destinationDoc(r)
	if err != nil {
		hightouchRefuse(w, r, facade.Down)
		return
	}
	hightouchPage(w, r.URL.Query(), []any{doc})
}

func (h *hightouchAPI) destination(w http.ResponseWriter, r *http.Request) {
	doc, err := h.destinationDoc(r)
	switch _, bad := strconv.Atoi(r.PathValue("id")); {
	case err != nil:
		hightouchRefuse(w, r, facade.Down)
	case bad != nil || r.PathValue("id") != hightouchDestination:
		hightouchError(w, http.StatusNotFound, "Destination not found")
	default:
		facade.JSON(w, http.StatusOK, doc)
	}
}
