package coverage

// Settings are what a project says about coverage: in exposync.yml, and on the
// command line.
type Settings struct {
	Weights   map[string]float64   // by dimension; 1 where it says nothing, 0 leaves it out of the total
	FailUnder map[string]Threshold // by dimension, or "total"
	Required  map[string]string    // dimensions that may not be n/a, with where that is said
	ViewDepth int                  // views on views that are let through; 0 means 1
	// EnumColumns are patterns of column names whose values are a short list,
	// with * and ?; nil means DefaultEnumColumns.
	EnumColumns []string
}

// Threshold is the least share that is asked for.
type Threshold struct {
	Share float64 // 0 to 1
	Where string  // who asks: --fail-under, or exposync.yml with its line
}

// DefaultEnumColumns are names that nearly always hold one of a few words, and
// that destinations keep as picklists.
func DefaultEnumColumns() []string {
	return []string{"status", "*_status", "stage", "*_stage", "tier", "*_tier"}
}

func (s Settings) viewDepth() int {
	if s.ViewDepth == 0 {
		return 1
	}
	return s.ViewDepth
}

func (s Settings) weight(name string) float64 {
	if w, ok := s.Weights[name]; ok {
		return w
	}
	return 1
}
