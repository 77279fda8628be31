package kin_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/aggregate"
)

// A page holds up to 10,000 records, and a loop body may take its time.
func TestReaderStopsWithinAPage(t *testing.T) {
	t.Parallel()

	var packed aggregate.Builder
	for i := range 3 {
		packed.Add(aggregate.UserRecord{PartitionKey: "key", Data: fmt.Append(nil, "packed ", i)})
	}
	all := []string{"a", "packed 0", "packed 1", "packed 2", "b", "child"}
	for n := 1; n <= len(all); n++ {
		t.Run(fmt.Sprintf("when the context ends in loop body %d", n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStream(1)
				f.put(0, "a", string(packed.Pack(nil).Data), "b")
				f.split(0)
				f.put(1, "child")
				r := newReader(t, f, toTip)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var got []string
				for rec, err := range r.Records(ctx) {
					if err != nil {
						if !errors.Is(err, context.Canceled) {
							t.Error(err)
						}
						break
					}
					if got = append(got, string(rec.Data)); len(got) == n {
						cancel()
					}
				}
				if !slices.Equal(got, all[:n]) {
					t.Errorf("read %q, want %q and then the end", got, all[:n])
				}
				resumed := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.Positions = r.Positions() })
				if rest := read(t, resumed, -1); !slices.Equal(rest, all[n:]) {
					t.Errorf("resumed with %q, want %q", rest, all[n:])
				}
			})
		})
	}
}
