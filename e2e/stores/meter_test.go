package stores_test

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// usage is what calls cost: how many they were, and the units of capacity that the server says
// they took.
type usage struct {
	Requests, Read, Write float64
}

func (u usage) plus(other usage) usage {
	return usage{u.Requests + other.Requests, u.Read + other.Read, u.Write + other.Write}
}

func (u usage) times(n float64) usage { return usage{u.Requests * n, u.Read * n, u.Write * n} }

// meter is a client that asks what each call took.
type meter struct {
	*dynamodb.Client

	mu   sync.Mutex // guards used
	used usage
}

// take returns what was used since the last take.
func (m *meter) take() usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := m.used
	m.used = usage{}
	return used
}

func (m *meter) note(read, write *types.ConsumedCapacity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used.Requests++
	if read != nil {
		m.used.Read += *read.CapacityUnits
	}
	if write != nil {
		m.used.Write += *write.CapacityUnits
	}
}

func (m *meter) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.GetItem(ctx, in, o...)
	if err == nil {
		m.note(out.ConsumedCapacity, nil)
	}
	return out, err
}

func (m *meter) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.Query(ctx, in, o...)
	if err == nil {
		m.note(out.ConsumedCapacity, nil)
	}
	return out, err
}

func (m *meter) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.UpdateItem(ctx, in, o...)
	if err == nil {
		m.note(nil, out.ConsumedCapacity)
	}
	return out, err
}

func (m *meter) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, o ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.DeleteItem(ctx, in, o...)
	if err == nil {
		m.note(nil, out.ConsumedCapacity)
	}
	return out, err
}
