package dynamostore

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// noteKey is the key of the context's value that keeps the last refusal: a *error.
type noteKey struct{}

// noteRefusals is an option of calls that keeps what a server answered before the SDK waited for
// the next attempt. If the time of the call ends while it waits, the SDK says no more than that.
// And it bounds the waits: the SDK begins with up to 2 seconds, in which a heartbeat has failed.
func noteRefusals(o *dynamodb.Options) {
	if o.Retryer != nil {
		o.Retryer = noting{o.Retryer}
	}
}

// noting is a retryer that keeps the error for which it is asked, and waits no longer than
// this package does between calls.
type noting struct{ aws.Retryer }

// GetRetryToken is called before the SDK waits.
func (n noting) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	if last, ok := ctx.Value(noteKey{}).(*error); ok {
		*last = err
	}
	return n.Retryer.GetRetryToken(ctx, err)
}

// RetryDelay returns how long to wait before the next attempt.
func (n noting) RetryDelay(attempt int, err error) (time.Duration, error) {
	d, failed := n.Retryer.RetryDelay(attempt, err)
	return min(d, waits.Delay(attempt)), failed
}

// GetAttemptToken makes it an aws.RetryerV2, which the adaptive mode of the SDK needs.
func (n noting) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if inner, ok := n.Retryer.(aws.RetryerV2); ok {
		return inner.GetAttemptToken(ctx)
	}
	return n.GetInitialToken(), nil
}
