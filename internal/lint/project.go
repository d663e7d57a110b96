package lint

import (
	"maps"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/job"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// project is what the rules look at.
type project struct {
	in        Input
	docs      []*doc // by path
	exposures []*exposure
	models    map[string]written           // what YAML says about a model, by its name
	ids       map[string]string            // of the manifest's models of this project, by name
	letGo     map[string][]coverage.Ignore // memory of ignores
	children  map[string][]string          // models and snapshots that build on a node; memory of builtOn
}

// written is an entry of a list in a YAML file.
type written struct {
	doc  *doc
	item *yamlx.Node
}

// exposure is one exposure. Where its YAML is at hand that counts, and not the
// manifest, which may be older.
type exposure struct {
	name   string
	id     string // unique_id
	path   string
	yaml   *written      // nil where the file is not at hand, or no YAML
	dbt    *dbt.Exposure // nil where the manifest does not have it
	job    job.Exposure  // zero without a manifest
	jobs   []plan.Job
	source *dbt.Project
}

func newProject(in Input) *project {
	if in.Config == nil {
		in.Config = config.Default(config.FileName)
	}
	if in.Project != nil {
		in.Name = in.Project.Name
	}
	p := &project{in: in, models: map[string]written{}, ids: map[string]string{}}
	if in.Project != nil {
		for _, id := range sortedKeys(in.Project.Nodes) {
			if n := in.Project.Nodes[id]; n.ResourceType == "model" && n.Package == in.Name {
				p.ids[n.Name] = id // of several versions the last
			}
		}
	}
	for _, file := range slices.Sorted(maps.Keys(in.Files)) {
		if isYAML(file) {
			p.docs = append(p.docs, in.Read.doc(file, in.Files[file]))
		}
	}
	for _, d := range p.docs {
		for _, item := range itemsOf(d.root.Get("models")) {
			if name, ok := item.Get("name").Scalar(); ok {
				p.models[name] = written{d, item}
			}
		}
	}
	p.findExposures()
	return p
}

func itemsOf(n *yamlx.Node) []*yamlx.Node {
	if n == nil || n.Kind != yamlx.List {
		return nil
	}
	return n.Items
}

// exposuresOf are the exposures that a file declares, under their key or in a
// list of their own.
func exposuresOf(d *doc) []*yamlx.Node {
	if bareList(d.root) {
		return d.root.Items
	}
	return itemsOf(d.root.Get("exposures"))
}

// findExposures puts together what the files and the manifest say. An exposure
// that its file does not have any more is none.
func (p *project) findExposures() {
	byID := map[string]*exposure{}
	for _, d := range p.docs {
		for _, item := range exposuresOf(d) {
			name, ok := item.Get("name").Scalar()
			if !ok {
				continue
			}
			x := &exposure{name: name, id: p.idOf(name), path: d.path, yaml: &written{d, item}, source: p.in.Project}
			byID[x.id] = x
			p.exposures = append(p.exposures, x)
		}
	}
	if p.in.Project != nil {
		p.addFromManifest(byID)
	}
	slices.SortStableFunc(p.exposures, func(a, b *exposure) int { return strings.Compare(a.id, b.id) })
}

func (p *project) addFromManifest(byID map[string]*exposure) {
	for _, id := range slices.Sorted(maps.Keys(p.in.Project.Exposures)) {
		e := p.in.Project.Exposures[id]
		if e.Package != "" && e.Package != p.in.Project.Name {
			continue // of an installed package
		}
		x := byID[id]
		if x == nil {
			path := slashes(e.Path)
			if d := p.doc(path); d != nil && d.root != nil {
				continue
			}
			x = &exposure{name: e.Name, id: id, path: path, source: p.in.Project}
			p.exposures = append(p.exposures, x)
		}
		x.dbt = e
		if i := slices.IndexFunc(p.in.Set.Exposures, func(s job.Exposure) bool { return s.ID == id }); i >= 0 {
			x.job = p.in.Set.Exposures[i]
		}
		for _, j := range p.in.Set.Jobs {
			if j.Exposure == id {
				x.jobs = append(x.jobs, j)
			}
		}
	}
}

func (p *project) idOf(name string) string {
	if p.in.Name == "" {
		return "exposure." + name
	}
	return "exposure." + p.in.Name + "." + name
}

func (p *project) doc(path string) *doc {
	i := slices.IndexFunc(p.docs, func(d *doc) bool { return d.path == path })
	if i < 0 {
		return nil
	}
	return p.docs[i]
}

// applications are the exposures that sync, or could.
func (p *project) applications() []*exposure {
	var out []*exposure
	for _, x := range p.exposures {
		if x.text("type") == "application" && !x.disabled() {
			out = append(out, x)
		}
	}
	return out
}

// disabled reports whether dbt leaves the exposure out. Of a text with Jinja
// only the manifest knows.
func (x *exposure) disabled() bool {
	if x.yaml == nil {
		return false
	}
	on := x.yaml.item.At("config", "enabled")
	if v, ok := on.Bool(); ok {
		return !v
	}
	if x.source == nil {
		return false // nobody knows
	}
	_, off := x.source.Disabled[x.id]
	return off || !on.IsNull() && x.dbt == nil
}

// text is a property of the exposure: what is written, Jinja and all, or what
// the manifest has where the YAML is not at hand.
func (x *exposure) text(key string) string {
	if x.yaml != nil {
		text, _ := x.yaml.item.Get(key).Scalar()
		return strings.TrimSpace(text)
	}
	return strings.TrimSpace(map[string]string{
		"name": x.dbt.Name, "type": x.dbt.Type, "url": x.dbt.URL, "description": x.dbt.Description, "maturity": x.dbt.Maturity, "label": x.dbt.Label,
	}[key])
}

// owner is a name and e-mail addresses, as far as they are there.
func (x *exposure) owner() (name string, emails []string) {
	if x.yaml == nil {
		return x.dbt.OwnerName, x.dbt.OwnerEmails
	}
	owner := x.yaml.item.Get("owner")
	name, _ = owner.Get("name").Scalar()
	emails, _ = owner.Get("email").Strings()
	return strings.TrimSpace(name), slices.DeleteFunc(emails, func(e string) bool { return strings.TrimSpace(e) == "" })
}

// who is whose the exposure is, in one phrase.
func (x *exposure) who() string {
	name, emails := x.owner()
	if name == "" && len(emails) > 0 {
		return emails[0]
	}
	return name
}

// block is what the exposure says to Exposync, and where in its YAML that is;
// nil if it says nothing.
func (x *exposure) block() *yamlx.Node {
	if x.yaml != nil {
		for _, at := range blockPaths() {
			if n := x.yaml.item.At(at...); n != nil {
				return n
			}
		}
		if !fromProject(x.yaml.item) {
			return nil
		}
	}
	if x.dbt == nil || len(x.dbt.Meta) == 0 {
		return nil
	}
	meta, err := yamlx.ParseJSON(x.dbt.Meta)
	if err != nil { // the manifest is valid JSON
		return nil
	}
	return meta.Get("exposync")
}

// blockPaths are the places of the block, that of dbt 1.10 and later first.
func blockPaths() [][]string {
	return [][]string{{"config", "meta", "exposync"}, {"meta", "exposync"}}
}

// fromProject reports whether an exposure without meta of its own may have it
// from dbt_project.yml.
func fromProject(item *yamlx.Node) bool {
	return item.Get("meta") == nil && item.At("config", "meta") == nil
}

// synced reports whether the exposure declares a sync, here or hosted.
func (x *exposure) synced() bool {
	block := x.block()
	if block == nil || block.Kind != yamlx.Map {
		return block != nil
	}
	for _, key := range []string{"to", "hosted", "syncs", "trigger_urls", "from", "fields", "key"} {
		if block.Get(key) != nil {
			return true
		}
	}
	return false
}

// watched is the tool whose sync the url shows.
func (x *exposure) watched() string { return job.Watched(x.text("url")) }

// finding is a finding about the exposure, at one of its keys, or at its name
// where the key is not there.
func (x *exposure) finding(message, fix string, at ...string) Finding {
	f := Finding{Finding: plan.Finding{Subject: x.id, Message: message, Fix: fix, File: x.path, Owner: x.who()}}
	if x.yaml == nil {
		return f
	}
	d := x.yaml.doc
	if n, ok := pair(x.yaml.item.At(at[:max(len(at)-1, 0)]...), lastOf(at)); ok {
		d.place(&f, n.KeyStart)
		return f
	}
	if n, ok := pair(x.yaml.item, "name"); ok && n.Value.Start > 0 {
		d.place(&f, n.Value.Start)
		return f
	}
	d.place(&f, x.yaml.item.Start)
	return f
}

func lastOf(at []string) string {
	if len(at) == 0 {
		return ""
	}
	return at[len(at)-1]
}

// missing says why a rule that reads these things cannot run.
func (p *project) missing(needs need) string {
	switch {
	case needs&needManifest != 0 && p.in.Project == nil:
		return "there is no manifest: dbt parse"
	case needs&needYAML != 0 && len(p.docs) == 0:
		return "there are no YAML files of the project at hand"
	case needs&needVersion != 0 && p.version() == "":
		return "the version of dbt is not known without a manifest: dbt parse"
	}
	return ""
}

// version is that of the dbt that wrote the manifest.
func (p *project) version() string {
	if p.in.Project == nil {
		return ""
	}
	return p.in.Project.DBTVersion
}

// slashes undoes the separators of a manifest that dbt wrote on Windows.
func slashes(path string) string { return strings.ReplaceAll(path, `\`, "/") }

// modelID is the unique_id of a model of the project.
func (p *project) modelID(name string) string {
	if id, ok := p.ids[name]; ok {
		return id
	}
	if p.in.Name == "" {
		return "model." + name
	}
	return "model." + p.in.Name + "." + name
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
