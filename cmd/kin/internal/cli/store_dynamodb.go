package cli

import (
	"context"

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
	own := &app{flags: a.flags}
	own.flags.endpoint = address.query.Get("endpoint")
	if err := checkEndpoint(own.flags.endpoint); err != nil {
		return nil, err
	}
	if region := address.query.Get("region"); region != "" {
		own.flags.region = region
	}
	cfg, _, err := own.loadConfig(ctx, false)
	if err != nil {
		return nil, err
	}
	endpoint := aws.ToString(dynamodb.NewFromConfig(cfg).Options().BaseEndpoint)
	if isLoopback(endpoint) {
		if cfg, _, err = own.loadConfig(ctx, true); err != nil {
			return nil, err
		}
		cfg.Credentials = localOrDummy(ctx, cfg.Credentials)
	}
	if cfg.Region == "" {
		cfg.Region = a.arnRegion
	}
	if cfg.Region == "" && endpoint != "" {
		cfg.Region = defaultRegion
	}
	if cfg.Region == "" {
		return nil, usageErr("no region for "+address.String(), "give --region, or ?region= in --store, or set AWS_REGION")
	}
	if err := checkRegion(cfg.Region); err != nil {
		return nil, err
	}
	address.at = endpoint
	return dynamodb.NewFromConfig(cfg), own.checkCredentials(ctx, cfg)
}
