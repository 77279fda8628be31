package operator_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/discover"
	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/lease"
)

// A lease that is at a start waits for all parents that its row names. Those that have no lease
// any more would keep it waiting.
func TestPlanResetLeavesNothingWaitingForAParentWithoutALease(t *testing.T) {
	t.Parallel()
	listing := splitListing()
	for name, tt := range map[string]struct {
		rows  []lease.Lease
		ready []int // shards that may be read after the reset
	}{
		"the parent was deleted":        {[]lease.Lease{at(1, "AFTER_SEQUENCE_NUMBER:7", 0), at(2, "AFTER_SEQUENCE_NUMBER:7", 0)}, []int{1, 2}},
		"the parent is there":           {[]lease.Lease{at(0, lease.ShardEnd), at(1, "AFTER_SEQUENCE_NUMBER:7", 0), at(2, lease.TrimHorizon, 0)}, []int{0}},
		"a child was created after all": {[]lease.Lease{at(1, "AFTER_SEQUENCE_NUMBER:7", 0)}, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, l := snapshot(tt.rows...), listing
			if !slices.ContainsFunc(tt.rows, func(l lease.Lease) bool { return l.Shard == shardID(0) }) {
				l.Shards = l.Shards[1:]
			}
			steps, err := operator.PlanReset(rows, operator.Target{Stream: orders, To: lease.TrimHorizon}, l, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			after := slices.Clone(rows.Leases)
			for _, s := range steps {
				after = slices.DeleteFunc(after, func(l lease.Lease) bool { return l.Key == s.Change.Old.Key })
				after = append(after, s.Change.New)
			}
			for i, ready := range discover.Ready(after) {
				if want := slices.ContainsFunc(tt.ready, func(n int) bool { return after[i].Shard == shardID(n) }); ready != want {
					t.Errorf("%s of %s is ready: %v, want %v", after[i].Shard, after[i].Parents, ready, want)
				}
			}
		})
	}
}
