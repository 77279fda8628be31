package dynamostore_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/dynamostore"
)

// refusing is a server that refuses everything for one reason.
type refusing string

func (r refusing) Do(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusBadRequest, Request: req, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(`{"__type":"com.amazonaws.dynamodb.v20120810#` + string(r) + `","message":"no"}`)),
	}, nil
}

// TestRefusalsOfARealClient has the SDK wait for longer than a call
// may take: the error must tell why.
func TestRefusalsOfARealClient(t *testing.T) {
	t.Parallel()
	for name, retryer := range map[string]func() aws.Retryer{
		"as it is":            nil,
		"that waits for long": func() aws.Retryer { return slow{retry.NewStandard()} },
	} {
		t.Run("a client "+name+" tells of throttling", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				options := dynamodb.Options{
					Region: "eu-west-1", HTTPClient: refusing("ProvisionedThroughputExceededException"),
					Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
						return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
					}),
				}
				if retryer != nil {
					options.Retryer = retryer()
				}
				store, err := dynamostore.New(dynamodb.New(options), dynamostore.Config{Table: "kin"})
				if err != nil {
					t.Fatal(err)
				}
				for _, limit := range []time.Duration{2500 * time.Millisecond, time.Minute} {
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					_, err = store.Poll(ctx, "g")
					cancel()
					if _, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err); !ok {
						t.Errorf("within %v: error = %v, want the refusal in its chain", limit, err)
					}
					if e, ok := errors.AsType[*dynamostore.Error](err); !ok || !strings.Contains(e.Hint, "capacity") {
						t.Errorf("within %v: error = %v, want a hint at the capacity", limit, err)
					}
				}
			})
		})
	}
}

// busy is a server that refuses so many calls before it answers one.
type busy struct {
	refusing

	left *atomic.Int32
}

func (b busy) Do(req *http.Request) (*http.Response, error) {
	if b.left.Add(-1) >= 0 {
		return b.refusing.Do(req)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Request: req, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(`{"Items":[]}`)),
	}, nil
}

// TestShortWaits has a server refuse what a worker can't live without for a second, through a
// client that would wait for longer.
func TestShortWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left := new(atomic.Int32)
		left.Store(7)
		store, err := dynamostore.New(dynamodb.New(dynamodb.Options{
			Region: "eu-west-1", HTTPClient: busy{"ProvisionedThroughputExceededException", left}, Retryer: slow{retry.NewStandard()},
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
			}),
			DisableValidateResponseChecksum: true,
		}), dynamostore.Config{Table: "kin"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := store.Poll(ctx, "g"); err != nil {
			t.Errorf("Poll that is refused seven times: %v, want an answer within a second", err)
		}
	})
}

// slow is a retryer that waits for a minute.
type slow struct{ aws.RetryerV2 }

func (slow) RetryDelay(int, error) (time.Duration, error) { return time.Minute, nil }

// TestConflictsPass has others in the way of writes for a while, who use transactions, or write in
// other regions.
func TestConflictsPass(t *testing.T) {
	t.Parallel()
	for _, what := range []fault{conflict, replicated} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			store, rows := seed(t, f, 1)
			f.forget()
			f.fault = onLease("00", what, what)
			for _, r := range update(t, store, handOvers(rows)...) {
				if !r.Made {
					t.Errorf("change after conflict %d: %+v, want it made", what, r)
				}
			}
		})
	}
}
