package hosted

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/tidwall/gjson"

	"exposync/internal/fault"
	"exposync/internal/rest"
)

// refused sorts an answer that is no success. What a status says about a
// trigger: everything below 500 but 302, 303 and 408 was not begun; a server that
// failed may have begun it, and one that sends on to a page may have done its
// work before.
func (a *api) refused(c call, resp *rest.Response, doc gjson.Result) *failure {
	f := &fault.Fault{Kind: fault.Config, Whose: fault.Setup, Where: a.where}
	f.Msg = fmt.Sprintf("%s: cannot %s: it answered %d %s", a.title, c.what, resp.Status, http.StatusText(resp.Status))
	if text := a.reason(doc); text != "" {
		f.Msg += ": " + text
	}
	out := &failure{fault: f, status: resp.Status, doc: doc, fate: NotStarted}
	switch status := resp.Status; {
	case slices.Contains(c.busy, status):
		f.Code, f.Kind, f.Whose = "hosted_busy", fault.Unavailable, fault.Tool
		f.Hint = "wait until the run that is going on has ended, then run again"
		out.fate = Busy
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		f.Code, f.Hint = "hosted_denied", "check the credentials of this connection and what they may do"
	case status == http.StatusNotFound || status == http.StatusGone:
		a.missing(c, f)
	case status == http.StatusTooManyRequests:
		limited := resp.Fault(a.where)
		f.Code, f.Kind, f.Whose, f.Hint = rest.CodeLimited, fault.Unavailable, fault.Tool, "run again later"
		f.Msg = fmt.Sprintf("%s: cannot %s: %s", a.title, c.what, a.hide(limited.Msg))
	case status < 400:
		moved := resp.Fault(a.where)
		f.Code, f.Kind, f.Hint = moved.Code, moved.Kind, "write the final address into base_url of this connection"
		f.Msg = fmt.Sprintf("%s: cannot %s: %s", a.title, c.what, a.hide(moved.Msg))
		if status == http.StatusFound || status == http.StatusSeeOther {
			out.fate = MayHaveStarted
		}
	case status == http.StatusRequestTimeout || status >= 500:
		f.Code, f.Kind, f.Whose, f.Hint = "hosted_unavailable", fault.Unavailable, fault.Tool, "run again later; the status page of the tool may tell more"
		if status != http.StatusNotImplemented {
			out.fate = MayHaveStarted
		}
	default:
		f.Code, f.Whose, f.Hint = "hosted_refused", fault.Tool, "check the sync in the tool: exposync explain hosted_refused"
	}
	return out
}

// missing completes the fault of something that is not there.
func (a *api) missing(c call, f *fault.Fault) {
	f.Code, f.Hint = "hosted_missing", "check the id behind the connection in hosted:, and that the credential belongs to the workspace of the sync"
	if c.gone != "" {
		f.Code = c.gone
	}
	if f.Code == "hosted_run_gone" {
		f.Kind, f.Whose, f.Hint = fault.Unavailable, fault.Tool, "look at the history of the sync in the tool before you start it again"
	}
}

// noList is the fault of a tool that cannot list the runs of a sync.
func (a *api) noList(what string) error {
	return &fault.Fault{
		Code: "hosted_no_list", Kind: fault.Unavailable, Whose: fault.Tool, Where: a.where,
		Msg:  fmt.Sprintf("%s cannot list the runs of %s", a.title, what),
		Hint: "look at its history in the tool",
	}
}

// notSent is a trigger that was not even sent.
func (a *api) notSent(c call, why string) error {
	return &TriggerError{Fate: NotStarted, Err: &fault.Fault{
		Code: "hosted_refused", Kind: fault.Config, Whose: fault.User, Where: a.where,
		Msg: fmt.Sprintf("%s: cannot %s: %s", a.title, c.what, why),
	}}
}

// reason looks for the tool's own words where services put them, fit to be
// shown.
func (a *api) reason(doc gjson.Result) string {
	for _, path := range reasonPaths() {
		if v := doc.Get(path); v.Type == gjson.String && v.Str != "" {
			return a.show(v.Str)
		}
	}
	return ""
}

func reasonPaths() []string {
	return []string{
		"message", "data.message", "error.message", "errors.0.message", "errors.0.detail", "error_description", "detail", "error", "errors.0",
		"error_message", "errors", "title",
	}
}
