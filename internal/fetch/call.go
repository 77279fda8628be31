package fetch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/internal/retry"
)

// Stream names a stream in a call: by its name or by its ARN.
type Stream struct {
	Name, ARN *string
}

// NewStream returns the Stream that a name or an ARN names.
func NewStream(nameOrARN string) Stream {
	if strings.HasPrefix(nameOrARN, "arn:") {
		return Stream{ARN: &nameOrARN}
	}
	return Stream{Name: &nameOrARN}
}

// Caller is how calls are made.
type Caller struct {
	Options []func(*kinesis.Options)
	Timeout time.Duration // of one call

	// Slots, if not nil, holds a token for each call that is under way. While it is full, a call waits for up to
	// slotPatience and then begins nevertheless: that flattens the moment in which a thousand shards
	// begin, each with a connection of its own, and lets calls that hang hold up nobody for long.
	Slots chan struct{}
}

const slotPatience = time.Second

// enter waits for a slot, and returns what to do when the call has ended.
func (c Caller) enter(ctx context.Context) (leave func()) {
	leave = func() { <-c.Slots }
	select {
	case c.Slots <- struct{}{}:
		return leave
	default:
	}
	timer := time.NewTimer(slotPatience)
	defer timer.Stop()
	select {
	case c.Slots <- struct{}{}:
		return leave
	case <-timer.C:
	case <-ctx.Done(): // the call finds that out by itself
	}
	return func() {}
}

// Once is a call option that makes the SDK try once only.
func Once(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} }

// Call makes one call with a time limit. The error is a *callError.
func Call[In, Out any](
	ctx context.Context, c Caller, op string,
	method func(context.Context, *In, ...func(*kinesis.Options)) (*Out, error), in *In,
) (*Out, error) {
	if c.Slots != nil {
		defer c.enter(ctx)()
	}
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	out, err := method(limited, in, c.Options...)
	switch {
	case err == nil && out == nil:
		return nil, garbled(op, "there is no answer")
	case err == nil:
		return out, nil
	case limited.Err() != nil && ctx.Err() == nil:
		err = fmt.Errorf("no answer within %v: %w", c.Timeout, err)
		return nil, &callError{op: op, class: Transient, err: err}
	}
	return nil, &callError{op: op, class: Classify(err), err: err}
}

// callError is a failed call.
type callError struct {
	op    string
	class Class
	err   error
}

func (e *callError) Error() string { return e.op + ": " + e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

// garbled is the error of an answer that makes no sense.
func garbled(op, what string) error {
	return &callError{op: op, class: Transient, err: fmt.Errorf("unusable answer: %s", what)}
}

// Failure is a failed call.
type Failure struct {
	Op      string // the operation
	Err     error
	Class   Class
	Attempt int           // in a row, counted from 1
	Wait    time.Duration // until the next attempt
}

// describe returns what is known of an error of Call.
func describe(err error) Failure {
	if call, ok := errors.AsType[*callError](err); ok {
		return Failure{Op: call.op, Class: call.class, Err: call.err}
	}
	return Failure{Err: err}
}

// Error is a failure that another attempt can't cure, or that lasted too long.
type Error struct {
	Op       string
	Class    Class
	Attempts int
	After    time.Duration // how long calls had failed in a row; 0 if that is not the reason
	Err      error
}

// Error says what failed.
func (e *Error) Error() string {
	if e.After > 0 {
		return fmt.Sprintf("%s: %s: %v", e.Op, e.GaveUp(), e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Op, e.Err)
}

// GaveUp says how long it was tried.
func (e *Error) GaveUp() string {
	return fmt.Sprintf("gave up after %d attempts in %v", e.Attempts, e.After.Round(time.Millisecond))
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Backoff is the wait after calls that failed for another reason than the rate: short,
// because most such failures are single ones, and bounded so that a shard
// is read again within seconds after a long failure.
func Backoff() retry.Backoff {
	return retry.Backoff{Base: 100 * time.Millisecond, Max: 10 * time.Second}
}
