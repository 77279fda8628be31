package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/internal/retry"
)

// TableConfig has the settings of a table that [Store.CreateTable] makes. The zero value is a
// table that is billed on demand. What is not here (a key of one's own for encryption, backups,
// replicas, auto scaling) belongs to the tool that makes the rest of the infrastructure: let it
// make the table, with the partition key part and the sort key row, both strings.
type TableConfig struct {
	// ReadUnits and WriteUnits are the provisioned units of capacity per second, both above 0.
	// If both are 0, as by default, the table is billed on demand, which costs less unless the
	// group is large and steady.
	ReadUnits, WriteUnits int64

	// Tags are put on the table. Setting any needs the permission dynamodb:TagResource.
	Tags map[string]string

	// DeletionProtection makes DynamoDB refuse to delete the table until it is taken away.
	DeletionProtection bool
}

const wantedSchema = "it needs the partition key part and the sort key row, both strings (S)"

// How long it takes between two looks at a table that is not ready.
var tableWait = retry.Backoff{Base: 100 * time.Millisecond, Max: 2 * time.Second}

// CreateTable makes the table unless it is there, and returns when it is ready. A table that is
// there is not changed, whatever its settings are; another key is an error. Any number of
// processes may call it at the same time, and each time when they start: once the table is
// there, that is one DescribeTable, and no other permission is needed. It waits for a table
// that is being deleted, and then makes it again. Bound it with the context: a table takes
// about ten seconds.
func (s *Store) CreateTable(ctx context.Context, config TableConfig) error {
	if (config.ReadUnits > 0) != (config.WriteUnits > 0) || config.ReadUnits < 0 || config.WriteUnits < 0 {
		return fmt.Errorf("dynamostore: TableConfig.ReadUnits (%d) and WriteUnits (%d) must both be above 0, or both be 0 for billing on demand",
			config.ReadUnits, config.WriteUnits)
	}
	return s.fail("create", "", s.createTable(ctx, config))
}

func (s *Store) createTable(ctx context.Context, config TableConfig) error {
	in := s.tableInput(config)
	for looks := 1; ; looks++ {
		table, err := s.describe(ctx)
		switch _, missing := errors.AsType[*types.ResourceNotFoundException](err); {
		case missing:
			err = s.create(ctx, in)
		case err == nil:
			var ready bool
			if ready, err = isReady(table); ready {
				return nil
			}
		}
		if err != nil {
			return err
		}
		timer := time.NewTimer(tableWait.Delay(looks))
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("wait until it is ready: %w", context.Cause(ctx))
		case <-timer.C:
		}
	}
}

// isReady says whether a table can be used, which one that is being made or deleted can't yet.
func isReady(table *types.TableDescription) (bool, error) {
	if table.TableStatus == types.TableStatusDeleting {
		return false, nil // what comes after it may have another key
	}
	if err := checkSchema(table); err != nil {
		return false, err
	}
	switch table.TableStatus {
	case types.TableStatusActive, types.TableStatusUpdating:
		return true, nil
	case types.TableStatusCreating:
		return false, nil
	default:
		return false, fmt.Errorf("the table is there, but %s", table.TableStatus)
	}
}

func (s *Store) describe(ctx context.Context) (*types.TableDescription, error) {
	out, err := call(ctx, pageTimeout*s.config.CallTimeout, func(ctx context.Context) (*dynamodb.DescribeTableOutput, error) {
		return s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.config.Table}, s.config.Options...)
	})
	if err != nil {
		return nil, err
	}
	return out.Table, nil
}

// create asks for the table. That somebody else did is as good.
func (s *Store) create(ctx context.Context, in *dynamodb.CreateTableInput) error {
	_, err := call(ctx, pageTimeout*s.config.CallTimeout, func(ctx context.Context) (*dynamodb.CreateTableOutput, error) {
		return s.client.CreateTable(ctx, in, s.config.Options...)
	})
	if _, there := errors.AsType[*types.ResourceInUseException](err); there {
		return nil
	}
	return err
}

func (s *Store) tableInput(config TableConfig) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName: &s.config.Table,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: new(attrPart), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: new(attrRow), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: new(attrPart), KeyType: types.KeyTypeHash},
			{AttributeName: new(attrRow), KeyType: types.KeyTypeRange},
		},
		BillingMode: types.BillingModePayPerRequest,
	}
	if config.ReadUnits > 0 {
		in.BillingMode = types.BillingModeProvisioned
		in.ProvisionedThroughput = &types.ProvisionedThroughput{
			ReadCapacityUnits: new(config.ReadUnits), WriteCapacityUnits: new(config.WriteUnits),
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: new(name), Value: new(config.Tags[name])})
	}
	if config.DeletionProtection {
		in.DeletionProtectionEnabled = new(true)
	}
	return in
}

// checkSchema compares the key of a table with the one that rows have.
func checkSchema(table *types.TableDescription) error {
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range table.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	var has []string
	for _, k := range table.KeySchema {
		name := aws.ToString(k.AttributeName)
		has = append(has, fmt.Sprintf("%s %s (%s)", k.KeyType, name, kinds[name]))
	}
	if want := []string{"HASH part (S)", "RANGE row (S)"}; !slices.Equal(has, want) {
		return fmt.Errorf("the table is another one, with the key %s: %s", strings.Join(has, ", "), wantedSchema)
	}
	return nil
}
