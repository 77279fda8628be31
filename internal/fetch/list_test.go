package fetch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
)

type lister func(call int, in *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error)

type listClient struct {
	answer lister
	calls  int
}

func (c *listClient) ListShards(_ context.Context, in *kinesis.ListShardsInput, _ ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	c.calls++
	return c.answer(c.calls-1, in)
}

func page(next *string, ids ...string) *kinesis.ListShardsOutput {
	out := &kinesis.ListShardsOutput{NextToken: next}
	for _, id := range ids {
		out.Shards = append(out.Shards, types.Shard{ShardId: &id})
	}
	return out
}

// list runs List in a bubble and returns the IDs that it found.
func list(t *testing.T, answer lister, configure ...func(*fetch.ListConfig)) (ids []string, failures int, err error) {
	t.Helper()
	cfg := fetch.ListConfig{
		Client: &listClient{answer: answer}, Caller: fetch.Caller{Timeout: time.Second}, Stream: fetch.NewStream("orders"),
		Backoff: fetch.Backoff(), OnFailed: func(fetch.Failure) { failures++ },
	}
	for _, c := range configure {
		c(&cfg)
	}
	listing, err := fetch.List(t.Context(), cfg)
	for _, s := range listing.Shards {
		ids = append(ids, *s.ShardId)
	}
	return ids, failures, err
}

func TestList(t *testing.T) {
	t.Parallel()

	t.Run("follows all pages and names the stream in the first only", func(t *testing.T) {
		t.Parallel()
		ids, _, err := list(t, func(call int, in *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
			if first := call == 0; first != (in.StreamName != nil) || first != (in.NextToken == nil) || first != (in.ShardFilter != nil) {
				t.Errorf("call %d asks with %+v", call, in)
			}
			return []*kinesis.ListShardsOutput{page(new("1"), "a", "b"), page(new("2"), "c"), page(nil, "d")}[call], nil
		}, func(c *fetch.ListConfig) { c.Filter = &types.ShardFilter{Type: types.ShardFilterTypeAtLatest} })
		if want := []string{"a", "b", "c", "d"}; err != nil || !slices.Equal(ids, want) {
			t.Errorf("List = %v, %v, want %v", ids, err, want)
		}
	})

	t.Run("begins again when a token expires", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ids, failures, err := list(t, func(call int, in *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
				switch call {
				case 0:
					return page(new("1"), "a"), nil
				case 1:
					return nil, &types.ExpiredNextTokenException{}
				}
				if in.NextToken != nil {
					t.Errorf("call %d uses token %q, want a fresh start", call, *in.NextToken)
				}
				return page(nil, "a", "b"), nil
			})
			if want := []string{"a", "b"}; err != nil || !slices.Equal(ids, want) || failures != 1 {
				t.Errorf("List = %v, %v after %d failures, want %v after 1", ids, err, failures, want)
			}
		})
	})

	t.Run("tries again for ever if nothing is said", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ids, failures, err := list(t, func(call int, _ *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
				if call < 1000 {
					return nil, errInternal
				}
				return page(nil, "a"), nil
			})
			if err != nil || len(ids) != 1 || failures != 1000 {
				t.Errorf("List = %v, %v after %d failures, want one shard after 1000", ids, err, failures)
			}
		})
	})

	for name, tt := range map[string]struct {
		err   error
		first bool
		tries bool
	}{
		"ends at once if the stream does not exist":                       {&types.ResourceNotFoundException{}, false, false},
		"ends at once without access":                                     {errDenied, false, false},
		"ends at once if the settings are wrong":                          {errors.New("no region"), true, false},
		"goes on if the same happens later":                               {errors.New("no region"), false, true},
		"tries for a while if the service can't be reached":               {errInternal, true, true},
		"tries for a while if the answer is a token that leads to itself": {nil, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, failures, err := list(t, func(int, *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
					return page(new("loop"), "a"), tt.err
				}, func(c *fetch.ListConfig) { c.First, c.GiveUpAfter = tt.first, 30*time.Second })
				e, ok := errors.AsType[*fetch.Error](err)
				if !ok {
					t.Fatalf("List = %v, want an *Error", err)
				}
				took := time.Since(began)
				if tt.tries && (took < 30*time.Second || failures == 0 || e.After < 30*time.Second) {
					t.Errorf("gave up after %v and %d failures: %v, want 30s", took, failures, err)
				}
				if !tt.tries && (took > 0 || failures > 0) {
					t.Errorf("gave up after %v and %d failures, want at once", took, failures)
				}
			})
		})
	}
}
