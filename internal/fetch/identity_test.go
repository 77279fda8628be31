package fetch_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/internal/fetch"
)

// The clock of this machine may jump, and credentials expire, while a shard is read.
func TestRefusedIdentity(t *testing.T) {
	t.Parallel()

	for code, curable := range map[string]bool{
		"InvalidSignatureException": true, "RequestTimeTooSkewed": true, "ExpiredTokenException": true,
		"AccessDeniedException": false, "UnrecognizedClientException": false,
	} {
		refusal := &smithy.GenericAPIError{Code: code, Message: "no"}
		for _, refusals := range []int{1, 2} {
			name := map[int]string{1: code + " once", 2: code + " twice"}[refusals]
			wantErr := !curable || refusals > 1
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newShard(&script{hang: -1, records: func(call int, _ string) (*kinesis.GetRecordsOutput, error) {
						if call < refusals {
							return nil, refusal
						}
						return answer(0, "1"), nil
					}})
					got, err := s.Next(t.Context())
					if e, ok := errors.AsType[*fetch.Error](err); ok != wantErr || ok && e.Class != fetch.Terminal {
						t.Errorf("Next = %v, %v, want an error: %v", got, err, wantErr)
					}
					_, _, err = list(t, func(call int, _ *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
						if call < refusals {
							return nil, refusal
						}
						return page(nil, "a"), nil
					}, func(c *fetch.ListConfig) { c.First, c.GiveUpAfter = true, 30*time.Second })
					if (err != nil) != wantErr {
						t.Errorf("List ends with %v, want an error: %v", err, wantErr)
					}
				})
			})
		}
	}
}
