package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Client is the part of a DynamoDB client that a [Store] calls: [*dynamodb.Client] has it.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
}

// Config has the settings of a [Store]. Only Table is required.
type Config struct {
	// Table is the name of the table, or its ARN if it belongs to another account. Groups of any
	// number share it. Required.
	Table string

	// Parallel is how many rows of one [Store.Update] or [Store.Delete] are written at the same
	// time. A low value makes a hand-over of many leases slow; one above the number of idle
	// connections that the HTTP client keeps (10 in that of the SDK) makes it open new ones.
	// Defaults to 10.
	Parallel int

	// CallTimeout bounds one attempt of a call for one row or for a poll; a page of leases may
	// take ten times as long. It is what saves a heartbeat from a connection on which
	// nothing arrives any more: the next attempt uses another one. A value below the usual
	// time of an answer makes every call fail. Defaults to 1 second.
	CallTimeout time.Duration

	// Options are applied to each call, such as for an endpoint or for retries.
	Options []func(*dynamodb.Options)
}

const (
	defaultParallel    = 10
	defaultCallTimeout = time.Second
)

// Store keeps groups in a DynamoDB table. It implements [github.com/kinstream/kin/lease.Store],
// holds nothing in memory, and is safe for concurrent use.
type Store struct {
	client Client
	config Config
}

// New returns a store in the table that the configuration names. It makes no call: see
// [Store.CreateTable] for a table that may not be there yet.
func New(client Client, config Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("dynamostore: the client is nil")
	}
	switch {
	case config.Table == "":
		return nil, errors.New("dynamostore: Config.Table is empty: it must name a table")
	case config.Parallel < 0:
		return nil, fmt.Errorf("dynamostore: Config.Parallel is %d: it must be above 0, or 0 for the default", config.Parallel)
	case config.CallTimeout < 0:
		return nil, fmt.Errorf("dynamostore: Config.CallTimeout is %v: it must be above 0, or 0 for the default", config.CallTimeout)
	}
	if config.Parallel == 0 {
		config.Parallel = defaultParallel
	}
	if config.CallTimeout == 0 {
		config.CallTimeout = defaultCallTimeout
	}
	config.Options = append(slices.Clone(config.Options), noteRefusals)
	return &Store{client: client, config: config}, nil
}
