package fetch_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// A shard may wait for the budget for hours, if the loop that reads is slow. Iterators
// live for 5 minutes.
func TestShardWaitsLongForTheBudget(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		wait      time.Duration
		iterators string
	}{
		"renews an iterator that got too old":     {6 * time.Minute, "TRIM_HORIZON TRIM_HORIZON AFTER_SEQUENCE_NUMBER:1"},
		"does not renew one that is still of use": {3 * time.Minute, "TRIM_HORIZON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newShard(&script{hang: -1, records: func(call int, _ string) (*kinesis.GetRecordsOutput, error) {
					return answer(1000, []string{"1", "2"}[call]), nil
				}})
				for _, want := range []string{"1", "2"} {
					if err := s.budget.Take(t.Context(), 64<<20); err != nil {
						t.Fatal(err)
					}
					time.AfterFunc(tt.wait, func() { s.budget.Give(64 << 20) })
					s.wants(t, want)
				}
				s.wantsAsked(t, tt.iterators)
				if len(s.failures) != 0 || len(s.client.read) != 2 {
					t.Errorf("%d calls, of which %v failed, want 2 and none", len(s.client.read), s.failures)
				}
			})
		})
	}

	t.Run("gives back what it took if the renewal fails", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newShard(&script{
				hang:     -1,
				records:  func(int, string) (*kinesis.GetRecordsOutput, error) { return answer(0, "1"), nil },
				iterator: func(call int) error { return []error{nil, errInternal, nil}[call] },
			})
			if err := s.budget.Take(t.Context(), 64<<20); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(time.Hour, func() { s.budget.Give(64 << 20) })
			s.wants(t, "1") // and gives it back
			if got := s.budget.Used(); got != 0 || len(s.failures) != 1 {
				t.Errorf("budget used = %d after %d failures, want 0 after 1", got, len(s.failures))
			}
		})
	})
}

func TestListWithTokensOfAnotherServer(t *testing.T) {
	t.Parallel()
	errToken := &types.InvalidArgumentException{Message: new("NextToken is invalid")}

	t.Run("begins again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ids, failures, err := list(t, func(call int, in *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
				switch call {
				case 0:
					return page(new("1"), "a"), nil
				case 1:
					return nil, errToken
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

	t.Run("fails if that is of no use, or if no token was sent", func(t *testing.T) {
		t.Parallel()
		for _, want := range []int{0, 1} {
			synctest.Test(t, func(t *testing.T) {
				_, failures, err := list(t, func(_ int, in *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
					if in.NextToken == nil && want > 0 {
						return page(new("1"), "a"), nil
					}
					return nil, errToken
				})
				if !errors.Is(err, errToken) || failures != want {
					t.Errorf("error = %v after %d failures, want %v after %d", err, failures, errToken, want)
				}
			})
		}
	})
}
