package dynamostore_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type item = map[string]types.AttributeValue

type rowKey struct{ part, row string }

// fake is a table of DynamoDB in memory, as far as a store uses one. It refuses calls that the
// service would refuse.
type fake struct {
	// Set before use.
	pageRows  int                        // rows of a page; 0: as many as 1 MB holds
	log       bool                       // keep the calls
	noRow     bool                       // failed conditions come without the row, as dynalite does it
	fault     func(c fakeCall) fault     // what goes wrong with a call; nil: nothing
	fails     error                      // what all calls answer; nil: what they should
	describes func(looks int) tableState // what DescribeTable says; nil: that the table is ready

	mu     sync.Mutex // guards what follows
	rows   map[rowKey]item
	calls  []fakeCall // if log
	counts map[fakeCall]int
	read   float64 // units of capacity
	write  float64
	looks  int
	create []*dynamodb.CreateTableInput
}

// fakeCall is a call as a script of faults sees it.
type fakeCall struct {
	op  string
	key rowKey // the row, or the part of a Query
	n   int    // of this op and key, from 1
}

// newFake returns an empty table that keeps the calls.
func newFake() *fake {
	return &fake{rows: map[rowKey]item{}, counts: map[fakeCall]int{}, log: true}
}

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func keyOf(i item) rowKey { return rowKey{text(i["part"]), text(i["row"])} }

// do notes a call, and runs f as the script of faults wants it: f is what the server does.
func do[T any](ctx context.Context, f *fake, op string, key rowKey, serve func() (T, error)) (T, error) {
	f.mu.Lock()
	c := fakeCall{op: op, key: key}
	if f.log {
		f.counts[c]++
		f.calls = append(f.calls, c)
		c.n = f.counts[c]
	}
	f.mu.Unlock()
	var what fault
	if f.fault != nil {
		what = f.fault(c)
	}
	out, err := runFault(ctx, what, func() (T, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.fails != nil {
			var none T
			return none, f.fails
		}
		return serve()
	})
	if err != nil {
		err = operationError(op, err)
	}
	return out, err
}

func (f *fake) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return do(ctx, f, "GetItem", keyOf(in.Key), func() (*dynamodb.GetItemOutput, error) {
		if !aws.ToBool(in.ConsistentRead) {
			return nil, errors.New("the read is not consistent")
		}
		found := f.rows[keyOf(in.Key)]
		f.read += readUnits(itemSize(found))
		return &dynamodb.GetItemOutput{Item: maps.Clone(found)}, nil
	})
}

func (f *fake) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	part := text(in.ExpressionAttributeValues[":part"])
	return do(ctx, f, "Query", rowKey{part: part}, func() (*dynamodb.QueryOutput, error) {
		if !aws.ToBool(in.ConsistentRead) || aws.ToString(in.KeyConditionExpression) != "#part = :part" {
			return nil, fmt.Errorf("query %s: not consistent, or another condition", aws.ToString(in.KeyConditionExpression))
		}
		return f.page(part, text(in.ExclusiveStartKey["row"])), nil
	})
}

// page returns the rows of a part after one of them.
func (f *fake) page(part, after string) *dynamodb.QueryOutput {
	out := &dynamodb.QueryOutput{}
	var keys []rowKey
	for k := range f.rows {
		if k.part == part && k.row > after {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b rowKey) int { return cmp.Compare(a.row, b.row) })
	size := 0
	for _, k := range keys {
		size += itemSize(f.rows[k])
		out.Items = append(out.Items, maps.Clone(f.rows[k]))
		if size > 1<<20 || len(out.Items) == f.pageRows {
			// As at the service, it may be the last row, and the next page empty.
			out.LastEvaluatedKey = item{"part": f.rows[k]["part"], "row": f.rows[k]["row"]}
			break
		}
	}
	f.read += readUnits(size)
	return out
}

func (f *fake) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return do(ctx, f, "UpdateItem", keyOf(in.Key), func() (*dynamodb.UpdateItemOutput, error) {
		x := expressions{in.ExpressionAttributeNames, in.ExpressionAttributeValues, nil}
		old := f.rows[keyOf(in.Key)]
		ok := x.holds(in.ConditionExpression, old)
		changed := maps.Clone(old)
		if changed == nil {
			changed = maps.Clone(in.Key)
		}
		x.update(aws.ToString(in.UpdateExpression), changed)
		if err := x.check(); err != nil {
			return nil, err
		}
		if !ok {
			return nil, f.conditionFailed(old, in.ReturnValuesOnConditionCheckFailure)
		}
		f.write += writeUnits(max(itemSize(old), itemSize(changed)))
		f.rows[keyOf(in.Key)] = changed
		out := &dynamodb.UpdateItemOutput{}
		if in.ReturnValues == types.ReturnValueAllNew {
			out.Attributes = maps.Clone(changed)
		}
		return out, nil
	})
}

func (f *fake) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return do(ctx, f, "DeleteItem", keyOf(in.Key), func() (*dynamodb.DeleteItemOutput, error) {
		x := expressions{in.ExpressionAttributeNames, in.ExpressionAttributeValues, nil}
		old := f.rows[keyOf(in.Key)]
		ok := x.holds(in.ConditionExpression, old)
		if err := x.check(); err != nil {
			return nil, err
		}
		if !ok {
			return nil, f.conditionFailed(old, in.ReturnValuesOnConditionCheckFailure)
		}
		f.write += writeUnits(itemSize(old))
		delete(f.rows, keyOf(in.Key))
		return &dynamodb.DeleteItemOutput{}, nil
	})
}

func (f *fake) conditionFailed(old item, want types.ReturnValuesOnConditionCheckFailure) error {
	f.write += writeUnits(itemSize(old))
	err := &types.ConditionalCheckFailedException{Message: new("The conditional request failed")}
	if want == types.ReturnValuesOnConditionCheckFailureAllOld && !f.noRow {
		err.Item = maps.Clone(old)
	}
	return err
}

// ops returns the calls made, each as its operation and row.
func (f *fake) ops() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ops []string
	for _, c := range f.calls {
		ops = append(ops, c.op+" "+c.key.part+" "+c.key.row)
	}
	return ops
}

// forget forgets the calls made so far.
func (f *fake) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
	clear(f.counts)
}

// edit changes the rows behind the back of all stores.
func (f *fake) edit(change func(rows map[rowKey]item)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f.rows)
}

func (f *fake) row(part, row string) item {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.rows[rowKey{part, row}])
}
