package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"exposync/internal/config"
	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/hosted"
	"exposync/internal/plan"
	"exposync/internal/sandbox/facade"
	"exposync/internal/yamlx"
)

// toolType is a hosted tool as a type of connections.
func toolType(k hosted.Kind) config.Type {
	t := config.Type{Hosted: true}
	for _, p := range k.Params {
		kind := config.Text
		switch {
		case p.Tree:
			kind = config.Tree
		case len(p.Choices) > 0:
			kind = config.Choice
		}
		t.Params = append(t.Params, config.Param{
			Name: p.Name, Kind: kind, Required: p.Required, Unless: p.Unless, Secret: p.Secret, Default: p.Default, Choices: p.Choices, Doc: p.Doc,
		})
	}
	return t
}

func toolNames() []string {
	var names []string
	for _, k := range hosted.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// openedTool is a workspace of this run, or why it could not be opened.
type openedTool struct {
	once   sync.Once
	tool   hosted.Tool
	expect string
	err    error
}

// tool opens the job's workspace, once for all jobs of it: they share its
// limits.
func (s *session) tool(ctx context.Context, connection string) (hosted.Tool, string, error) {
	s.mu.Lock()
	o := s.tools[connection]
	if o == nil {
		if s.tools == nil {
			s.tools = map[string]*openedTool{}
		}
		o = &openedTool{}
		s.tools[connection] = o
	}
	s.mu.Unlock()
	o.once.Do(func() { o.tool, o.expect, o.err = s.openTool(ctx, connection) })
	return o.tool, o.expect, o.err
}

func (s *session) openTool(ctx context.Context, connection string) (hosted.Tool, string, error) {
	c, ok := s.config.Connection(s.target, connection)
	if !ok {
		return nil, "", noTarget()
	}
	kind, ok := hosted.KindOf(c.Type)
	if !ok {
		return nil, "", &fault.Fault{
			Code: "connection_not_hosted", Kind: fault.Config, Whose: fault.Setup, Where: c.Where,
			Msg:  "connection " + c.Name + ": there is no hosted tool of type " + c.Type,
			Hint: "the hosted tools are " + strings.Join(toolNames(), ", "),
		}
	}
	cfg := hosted.Config{
		Kind: c.Type, Name: c.Name, Where: c.Where, File: s.config.File, Rest: s.restConfig(), Now: s.a.env.Now,
		Note: func(text string) { s.a.say("%s", text) },
	}
	if c.Sandbox {
		t, err := s.sandboxedTool(ctx, kind, cfg)
		return t, "", err
	}
	values, problems := c.Resolve(ctx, s.a.resolver(s.dir))
	if err := problems.Err(); err != nil {
		return nil, "", err
	}
	cfg.Params, cfg.Blocks = map[string]string{}, map[string]*yamlx.Node{}
	for _, p := range toolType(kind).Params {
		switch {
		case p.Kind == config.Tree:
			if tree := values.Tree(p.Name); tree != nil {
				cfg.Blocks[p.Name] = tree
			}
		case values.Has(p.Name):
			cfg.Params[p.Name] = values.Text(p.Name)
			s.a.secretParts(values.Text(p.Name))
		}
	}
	t, err := kind.Open(cfg)
	return t, values.Account(), err
}

// sandboxedTool opens the stand-in of a tool, with made-up credentials and no
// way out of this machine. No reference of another target is resolved.
func (s *session) sandboxedTool(ctx context.Context, kind hosted.Kind, cfg hosted.Config) (hosted.Tool, error) {
	base, err := s.sandbox(ctx)
	if err != nil {
		return nil, err
	}
	address := ""
	cfg.Rest, cfg.Params, cfg.Blocks = s.sandboxRest(), map[string]string{}, map[string]*yamlx.Node{}
	for _, p := range kind.Params {
		if (p.Required || p.Secret) && !p.Tree {
			cfg.Params[p.Name] = "sandbox"
		}
		if p.Name == "base_url" {
			address = base + facade.Mount(cfg.Kind, cfg.Name) + cmp.Or(kind.Path, pathOf(p.Default))
		}
	}
	if kind.Name == "webhook" {
		return sandboxedHook(kind, cfg, base+facade.Mount(cfg.Kind, cfg.Name))
	}
	cfg.Params["base_url"] = address
	return kind.Open(cfg)
}

// hookInSandbox describes the sandbox's own server of jobs. What a connection of
// type webhook describes is another service, with other words: its secrets stay
// where they are, and only trying it against that service can show that it fits.
const hookInSandbox = `
trigger: {url: "%[1]s/hooks/${sync}", id: id, page: url, repeatable: true}
poll:
  url: "%[1]s/jobs/${run}"
  status: status
  success: [succeeded]
  partial: [completed_with_errors]
  failure: [failed]
  canceled: [canceled]
  skipped: [skipped]
  queued: [queued]
  pending: [running]
  rows: {total: rows.total, ok: rows.ok, failed: rows.failed}
list: {url: "%[1]s/jobs?hook=${sync}", items: jobs, id: id, created: created_at}
cancel: {url: "%[1]s/jobs/${run}", method: DELETE}
`

// sandboxedHook opens the stand-in of a webhook.
func sandboxedHook(kind hosted.Kind, cfg hosted.Config, base string) (hosted.Tool, error) {
	root, err := yamlx.Parse("sandbox", fmt.Appendf(nil, hookInSandbox, base))
	if err != nil {
		return nil, err
	}
	cfg.Params = map[string]string{}
	for _, pair := range root.Pairs {
		cfg.Blocks[pair.Key] = pair.Value
	}
	return kind.Open(cfg)
}

// pathOf is the path of a tool's own address: the stand-in has it, too.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.Path, "/")
}

// hostedRequest gives the engine a job of a hosted tool.
func (s *session) hostedRequest(ctx context.Context, j plan.Job) (engine.HostedRequest, error) {
	t, expect, err := s.tool(ctx, j.Connection)
	if err != nil {
		return engine.HostedRequest{}, err
	}
	if kind, ok := hosted.KindOf(j.Type); ok && kind.Check != nil {
		if want := kind.Check(j.Hosted.Sync); want != "" {
			return engine.HostedRequest{}, &fault.Fault{
				Code: "hosted_bad_id", Kind: fault.Config, Whose: fault.Mapping, Where: j.Where,
				Msg:  j.ID + ": " + j.Hosted.Sync + " cannot be a sync of " + kind.Title + ": " + want,
				Hint: "correct `hosted:` of the exposure, then run dbt parse",
			}
		}
	}
	req := engine.HostedRequest{Job: j, Tool: t, Expect: expect, Invocation: s.invocationOf(j)}
	if req.Invocation == s.invocation() && s.facts != nil {
		req.BuiltAt = s.facts.GeneratedAt
	}
	req.Job.Target = ledgerTarget(j.Target, j.Sandbox)
	if j.Sandbox {
		req.Account = "sandbox/" + j.Type + "/" + j.Connection
		req.FirstPoll = 100 * time.Millisecond // it moves on with every question
	}
	return req, nil
}

// onlyHosted reports whether no selected job needs the warehouse.
func (s *session) onlyHosted() bool {
	jobs := s.selected()
	return len(jobs) > 0 && !slices.ContainsFunc(jobs, func(j plan.Job) bool { return j.Hosted == nil })
}

// noRecords is the fault of asking for a record of a hosted sync: the tool
// moves them.
func noRecords(j plan.Job, next string) error {
	return &fault.Fault{
		Code: "hosted_no_records", Kind: fault.Config, Whose: fault.User, Where: j.ID,
		Msg:  j.To() + " is a sync of a hosted tool: its records are known to the tool alone",
		Hint: next,
	}
}
