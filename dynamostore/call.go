package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kinstream/kin/internal/retry"
)

// maxAttempts is how often a call is made.
const maxAttempts = 10

// waits is how long it waits in between.
var waits = retry.Backoff{Base: 50 * time.Millisecond, Max: 2 * time.Second}

// pageTimeout is how long a page of leases may take, as a multiple of Config.CallTimeout.
const pageTimeout = 10

// get reads a row. It returns nil if there is none.
func (s *Store) get(ctx context.Context, k key) (item, error) {
	in := &dynamodb.GetItemInput{TableName: &s.config.Table, Key: k.item(), ConsistentRead: new(true)}
	out, err := call(ctx, s.config.CallTimeout, func(ctx context.Context) (*dynamodb.GetItemOutput, error) {
		return s.client.GetItem(ctx, in, s.config.Options...)
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// pages says what a query reads: the rows of a part, all in all or only their keys.
type pages struct {
	part     string
	keysOnly bool
	timeout  time.Duration // for each page
}

// query calls visit with each page.
func (s *Store) query(ctx context.Context, p pages, visit func([]item) error) error {
	var e expression
	e.name(attrPart)
	e.value(attrPart, textValue(p.part))
	in := &dynamodb.QueryInput{
		TableName: &s.config.Table, ConsistentRead: new(true), KeyConditionExpression: new("#part = :part"),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
	}
	if p.keysOnly {
		e.name(attrRow)
		in.ProjectionExpression = new("#part, #row")
	}
	for {
		out, err := call(ctx, p.timeout, func(ctx context.Context) (*dynamodb.QueryOutput, error) {
			return s.client.Query(ctx, in, s.config.Options...)
		})
		if err != nil {
			return err
		}
		if err := visit(out.Items); err != nil {
			return err
		}
		// A page may be empty and have a successor.
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return nil
		}
	}
}

// write changes a row, and makes one that is not there unless a condition forbids it. If the
// condition fails, the error is a refusal. want says what is returned of the row.
func (s *Store) write(ctx context.Context, k key, u *update, want types.ReturnValue) (item, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &s.config.Table, Key: k.item(), UpdateExpression: u.text(), ConditionExpression: u.condition,
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values, ReturnValues: want,
	}
	if u.condition != nil {
		in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	out, err := call(ctx, s.config.CallTimeout, func(ctx context.Context) (*dynamodb.UpdateItemOutput, error) {
		return s.client.UpdateItem(ctx, in, s.config.Options...)
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// remove deletes a row. That there is none is no error, unless a condition says so.
func (s *Store) remove(ctx context.Context, k key, e expression) error {
	in := &dynamodb.DeleteItemInput{
		TableName: &s.config.Table, Key: k.item(), ConditionExpression: e.condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
	}
	if e.condition != nil {
		in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	_, err := call(ctx, s.config.CallTimeout, func(ctx context.Context) (*dynamodb.DeleteItemOutput, error) {
		return s.client.DeleteItem(ctx, in, s.config.Options...)
	})
	return err
}

// refused says whether err is that of a condition that failed.
func refused(err error) (*types.ConditionalCheckFailedException, bool) {
	return errors.AsType[*types.ConditionalCheckFailedException](err)
}

// rowAfter returns the row that a failed condition found, or nil if there is none. A server
// that does not say is asked.
func (s *Store) rowAfter(ctx context.Context, k key, failure *types.ConditionalCheckFailedException) (item, error) {
	if len(failure.Item) > 0 {
		return failure.Item, nil
	}
	return s.get(ctx, k)
}

// call makes a call until it is answered, and returns its last error if that can't be had.
func call[T any](ctx context.Context, timeout time.Duration, f func(context.Context) (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		out, err := within(ctx, timeout, f)
		if err == nil || attempt == maxAttempts || !again(err) {
			return out, err
		}
		timer := time.NewTimer(waits.Delay(attempt))
		select {
		case <-ctx.Done():
			timer.Stop()
			return out, fmt.Errorf("%w, after %d attempts: %w", context.Cause(ctx), attempt, err)
		case <-timer.C:
		}
	}
}

// errNoAnswer is the cause of the end of an attempt.
var errNoAnswer = errors.New("no answer in time")

func within[T any](ctx context.Context, timeout time.Duration, f func(context.Context) (T, error)) (T, error) {
	attempt, cancel := context.WithTimeoutCause(ctx, timeout, errNoAnswer)
	defer cancel()
	var refusal error
	out, err := f(context.WithValue(attempt, noteKey{}, &refusal))
	if err == nil || attempt.Err() == nil {
		return out, err
	}
	if refusal != nil { // which it was about to try again
		err = fmt.Errorf("%w; the last answer: %w", err, refusal)
	}
	if ctx.Err() == nil && errors.Is(context.Cause(attempt), errNoAnswer) {
		err = fmt.Errorf("%w (%v): %w", errNoAnswer, timeout, err)
	}
	return out, err
}

// again says whether a call that the SDK gave up is worth another attempt. The SDK has tried
// again by then where a connection failed: trying for longer would hide that there is no
// server.
func again(err error) bool {
	if errors.Is(err, errNoAnswer) {
		return true
	}
	if sdkretry.IsErrorThrottles(sdkretry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary {
		return true
	}
	// Somebody else has the row in a transaction, as tools may, or writes it in another region.
	if _, ok := errors.AsType[*types.TransactionConflictException](err); ok {
		return true
	}
	if _, ok := errors.AsType[*types.ReplicatedWriteConflictException](err); ok {
		return true
	}
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && response.Response != nil && response.HTTPStatusCode() >= 500
}
