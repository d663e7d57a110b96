package job

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/fault"
	"exposync/internal/plan"
)

// connect fills in where the job goes. The faults it gives are those of
// exposync.yml; a `to:` that cannot be read is one of the metadata.
func (b *builder) connect(job *plan.Job, to string, r *config.Reader) fault.List {
	if to == "" {
		return nil
	}
	name, object, ok := strings.Cut(to, ".")
	if !ok || name == "" || object == "" {
		r.Fault("to", "setting_invalid", "write connection.object, for example crm.contacts",
			"%q does not name a connection and an object", to)
		return nil
	}
	job.Connection, job.Object = name, object
	job.Type, ok = b.cfg.ConnectionType(name)
	if b.setup != nil {
		return fault.List{b.setup}
	}
	if b.target == "" && ok {
		return nil
	}
	if c, ok := b.cfg.Connection(b.target, name); ok {
		if c.Hosted {
			r.Fault("to", "connection_hosted", "write `hosted: "+name+"/<id of the sync there>` in place of `to:`",
				"%s is a hosted tool: its syncs are triggered, nothing is written to it", name)
			return nil
		}
		job.Type, job.Sandbox = c.Type, c.Sandbox
		if !c.Sandbox { // it has no settings of its own
			job.Settings = c.Fingerprint()
			return fault.All(c.Problem)
		}
		return nil
	}
	return fault.List{b.noConnection(name, r.Place("to"))}
}

// noConnection is the fault of a name that exposync.yml does not know.
func (b *builder) noConnection(name string, place config.Place) *fault.Fault {
	f := &fault.Fault{
		Code: "connection_missing", Kind: fault.Config, Whose: fault.Setup, Where: place.Where,
		Msg:  fmt.Sprintf("there is no connection %q", name),
		Hint: fmt.Sprintf("correct the name, or declare %s in %s", name, b.cfg.File),
	}
	if b.target != "" {
		f.Msg = fmt.Sprintf("target %s has no connection %q", b.target, name)
		f.Hint = fmt.Sprintf("correct the name, or declare targets.%s.connections.%s in %s", b.target, name, b.cfg.File)
	}
	if near := fault.Suggest(name, b.cfg.ConnectionNames()); near != "" && near != name {
		f.Msg += fmt.Sprintf("; did you mean %q?", near)
	}
	if place.Subject != "" {
		f.Msg = place.Subject + ": " + f.Msg
	}
	return f
}

// targetFault says why no connection can be told at all; nil if they can.
func targetFault(cfg *config.Config, target string) *fault.Fault {
	if cfg.Missing {
		return &fault.Fault{
			Code: "config_missing", Kind: fault.Config, Whose: fault.Setup, Where: cfg.File,
			Msg:  "there is no exposync.yml, so nothing says where syncs go",
			Hint: "write exposync.yml beside dbt_project.yml; to try things out: targets: {" + orElse(target, "dev") + ": sandbox}",
		}
	}
	if _, ok := cfg.Targets[target]; ok || target == "" {
		return nil
	}
	return &fault.Fault{
		Code: "target_not_configured", Kind: fault.Config, Whose: fault.Setup, Where: cfg.File,
		Msg: fmt.Sprintf("target %s is not listed, so nothing is sent", target),
		Hint: fmt.Sprintf("add it (`targets: {%s: sandbox}` sends to a local sandbox), or choose a listed one with --target%s",
			target, listed(cfg)),
	}
}

// listed names the targets of exposync.yml for a hint.
func listed(cfg *config.Config) string {
	names := slices.Sorted(maps.Keys(cfg.Targets))
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}
