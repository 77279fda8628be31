package kin_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
)

// The end of a shard may tell less about its children than a listing does.
func TestReaderOfChildrenToldInPart(t *testing.T) {
	t.Parallel()

	t.Run("waits for a parent that was not named", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.tellChildren = func(id string, children []types.ChildShard) {
				for i := range children {
					children[i].ParentShards = []string{id}
				}
			}
			f.put(0, "root")
			time.AfterFunc(10*time.Second, func() {
				f.split(0)
				f.merge(1, 2)
				f.put(1, "low")
				f.put(2, "h1", "h2", "h3")
				f.put(3, "child")
			})
			got := readFor(t, newReader(t, f, func(cfg *kin.ReaderConfig) { cfg.MaxRecords = 1 }), time.Hour)
			if len(got) != 6 || got[0] != "root" || got[5] != "child" {
				t.Errorf("read %v, want root first and child last of 6", got)
			}
		})
	})

	t.Run("ends at the tip although the keys of a child were not told", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.tellChildren = func(_ string, children []types.ChildShard) {
				for i := range children {
					children[i].HashKeyRange = nil
				}
			}
			began := time.Now()
			f.hide = func(id string) bool { return id != string(shardID(0)) && time.Since(began) < 5*time.Second }
			f.put(0, "parent")
			f.split(0)
			f.put(1, "child")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var got []string
			for rec, err := range newReader(t, f, toTip).Records(ctx) {
				must(t, 0, err)
				got = append(got, string(rec.Data))
			}
			wants(t, got, "parent child")
		})
	})
}
