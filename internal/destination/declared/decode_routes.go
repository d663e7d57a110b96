package declared

import (
	"regexp"
	"strconv"
	"strings"

	"exposync/internal/yamlx"
)

var rowsText = regexp.MustCompile(`^rows <= (\d{1,12})$`)

// routes reads which operation carries out a mode, by the object and by the
// number of records.
func (d *decoder) routes(s *spec, n *yamlx.Node) {
	s.routes = map[string][]route{}
	fields := known{}
	for _, mode := range opNames() {
		fields[mode] = d.list("routes."+mode, func(n *yamlx.Node) {
			s.routes[mode] = append(s.routes[mode], d.route("routes."+mode, n))
		})
	}
	d.keys(n, "routes", fields)
}

func (d *decoder) route(what string, n *yamlx.Node) route {
	var r route
	var when, objects string
	d.keys(n, what, known{"object": d.text(&objects), "when": d.text(&when), "op": d.text(&r.op)})
	r.objects = d.pattern1(n.Get("object"), objects)
	if m := rowsText.FindStringSubmatch(when); m != nil {
		r.most, _ = strconv.ParseInt(m[1], 10, 64)
	} else if when != "" {
		d.fail(n.Get("when"), "write it as rows <= 2000", "a route is chosen by object, and by the number of records only")
	}
	return r
}

// pattern1 reads a pattern of objects: a * at most once.
func (d *decoder) pattern1(n *yamlx.Node, text string) pattern {
	if strings.Count(text, "*") > 1 {
		d.fail(n, "write it as people, or accounts/*", "a pattern of objects has one * at most")
	}
	return pattern(text)
}

// checkRoutes makes sure that every route leads somewhere, and that it makes
// no difference which one is taken but for the speed.
func (d *decoder) checkRoutes(s *spec, n *yamlx.Node) {
	for mode, list := range s.routes {
		for i := 0; i < len(list); {
			end := i + 1
			for end < len(list) && list[end].objects == list[i].objects {
				end++
			}
			d.checkGroup(s, mode, list[i:end], n.Get(mode))
			i = end
		}
	}
}

// checkGroup checks the routes of the same objects.
func (d *decoder) checkGroup(s *spec, mode string, list []route, at *yamlx.Node) {
	for i, r := range list {
		o := s.ops[r.op]
		switch {
		case o == nil:
			d.fail(at, "", "routes.%s: there is no operation %q", mode, r.op)
		case r.most == 0 && i < len(list)-1:
			d.fail(at, "", "routes.%s: nothing comes behind a route without when", mode)
		case r.most > 0 && (i == len(list)-1 || mode == "delete"):
			d.fail(at, "the last route has no when", "routes.%s: there is no route for more records", mode)
		case mode == "delete" && o.job != nil:
			d.fail(at, "", "deletes are sent in requests, not in jobs")
		case s.ops[list[0].op] != nil && o.safe() != s.ops[list[0].op].safe():
			d.fail(at, "", "routes.%s: all of its operations are idempotent, or none", mode)
		default:
			o.deletes = o.deletes || mode == "delete"
		}
	}
}
