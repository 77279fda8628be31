package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/lease"
)

// openDynamoDB makes a store in a table of DynamoDB.
func (a *app) openDynamoDB(ctx context.Context, address *storeAddress, create bool) (lease.Store, error) {
	client, err := a.dynamoDB(ctx, address)
	if err != nil {
		return nil, err
	}
	store, err := dynamostore.New(client, dynamostore.Config{Table: address.place})
	if err != nil {
		return nil, usageErr("--store: "+oneLine(err.Error()), storeHint)
	}
	if create {
		return store, store.CreateTable(ctx, dynamostore.TableConfig{})
	}
	return store, nil
}

// dynamoDB makes the client. It is configured as that of Kinesis is, but for --endpoint, which
// is that of the streams.
func (a *app) dynamoDB(ctx context.Context, address *storeAddress) (*dynamodb.Client, error) {
	own := &app{flags: a.flags, arnRegion: a.arnRegion}
	own.flags.endpoint = address.query.Get("endpoint")
	own.flags.region = cmp.Or(address.query.Get("region"), own.flags.region)
	cfg, err := own.configFor(ctx, func(cfg aws.Config) *string { return dynamodb.NewFromConfig(cfg).Options().BaseEndpoint })
	if errors.Is(err, errNoRegion) {
		return nil, usageErr("no region for "+address.String(), "give --region, or ?region= in --store, or set AWS_REGION")
	}
	if err != nil {
		return nil, err
	}
	address.at = own.target.endpoint
	return dynamodb.NewFromConfig(cfg), nil
}
