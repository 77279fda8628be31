package wire

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const fallbackID = "KinWireFallback"

// The hot operations.
const (
	opGetRecords = "GetRecords"
	opPutRecords = "PutRecords"
	opPutRecord  = "PutRecord"
)

// addFallback adds the fallback to the stack of a hot operation, unless it is
// there already. It is the last step before serialization, so that what others
// added to the first step runs once however often the call is made.
func addFallback(stack *middleware.Stack) error {
	switch stack.ID() {
	case opGetRecords, opPutRecords, opPutRecord:
	default:
		return nil
	}
	if _, there := stack.Initialize.Get(fallbackID); there {
		return nil
	}
	if err := addPayloadHash(stack); err != nil {
		return err
	}
	return stack.Initialize.Add(fallback{}, middleware.After)
}

// fallback makes a call again in JSON when its answer to CBOR allows it.
type fallback struct{}

// ID names the middleware.
func (fallback) ID() string { return fallbackID }

// HandleInitialize makes the call. Everything after it (serialization, signing,
// retries) runs from the beginning when it is made again.
func (fallback) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	out middleware.InitializeOutput, md middleware.Metadata, err error,
) {
	c := &call{operation: middleware.GetOperationName(ctx)}
	ctx = middleware.WithStackValue(ctx, callKey{}, c)
	out, md, err = next.HandleInitialize(ctx, in)
	c.release()
	if c.protocol == nil { // another protocol serves this call
		return out, md, err
	}
	if c.sent == JSON {
		c.settleJSON()
		return out, md, err
	}
	if c.protocol.codec.cfg.Format != Auto {
		return out, md, err
	}
	first := c.result
	if err == nil || ctx.Err() != nil || !runAgain(first.verdict, c.operation == opGetRecords, untouched(md, err)) {
		c.settleCBOR(first)
		return out, md, err
	}
	c.again, c.result = true, result{}
	out, md, err = next.HandleInitialize(ctx, in)
	c.release()
	c.settleAgain(first)
	return out, md, err
}

// untouched reports whether every attempt of a call was answered with a refusal
// to do it, so that nothing can have been stored.
func untouched(md middleware.Metadata, err error) bool {
	attempts, _ := retry.GetAttemptResults(md)
	for _, attempt := range attempts.Results {
		if !refusedByStatus(attempt.Err) {
			return false
		}
	}
	return refusedByStatus(err)
}

func refusedByStatus(err error) bool {
	e, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && e.HTTPStatusCode() >= 400 && e.HTTPStatusCode() < 500
}

type callKey struct{}

func callFrom(ctx context.Context) *call {
	c, _ := middleware.GetStackValue(ctx, callKey{}).(*call)
	return c
}

// call is one call of a hot operation, from the fallback down to the protocol.
// One goroutine at a time uses it.
type call struct {
	operation string
	again     bool // it is being made a second time, in JSON

	// Set by the protocol.
	protocol  *protocol
	body      *hotBody
	sent      Format
	lastTrial bool
	result    result // of the last attempt that was answered
}

// release gives the memory of the body back to the codec. What it was sent for has ended.
func (c *call) release() {
	if c.body != nil {
		c.protocol.codec.requests.put(c.body.release())
		c.body = nil
	}
}

// result is what one answer came to.
type result struct {
	answered bool
	proper   bool // decoded, or an error of the service
	verdict  verdict
	answer   answer
	err      error
}

// note takes down an answer.
func (c *call) note(a answer, err error) {
	_, modelled := errors.AsType[smithy.APIError](err)
	c.result = result{
		answered: true,
		proper:   a.decoded || modelled && a.form != formOther && a.status < 500,
		answer:   a,
		err:      err,
	}
	if isSafeForPuts(a) {
		c.protocol.endpoint.trust()
	}
	if c.sent == JSON {
		return
	}
	c.result.verdict = judge(a, c.protocol.endpoint.hasSpoken())
	if c.result.verdict == spoke {
		c.protocol.endpoint.speaks()
	}
}

// settleJSON learns from a call that was JSON from the beginning.
func (c *call) settleJSON() {
	if !c.result.answered || c.protocol.codec.cfg.Format != Auto {
		return
	}
	if until, why := c.protocol.endpoint.answeredJSON(c.result.proper, time.Now()); !until.IsZero() {
		c.report(why, until)
	}
}

// settleCBOR learns from a call that was not made again.
func (c *call) settleCBOR(r result) {
	switch r.verdict {
	case broken:
		c.broke(r.err)
	case refusal, doubtful, suspicious:
		if c.protocol.endpoint.suspicious(c.lastTrial, r.err) {
			c.report(r.err, time.Time{})
		}
	default:
	}
}

// settleAgain learns from the pair of a CBOR call, whose result is given, and the
// same call in JSON.
func (c *call) settleAgain(before result) {
	after := c.result
	if !after.answered || !after.proper {
		return
	}
	switch before.verdict {
	case refusal:
		if !refusesFormat(after.answer.code) {
			c.refuse(before.err)
		}
	case doubtful:
		if after.answer.decoded || after.answer.code != before.answer.code {
			c.refuse(before.err)
		}
	case broken:
		c.broke(before.err)
	case suspicious:
		if c.protocol.endpoint.suspicious(c.lastTrial, before.err) {
			c.report(before.err, time.Time{})
		} else if until, why := c.protocol.endpoint.answeredJSON(true, time.Now()); !until.IsZero() {
			c.report(why, until)
		}
	default:
	}
}

func (c *call) refuse(err error) {
	if c.protocol.endpoint.refuse() {
		c.report(err, time.Time{})
	}
}

func (c *call) broke(err error) {
	if until, news := c.protocol.endpoint.broke(c.lastTrial, time.Now()); news {
		c.report(err, until)
	}
}

// report tells the user that the endpoint is served with JSON from now on.
func (c *call) report(err error, until time.Time) {
	if hook := c.protocol.codec.cfg.Hooks.Fallback; hook != nil {
		hook(FallbackInfo{Endpoint: c.protocol.endpoint.name, Operation: c.operation, Err: err, Until: until})
	}
}
