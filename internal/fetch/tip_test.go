package fetch_test

import (
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/internal/fetch"
)

// Some servers say a lag of 0 always. A full page is not the tip even so.
func TestPageSaysWhetherItReachesTheTip(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lag     *int64
		records int
		bytes   int // of each record
		want    bool
	}{
		"no lag and few records":                {new(int64(0)), 1, 100, true},
		"no lag and as many records as allowed": {new(int64(0)), 10, 100, false},
		"no lag and a page full of bytes":       {new(int64(0)), 2, 512 << 10, false},
		"a lag":                                 {new(int64(1)), 1, 100, false},
		"nothing said and records":              {nil, 1, 100, false},
		"nothing said and none":                 {nil, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				out := answer(0, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}[:tt.records]...)
				out.MillisBehindLatest = tt.lag
				for i := range out.Records {
					out.Records[i].Data = make([]byte, tt.bytes)
				}
				s := newShard(&script{hang: -1, records: func(int, string) (*kinesis.GetRecordsOutput, error) { return out, nil }},
					func(cfg *fetch.Config) { cfg.Limit = 10 })
				if _, page := s.next(t); page.AtTip != tt.want {
					t.Errorf("AtTip = %v, want %v", page.AtTip, tt.want)
				}
			})
		})
	}
}
