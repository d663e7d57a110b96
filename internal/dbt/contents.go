package dbt

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Contents is what `state:` compares between two manifests: hashes, not
// texts, so that it costs little to keep.
type Contents struct {
	nodes  map[string]content
	macros map[string]macro
}

// macro is one macro, its SQL as a hash.
type macro struct {
	sql       sum
	dependsOn []string
}

type sum [sha256.Size]byte

// facet is one thing about a node that can differ.
type facet uint8

const (
	body facet = iota
	configs
	relation
	contract
	identity    // where it is (fqn), and whatever else is particular to its type
	description // compared only if the node persists it
	columnDocs  // the same
	facets
)

// content is what can differ about one node.
type content struct {
	sums           [facets]sum
	has            uint8 // bit per facet: state:modified.x knows it for this type
	counts         uint8 // bit per facet: a difference makes the node modified
	newIsModified  bool  // dbt counts a new node of this type as modified
	persistsDocs   bool
	persistsColumn bool
	macros         []string
}

// bits gives the set of some facets.
func bits(of ...facet) uint8 {
	var b uint8
	for _, f := range of {
		b |= 1 << f
	}
	return b
}

// newContent takes the hashes of one entry. Which keys count, and for which
// type, is what dbt-core 1.12 does in the same_* methods of its node classes.
func newContent(n *rawNode, v gjson.Result) content {
	c := content{macros: strs(v.Get("depends_on.macros"))}
	at := v.Map()
	all := bits(body, configs, relation, contract, identity, description, columnDocs)
	c.sums[identity] = sumOf(at["fqn"])
	switch n.ResourceType {
	case "source":
		c.has, c.counts = bits(configs, relation), bits(configs, relation, identity)
		c.sums[configs] = sumOf(without(at["unrendered_config"]))
		c.sums[relation] = sumOf(at["database"], at["schema"], at["identifier"])
		c.sums[identity] = sumOf(at["fqn"], at["quoting"], at["freshness"], at["loaded_at_field"], at["external"])
	case "exposure":
		c.has, c.counts = bits(configs), bits(configs, identity)
		c.sums[configs] = sumOf(without(at["unrendered_config"]))
		c.sums[identity] = sumOf(at["fqn"], at["type"], at["owner"], at["maturity"], at["url"], at["description"], at["label"],
			sorted(v.Get("depends_on.nodes")))
	case "metric":
		c.has, c.counts = bits(configs), bits(configs, identity)
		c.sums[configs] = sumOf(without(at["unrendered_config"], "group"))
		c.sums[identity] = sumOf(at["type"], at["description"], at["label"])
	case "semantic_model":
		c.has, c.counts = bits(configs), bits(configs, identity)
		c.sums[configs] = sumOf(at["config"])
		c.sums[identity] = sumOf(at["model"], at["description"], at["defaults"], at["entities"], at["dimensions"],
			at["measures"], at["primary_entity"], at["group"])
	case "saved_query":
		c.has, c.counts = bits(configs), bits(configs, identity)
		c.sums[configs] = sumOf(at["config"])
		c.sums[identity] = sumOf(v.Get("query_params.metrics"), v.Get("query_params.group_by"), v.Get("query_params.where"),
			at["description"], at["label"], at["group"], at["tags"], exported(at["exports"]))
	case "unit_test":
		c.counts, c.newIsModified = bits(identity), true
		c.sums[identity] = sumOf(at["checksum"])
	default:
		c.has, c.counts, c.newIsModified = all, all, true
		c.parsed(n, at)
	}
	return c
}

// parsed takes the hashes of what dbt parses from a file of its own, and of
// tests.
func (c *content) parsed(n *rawNode, at map[string]gjson.Result) {
	unrendered := at["unrendered_config"]
	code, now := at["raw_code"]
	if !now {
		code = at["raw_sql"] // before dbt 1.3
	}
	c.sums[body] = sumOf(code)
	c.sums[configs] = sumOf(without(unrendered, "alias", "schema", "database", "tags", "group"))
	c.sums[relation] = sumOf(unrendered.Get("database"), unrendered.Get("schema"), unrendered.Get("alias"))
	c.sums[description] = sumOf(at["description"])
	c.sums[columnDocs] = sumOf(descriptions(at["columns"]))
	docs := at["config"].Get("persist_docs")
	c.persistsDocs, c.persistsColumn = truth(docs.Get("relation")), truth(docs.Get("columns"))
	switch n.ResourceType {
	case "seed":
		c.sums[body] = sumOf(at["checksum"])
	case "model":
		if enforced := at["contract"]; truth(enforced.Get("enforced")) {
			c.sums[contract] = sumOf(enforced.Get("enforced"), enforced.Get("checksum"))
		}
		c.sums[identity] = sumOf(at["fqn"], at["latest_version"], at["access"], at["deprecation_date"])
	case "function":
		c.sums[identity] = sumOf(at["fqn"], at["arguments"], at["returns"], at["overloads"])
	case "test":
		c.sums[configs] = sumOf(only(unrendered, "severity", "where", "limit", "fail_calc", "warn_if", "error_if",
			"store_failures", "store_failures_as", "sql_header"))
		if n.TestName != "" {
			c.counts = bits(configs, identity)
		}
	}
}

// sameAs reports whether some facets of the node are as they were. What is
// persisted is asked of the new node alone: a change of persist_docs shows in
// configs.
func (c *content) sameAs(old *content, of uint8) bool {
	if !c.persistsDocs {
		of &^= bits(description)
	}
	if !c.persistsColumn {
		of &^= bits(columnDocs)
	}
	for f := range facets {
		if of&(1<<f) != 0 && c.sums[f] != old.sums[f] {
			return false
		}
	}
	return true
}

func (c *Contents) readMacros(v gjson.Result) {
	if !v.IsObject() {
		return
	}
	v.ForEach(func(key, value gjson.Result) bool {
		c.macros[strings.Clone(key.Str)] = macro{
			sql: sumOf(value.Get("macro_sql")), dependsOn: strs(value.Get("depends_on.macros")),
		}
		return true
	})
}

// without gives a map but for some keys.
func without(v gjson.Result, keys ...string) gjson.Result { return filter(v, keys, false) }

// only gives a map's entries of some keys.
func only(v gjson.Result, keys ...string) gjson.Result { return filter(v, keys, true) }

// filter puts each value into a list of its own: in what is configured a key
// that is null is not the same as no key.
func filter(v gjson.Result, keys []string, want bool) gjson.Result {
	var b strings.Builder
	each(v, func(key, value gjson.Result) {
		if slices.Contains(keys, key.Str) == want {
			b.WriteString("," + key.Raw + ":[" + value.Raw + "]")
		}
	})
	return gjson.Parse("{" + strings.TrimPrefix(b.String(), ",") + "}")
}

// exported is what dbt compares of a saved query's exports.
func exported(exports gjson.Result) gjson.Result {
	var b strings.Builder
	for _, e := range exports.Array() {
		config := only(e.Get("unrendered_config"), "export_as", "schema", "alias")
		b.WriteString(",[" + cmp.Or(e.Get("name").Raw, "null") + "," + config.Raw + "]")
	}
	return gjson.Parse("[" + strings.TrimPrefix(b.String(), ",") + "]")
}

// descriptions has the description of each column.
func descriptions(columns gjson.Result) gjson.Result {
	var b strings.Builder
	each(columns, func(key, value gjson.Result) {
		b.WriteString("," + key.Raw + ":" + cmp.Or(value.Get("description").Raw, `""`))
	})
	return gjson.Parse("{" + strings.TrimPrefix(b.String(), ",") + "}")
}

// sorted is a list whose order does not matter, each item once.
func sorted(v gjson.Result) gjson.Result {
	var items []string
	for _, item := range v.Array() {
		items = append(items, item.Raw)
	}
	slices.Sort(items)
	return gjson.Parse("[" + strings.Join(slices.Compact(items), ",") + "]")
}

func each(object gjson.Result, do func(key, value gjson.Result)) {
	if object.IsObject() {
		object.ForEach(func(key, value gjson.Result) bool {
			do(key, value)
			return true
		})
	}
}

// sumOf hashes values so that equal values have equal hashes: whatever the
// order of keys, the way a number is written, and whether a key without a
// value is there.
func sumOf(values ...gjson.Result) sum {
	h := sha256.New()
	for _, v := range values {
		digest(h, v)
	}
	return sum(h.Sum(nil))
}

func digest(h hash.Hash, v gjson.Result) {
	switch {
	case v.Type == gjson.Null:
		h.Write([]byte{'n'})
	case v.Type == gjson.True || v.Type == gjson.False:
		h.Write([]byte(v.Raw[:1]))
	case v.Type == gjson.Number:
		h.Write(binary.BigEndian.AppendUint64([]byte{'d'}, math.Float64bits(v.Num)))
	case v.Type == gjson.String:
		h.Write(binary.BigEndian.AppendUint64([]byte{'s'}, uint64(len(v.Str))))
		h.Write([]byte(v.Str))
	case v.IsArray():
		h.Write([]byte{'['})
		for _, item := range v.Array() {
			digest(h, item)
		}
		h.Write([]byte{']'})
	default:
		digestMap(h, v)
	}
}

func digestMap(h hash.Hash, v gjson.Result) {
	type entry struct {
		key   string
		value gjson.Result
	}
	var entries []entry
	each(v, func(key, value gjson.Result) {
		if value.Type != gjson.Null {
			entries = append(entries, entry{key.Str, value})
		}
	})
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	h.Write([]byte{'{'})
	for _, e := range entries {
		digest(h, gjson.Result{Type: gjson.String, Str: e.key})
		digest(h, e.value)
	}
	h.Write([]byte{'}'})
}
