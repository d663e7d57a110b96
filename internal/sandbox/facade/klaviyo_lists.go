package facade

import (
	"fmt"
	"net/http"
	"regexp"
)

var klaviyoListID = regexp.MustCompile(`^[A-Za-z0-9]{1,20}$`)

// hasList reports whether there is a list. Every id of the right shape is one:
// lists are made by hand at Klaviyo, and nobody is to make them twice.
func (k *klav) hasList(id string) bool { return klaviyoListID.MatchString(id) }

// memberships are the records of a list's members, by the profile's id.
func (k *klav) memberships(list string) (*Object, error) { return k.s.Object("list " + list) }

// add makes profiles members of a list.
func (k *klav) add(list string, profiles []string) error {
	o, err := k.memberships(list)
	if err != nil {
		return err
	}
	return o.Update(func(tx *Tx) error {
		for _, id := range profiles {
			member := Fields{}
			member.Set("profile", id)
			if _, err := tx.Put(id, member); err != nil {
				return err
			}
		}
		return nil
	})
}

func (k *klav) list(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !k.hasList(id) {
		klaviyoRefuse(w, r, NotFound)
		return
	}
	klaviyoJSON(w, http.StatusOK, map[string]any{"data": map[string]any{
		"type": "list", "id": id, "links": map[string]any{"self": k.s.URL(r, "/api/lists/"+id+"/")},
		"attributes": map[string]any{"name": "List " + id, "created": k.s.Now(), "updated": k.s.Now(), "opt_in_process": "single_opt_in"},
	}})
}

func (k *klav) members(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	size, from, bad := klaviyoPage(r.URL.Query())
	switch {
	case !k.hasList(id):
		klaviyoRefuse(w, r, NotFound)
		return
	case bad != nil:
		klaviyoFail(w, r, http.StatusBadRequest, bad)
		return
	}
	data, next, err := k.listed(r, id, from, size)
	if err != nil {
		klaviyoRefuse(w, r, Down)
		return
	}
	CallOf(r).Mode = "read"
	klaviyoJSON(w, http.StatusOK, map[string]any{"data": data, "links": k.links(r, next)})
}

func (k *klav) listed(r *http.Request, id string, from, size int) (data []any, next int, err error) {
	o, err := k.memberships(id)
	if err != nil {
		return nil, -1, err
	}
	members, next, err := o.Page(from, size)
	if err != nil {
		return nil, -1, err
	}
	profiles, err := k.s.Object("profiles")
	if err != nil {
		return nil, -1, err
	}
	data = []any{}
	err = profiles.View(func(tx *Tx) error {
		for i := range members {
			rec, there, err := tx.Get(members[i].ID)
			if err != nil {
				return err
			}
			if there {
				data = append(data, k.shown(r, &rec))
			}
		}
		return nil
	})
	return data, next, err
}

// klaviyoMembers is the body that adds members to a list, or removes them.
type klaviyoMembers struct {
	Data []struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"data"`
}

// named reads which profiles a request is about: up to 1,000 that there are.
func (k *klav) named(w http.ResponseWriter, r *http.Request) (ids []string, ok bool) {
	var body klaviyoMembers
	if !k.hasList(r.PathValue("id")) {
		klaviyoRefuse(w, r, NotFound)
		return nil, false
	}
	if !klaviyoBody(w, r, 1<<20, &body) {
		return nil, false
	}
	if len(body.Data) == 0 || len(body.Data) > 1000 {
		klaviyoFail(w, r, http.StatusBadRequest, klaviyoInvalid("/data", "Between 1 and 1000 profiles must be provided."))
		return nil, false
	}
	for i, p := range body.Data {
		if p.Type != "profile" || p.ID == "" {
			klaviyoFail(w, r, http.StatusBadRequest, klaviyoInvalid(fmt.Sprintf("/data/%d", i), "A profile needs a type and an id."))
			return nil, false
		}
		ids = append(ids, p.ID)
	}
	return ids, true
}

func (k *klav) join(w http.ResponseWriter, r *http.Request) {
	ids, ok := k.named(w, r)
	if !ok {
		return
	}
	if err := k.add(r.PathValue("id"), ids); err != nil {
		klaviyoRefuse(w, r, Down)
		return
	}
	CallOf(r).Report("upsert", "updated", len(ids))
	w.WriteHeader(http.StatusNoContent)
}

// leave takes members from a list. Who is none is no error.
func (k *klav) leave(w http.ResponseWriter, r *http.Request) {
	ids, ok := k.named(w, r)
	if !ok {
		return
	}
	o, err := k.memberships(r.PathValue("id"))
	left := 0
	if err == nil {
		err = o.Update(func(tx *Tx) error {
			for _, id := range ids {
				was, err := tx.Delete(id)
				if err != nil {
					return err
				}
				if was {
					left++
				}
			}
			return nil
		})
	}
	if err != nil {
		klaviyoRefuse(w, r, Down)
		return
	}
	CallOf(r).Report("delete", "deleted", left)
	w.WriteHeader(http.StatusNoContent)
}
