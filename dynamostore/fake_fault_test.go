package dynamostore_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// fault is what goes wrong with a call.
type fault int

const (
	none       fault = iota
	throttled        // refused for being busy; nothing is done
	broken           // the server fails inside, after it has done the call
	lost             // done, and the answer does not arrive
	twice            // done, and done again by the SDK, since the first answer did not arrive
	hangs            // nothing is done or answered, until the context ends
	unreached        // no connection
	denied           // not allowed
	conflict         // refused because of a transaction
	replicated       // refused because of a write in another region
)

// runFault runs a call, with what goes wrong.
func runFault[T any](ctx context.Context, what fault, serve func() (T, error)) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, &smithy.CanceledError{Err: err}
	}
	switch what {
	case none:
	case throttled:
		return zero, answer(400, &types.ProvisionedThroughputExceededException{Message: new("too much")})
	case broken:
		if _, err := serve(); err != nil {
			return zero, err
		}
		return zero, answer(500, &types.InternalServerError{Message: new("inside")})
	case lost:
		if _, err := serve(); err != nil {
			return zero, err
		}
		return zero, errors.New("connection reset by peer")
	case twice:
		if _, err := serve(); err != nil {
			return zero, err
		}
	case hangs:
		<-ctx.Done()
		return zero, &smithy.CanceledError{Err: ctx.Err()}
	case unreached:
		return zero, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case conflict:
		return zero, answer(400, &types.TransactionConflictException{Message: new("transaction")})
	case replicated:
		return zero, answer(400, &types.ReplicatedWriteConflictException{Message: new("region")})
	case denied:
		return zero, apiError("AccessDeniedException", "not authorized")
	}
	return serve()
}

func apiError(code, message string) error {
	return answer(400, &smithy.GenericAPIError{Code: code, Message: message})
}

// answer is an error as the SDK makes it of an answer.
func answer(status int, err error) error {
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err}
}

func operationError(op string, err error) error {
	return &smithy.OperationError{ServiceID: dynamodb.ServiceID, OperationName: op, Err: err}
}

// tableState is what DescribeTable says.
type tableState struct {
	status  types.TableStatus // empty: there is no table
	hash    string            // "part" if empty
	oneKey  bool              // no sort key
	numbers bool              // the sort key is a number
	err     error
}

func (s tableState) description() *types.TableDescription {
	if s.hash == "" {
		s.hash = "part"
	}
	d := &types.TableDescription{
		TableStatus:          s.status,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: &s.hash, AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: &s.hash, KeyType: types.KeyTypeHash}},
	}
	if s.oneKey {
		return d
	}
	kind := types.ScalarAttributeTypeS
	if s.numbers {
		kind = types.ScalarAttributeTypeN
	}
	d.AttributeDefinitions = append(d.AttributeDefinitions, types.AttributeDefinition{AttributeName: new("row"), AttributeType: kind})
	d.KeySchema = append(d.KeySchema, types.KeySchemaElement{AttributeName: new("row"), KeyType: types.KeyTypeRange})
	return d
}

func (f *fake) DescribeTable(ctx context.Context, _ *dynamodb.DescribeTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	return do(ctx, f, "DescribeTable", rowKey{}, func() (*dynamodb.DescribeTableOutput, error) {
		f.looks++
		state := tableState{status: types.TableStatusActive}
		if f.describes != nil {
			state = f.describes(f.looks)
		}
		switch {
		case state.err != nil:
			return nil, state.err
		case state.status == "":
			return nil, answer(400, &types.ResourceNotFoundException{Message: new("Requested resource not found")})
		default:
			return &dynamodb.DescribeTableOutput{Table: state.description()}, nil
		}
	})
}

func (f *fake) CreateTable(ctx context.Context, in *dynamodb.CreateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error) {
	return do(ctx, f, "CreateTable", rowKey{}, func() (*dynamodb.CreateTableOutput, error) {
		f.create = append(f.create, in)
		if len(f.create) > 1 {
			return nil, answer(400, &types.ResourceInUseException{Message: new("Table already exists")})
		}
		return &dynamodb.CreateTableOutput{}, nil
	})
}
