package kin_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
)

// LATEST is asked for once per shard. Asked for again, it would be somewhere else.
func TestReaderAsksForLatestOnce(t *testing.T) {
	t.Parallel()
	fromTip := func(cfg *kin.ReaderConfig) { cfg.From = kin.Latest() }
	positionAtTip := func(cfg *kin.ReaderConfig) {
		cfg.Positions = map[kin.ShardID]kin.Position{shardID(0): kin.Latest()}
	}

	for name, configure := range map[string]func(*kin.ReaderConfig){"From": fromTip, "Positions": positionAtTip} {
		t.Run("if an iterator expires, from "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 1)
				put(t, s, "old")
				time.Sleep(2 * time.Second)
				time.AfterFunc(time.Hour, func() {
					s.ExpireIterators("orders")
					put(t, s, "between")
				})
				wants(t, readFor(t, newReader(t, client(s), configure), 2*time.Hour), "between")
			})
		})

		t.Run("and not for a time, which would be up to a second before, from "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 1)
				time.Sleep(2100 * time.Millisecond)
				put(t, s, "old") // in the second of the date of the listing
				time.Sleep(400 * time.Millisecond)
				time.AfterFunc(time.Minute, func() { put(t, s, "new") })
				wants(t, readFor(t, newReader(t, client(s), configure), time.Hour), "new")
			})
		})

		t.Run("if an iterator expires on a server without a clock, from "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStream(1)
				f.put(0, "old")
				time.AfterFunc(time.Hour, func() {
					f.setFault(func(op, _ string) error {
						if op != "GetRecords" {
							return nil
						}
						f.setFault(nil)
						f.put(0, "between")
						return errOld
					})
				})
				time.Sleep(time.Second)
				wants(t, readFor(t, newReader(t, f, configure), 2*time.Hour), "between")
			})
		})

		t.Run("if it is ranged over twice within a second, from "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 1)
				put(t, s, "old")
				time.Sleep(2 * time.Second)
				r := newReader(t, client(s), configure)
				wants(t, readFor(t, r, 200*time.Millisecond), "")
				put(t, s, "between")
				wants(t, readFor(t, r, time.Minute), "between")
			})
		})
	}
}

// A child at LATEST begins at the time at which reading began, however long its parent
// takes.
func TestReaderAtLatestOfAChildThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, 1)
		put(t, s, "parent")
		must(t, 0, s.Reshard("orders", 2))
		put(t, s, "old")
		time.Sleep(2 * time.Second)
		r := newReader(t, client(s), func(cfg *kin.ReaderConfig) {
			cfg.Positions = map[kin.ShardID]kin.Position{
				shardID(0): kin.TrimHorizon(), shardID(1): kin.Latest(), shardID(2): kin.Latest(),
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var got []string
		for rec, err := range r.Records(ctx) {
			if err != nil {
				break
			}
			if got = append(got, string(rec.Data)); len(got) == 1 {
				time.Sleep(time.Minute)
				put(t, s, "between")
			}
		}
		wants(t, got, "parent between")
	})
}
