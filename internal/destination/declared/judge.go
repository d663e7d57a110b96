package declared

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
)

// judge turns one answer into one outcome per record. Whatever an answer does
// not say clearly is never a success.
type judge struct {
	s     *sender
	batch []record.Change
	at    []int // positions in batch of the records that were sent
	own   []int // of every item of the request, where records have several, its place in at
	doc   gjson.Result
	json  bool // the body is a JSON document
}

// The codes of answers that say nothing clear.
const (
	codeNotJSON     = "reply_not_json"
	codeEmpty       = "reply_empty"
	codeUndeclared  = "reply_not_declared"
	codeCount       = "result_count_mismatch"
	codeOKCount     = "ok_count_mismatch"
	codeUnclaimed   = "unattributed"
	codeNoResult    = "no_result"
	codeRefused     = "refused"
	codeUnreachable = "unreachable"
)

// items is how many there were in the request.
func (j *judge) items() int { return max(len(j.at), len(j.own)) }

// owner is the place in at of the record that an item is of.
func (j *judge) owner(item int) int {
	if j.own == nil {
		return item
	}
	return j.own[item]
}

func (j *judge) all(o destination.Outcome) []destination.Outcome {
	return destination.All(len(j.at), o)
}

// unanswered sorts a request that got no answer.
func (j *judge) unanswered(err error) []destination.Outcome {
	failure := &rest.Error{Code: codeUnreachable, Msg: "the request failed"}
	errors.As(err, &failure)
	o := destination.Outcome{State: destination.InDoubt, Code: failure.Code, Message: failure.Error()}
	if failure.Fate == rest.NeverReached {
		switch {
		case failure.Denied:
			o.State = destination.Auth
		case failure.After > 0:
			o.State, o.After = destination.Retry, failure.After
		case failure.Code == rest.CodeStopped, failure.Code == rest.CodeQuota, failure.Code == rest.CodeURL, failure.Code == rest.CodeCertificate:
			o.State = destination.Stop
		case failure.Code == rest.CodeInterrupted, failure.Code == rest.CodeLimited:
			o.State = destination.NotSent
		default:
			o.State = destination.Retry
		}
	}
	out := j.all(o)
	j.hide(out)
	return out
}

// answered applies the first rule that matches, else the default for the
// status, and holds the result against what may not be.
func (j *judge) answered(resp *rest.Response) []destination.Outcome {
	if resp.JSON() && gjson.ValidBytes(resp.Body) {
		j.doc, j.json = gjson.ParseBytes(resp.Body), true
	}
	if resp.OK() && !j.json && !j.s.op.anyReply && len(resp.Body) > 0 {
		return j.all(destination.Outcome{
			State: destination.InDoubt, Code: codeNotJSON,
			Message: fmt.Sprintf("%s answered %d with something that is not JSON, or only half of it", resp.Host, resp.Status),
		})
	}
	for i := range j.s.op.rules {
		if r := &j.s.op.rules[i]; j.applies(r, resp.Status) {
			j.s.d.trial.note(j.s.op, r)
			return j.settle(j.apply(r, resp), resp)
		}
	}
	j.s.d.trial.note(j.s.op, nil)
	return j.settle(j.byStatus(resp), resp)
}

// applies reports whether a rule is meant for the answer. Without a document
// only a rule that reads nothing can be.
func (j *judge) applies(r *rule, status int) bool {
	if !matchesStatus(r.status, status) {
		return false
	}
	if j.json {
		return r.when == "" || truth(j.doc, r.when)
	}
	return r.when == "" && r.each == nil && len(r.errors) == 0 && r.okCount == ""
}

func (j *judge) apply(r *rule, resp *rest.Response) []destination.Outcome {
	var out []destination.Outcome
	switch {
	case len(r.errors) > 0:
		out = j.named(r, resp)
	case r.each != nil:
		out = j.each(r)
	default:
		codes, message := pick(j.doc, r.code), join(pick(j.doc, r.message), ": ")
		o := destination.Outcome{State: r.class.of(codes, message, r.outcome), Code: join(codes, ","), Message: message}
		if o.State != destination.OK {
			o.After = resp.After
			o.Code = orStatus(o.Code, resp.Status)
		}
		out = j.all(o)
	}
	j.hide(out)
	j.echo(out)
	return j.counted(out, r)
}

// counted holds the number of accepted records that the answer states against
// those that seem accepted.
func (j *judge) counted(out []destination.Outcome, r *rule) []destination.Outcome {
	if r.okCount == "" {
		return out
	}
	n := 0
	for item := range j.items() {
		if out[j.owner(item)].State == destination.OK {
			n++
		}
	}
	claimed, told := j.sum(r.okCount)
	if told && claimed == n {
		return out
	}
	o := destination.Outcome{State: destination.Bisect, Maybe: true, Code: codeOKCount, Message: "the destination accepted another number of records than it let us believe"}
	if !told {
		o = destination.Outcome{State: destination.InDoubt, Code: codeUndeclared, Message: fmt.Sprintf("the answer does not say %s, the number of accepted records", r.okCount)}
	}
	for i := range out {
		if out[i].State == destination.OK {
			out[i] = o
		}
	}
	return out
}

// sum adds the numbers at several paths joined with "|;"; ok is false if one
// is not there.
func (j *judge) sum(paths string) (n int, ok bool) {
	for path := range strings.SplitSeq(paths, "|;") {
		v := j.doc.Get(path)
		more, whole := whole(v)
		if v.Type != gjson.Number || !whole {
			return 0, false
		}
		n += more
	}
	return n, true
}

// byStatus is what an answer means that no rule describes.
func (j *judge) byStatus(resp *rest.Response) []destination.Outcome {
	o := destination.Outcome{Code: strconv.Itoa(resp.Status), Message: j.vendorMessage(resp), After: resp.After}
	switch status := resp.Status; {
	case resp.OK() && len(resp.Body) == 0:
		o.State, o.Code = destination.InDoubt, codeEmpty
		o.Message = fmt.Sprintf("%s answered %d with nothing, which no rule declares", resp.Host, status)
	case resp.OK():
		o.State, o.Code = destination.InDoubt, codeUndeclared
		o.Message = fmt.Sprintf("%s answered %d with JSON that no rule describes", resp.Host, status)
	case status < 400:
		o.State, o.Code, o.Message = destination.Stop, rest.CodeRedirect, resp.Fault("").Msg
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		o.State = destination.Auth
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status == http.StatusTooEarly || status == http.StatusLocked:
		o.State = destination.Retry
	case pointless(status):
		o.State = destination.Stop
	case status >= 500:
		o.State = destination.Retry
	default:
		o.State = destination.Bisect
	}
	out := j.all(o)
	j.hide(out)
	return out
}

// pointless lists the statuses that say the same to every request: the
// address, the method or the account is wrong, not a record.
func pointless(status int) bool {
	switch status {
	case http.StatusPaymentRequired, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusProxyAuthRequired, http.StatusGone, http.StatusUnsupportedMediaType, http.StatusUpgradeRequired, http.StatusNotImplemented:
		return true
	}
	return false
}

// settle makes outcomes fit what the operation allows: what must not be sent
// twice is neither sent again nor cut in halves once it may have been taken,
// and a single record cannot be cut.
func (j *judge) settle(out []destination.Outcome, resp *rest.Response) []destination.Outcome {
	for i := range out {
		o := &out[i]
		switch o.State {
		case destination.Bisect:
			j.undivided(o, resp)
		case destination.Retry:
			o.Maybe = o.Maybe || failed(resp)
			if o.Maybe && !j.s.op.safe() {
				o.State, o.Maybe = destination.InDoubt, false
			}
		default:
		}
	}
	return out
}

// undivided settles the outcome of a record whose batch would have to be cut
// in halves. An answer of success, or of a server's failure, does not say that
// nothing was written, nor does a refusal of some that does not add up; that
// the operation is atomic counts where the answer adds up.
func (j *judge) undivided(o *destination.Outcome, resp *rest.Response) {
	op, unclear := j.s.op, o.Maybe
	o.Maybe = unclear || !refused(resp.Status)
	switch {
	case !op.safe() && o.Maybe: // atomic counts for what was refused only
		o.State, o.Maybe = destination.InDoubt, false
	case !op.safe() && !op.atomic:
		o.State = destination.Rejected
	case len(j.at) == 1:
		o.State, o.Transient = destination.Rejected, garbled(o.Code) // the answer was bad, not the record
	}
	if op.atomic && !unclear {
		o.Maybe = false
	}
}

// garbled reports whether a code stands for an answer that does not add up,
// as opposed to one that refuses something.
func garbled(code string) bool {
	return code == codeCount || code == codeOKCount || code == codeUnclaimed || code == codeNoResult
}

// failed reports whether an answer is a server's failure, which says nothing
// about what was done before it. One that asks to come back was not begun.
func failed(resp *rest.Response) bool {
	return resp.Status == http.StatusRequestTimeout || resp.Status >= 500 && resp.After == 0
}

// refused reports whether a status says that the request was not taken.
func refused(status int) bool { return status >= 400 && status < 500 }

// vendorMessage looks for the reason where services usually put it.
func (j *judge) vendorMessage(resp *rest.Response) string {
	for _, path := range []string{"message", "error.message", "errors.0.message", "error_description", "detail", "title", "error", "errors.0"} {
		if text := plain(j.doc.Get(path)); text != "" {
			return text
		}
	}
	return fmt.Sprintf("%s answered %d %s", resp.Host, resp.Status, http.StatusText(resp.Status))
}

func orStatus(code string, status int) string {
	if code == "" {
		return strconv.Itoa(status)
	}
	return code
}

// requestName is the idempotency key of a whole request: the same records
// give the same name.
func requestName(scope string, o *op, body []byte) string {
	h := sha256.New()
	_, _ = h.Write([]byte(scope + o.name + "\x00")) // a hash never fails
	_, _ = h.Write(body)
	text := hex.EncodeToString(h.Sum(nil))
	if o.idem.max > 0 && o.idem.max < len(text) {
		return text[:o.idem.max]
	}
	return text
}
