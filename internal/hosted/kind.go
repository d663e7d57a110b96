package hosted

import (
	"time"

	"exposync/internal/rest"
	"exposync/internal/yamlx"
)

// Kind is one type of hosted tools.
type Kind struct {
	Name   string // the type of the connection in exposync.yml: hightouch
	Title  string // for people: Hightouch
	Params []Param
	// Path is that of the API behind any host, where base_url has no default
	// that shows it.
	Path string
	// Check refuses a sync that the tool cannot have, such as a word where it
	// has numbers: "" if it can, else what is expected instead.
	Check func(sync string) string
	// Open gives the workspace. It calls nothing.
	Open func(Config) (Tool, error)
}

// Param is one setting of a connection.
type Param struct {
	Name     string
	Tree     bool // holds a map that the kind reads itself, see Config.Blocks
	Required bool
	Unless   string // Required only if this other one is not set
	Secret   bool   // has to be a reference
	Default  string
	Choices  []string
	Doc      string // one sentence
}

// Config is what a workspace is opened with.
type Config struct {
	Kind   string
	Name   string // of the connection
	Where  string // file:line of the connection
	Params map[string]string
	Blocks map[string]*yamlx.Node // of the Params that are trees
	File   string                 // that the blocks stand in
	Rest   rest.Config
	Now    func() time.Time
	// Note is told, once each, what a person should read and what stops
	// nothing: an old API, a status that nobody knows. nil drops it.
	Note func(string)
}

// Kinds are the tools that this version knows, by name.
func Kinds() []Kind {
	return []Kind{airbyteKind(), censusKind(), hightouchKind(), multiwovenKind(), polytomicKind(), rudderstackKind(), segmentKind(), webhookKind()}
}

// KindOf gives one of them.
func KindOf(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}
