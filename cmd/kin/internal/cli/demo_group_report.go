package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/kinstream/kin"
)

// What the documentation promises of groups, and how much more may be added to it before the
// account is not clean. Both are multiplied by how many times slower than wanted the machine
// was at putting, which does not depend on the group: a busy machine is no fault of it.
const (
	groupPromisedGap  = time.Second     // when workers come and leave
	groupPromisedRest = 2 * time.Second // after a crash, beside the lease TTL
	groupDemoSlack    = 5 * time.Second
)

// groupResult is the JSON form of the account of act two.
type groupResult struct {
	demoAccount

	Act        string        `json:"act"`
	Handled    int64         `json:"handled"`
	MayDouble  int64         `json:"may_be_doubled"` // what the killed worker had handled and not checkpointed
	Shards     int           `json:"shards"`
	Workers    int           `json:"workers"`
	Owners     int           `json:"changes_of_owner"`
	Stored     int           `json:"checkpoints_at_the_end"` // shards whose checkpoint is their last record
	LeaseTTL   float64       `json:"lease_ttl_seconds"`
	LongestGap float64       `json:"longest_gap_seconds"` // of a shard, but for those of the killed worker
	GapShard   kin.ShardID   `json:"longest_gap_shard,omitempty"`
	GapLimit   float64       `json:"longest_gap_limit_seconds"`
	CrashGap   float64       `json:"crash_gap_seconds"` // of the shards of the killed worker
	CrashShard kin.ShardID   `json:"crash_gap_shard,omitempty"`
	CrashLimit float64       `json:"crash_gap_limit_seconds"`
	Settled    []groupSettle `json:"settled"`
}

// limit is for how many seconds a shard may be unread if so long is promised.
func (d *groupDemo) limit(promised time.Duration) float64 {
	return (promised + groupDemoSlack).Seconds() * max(1, d.slowness)
}

func (d *groupDemo) result(ctx context.Context) (groupResult, error) {
	l := d.ledger
	l.mu.Lock()
	t := l.total()
	r := groupResult{
		demoAccount: newDemoAccount(t), Act: "group", MayDouble: l.allowed, Handled: t.read - t.doubled - t.foreign,
		Shards: len(l.shards), Workers: len(d.workers), Owners: l.changes, LeaseTTL: groupDemoTTL.Seconds(),
		LongestGap: l.steady.took.Seconds(), GapShard: l.steady.shard, GapLimit: d.limit(groupPromisedGap),
		CrashGap: l.crash.took.Seconds(), CrashShard: l.crash.shard, CrashLimit: d.limit(groupDemoTTL + groupPromisedRest),
		Settled: d.settles,
	}
	l.mu.Unlock()
	r.Seconds = time.Since(d.start).Seconds()
	rows, err := d.store.Load(context.WithoutCancel(ctx), groupDemoGroup)
	if err != nil {
		return r, err
	}
	stored, of := l.stored(rows.Leases)
	r.Stored = stored
	r.Clean = t.put > 0 && t.lost+t.reordered+t.altered+t.foreign+t.failed == 0 && t.doubled <= l.allowed && stored == of && r.late() == ""
	return r, nil
}

// late says which shard was not read for longer than it may be; nothing if there is none.
func (r groupResult) late() string {
	switch {
	case r.LongestGap > r.GapLimit:
		return fmt.Sprintf("; %s was not read for %.1f s while workers came and left: %.0f s are promised, and %.0f s are the limit",
			r.GapShard, r.LongestGap, groupPromisedGap.Seconds(), r.GapLimit)
	case r.CrashGap > r.CrashLimit:
		return fmt.Sprintf("; %s was not read for %.1f s after the kill: %.0f s are promised, and %.0f s are the limit",
			r.CrashShard, r.CrashGap, (groupDemoTTL + groupPromisedRest).Seconds(), r.CrashLimit)
	}
	return ""
}

// groupReport prints the account of act two and turns it into the error of the command.
func (a *app) groupReport(ctx context.Context, d *groupDemo, err error) error {
	r, resultErr := d.result(ctx)
	if resultErr != nil {
		return resultErr
	}
	r.end(ctx, err)
	unclean := fmt.Sprintf(
		"the account of the group is not clean: %d put, %d lost, %d doubled of at most %d, %d out of order, %d altered, %d foreign, %d not stored, %d of %d checkpoints at the end%s",
		r.Put, r.Lost, r.Doubled, r.MayDouble, r.Reordered, r.Altered, r.Foreign, r.Failed, r.Stored, r.Shards, r.late())
	return a.printAccount(ctx, r.demoAccount, r, r.text(a.outStyle()), unclean, err)
}

func (r groupResult) text(st style) string {
	t := accountText{style: st}
	fmt.Fprintf(&t, "\n%s: %d shards, %d workers, %d changes of owner\n\n", st.bold("the account of the group"), r.Shards, r.Workers, r.Owners)
	t.row("put", thousands(r.Put), "", plain)
	t.row("handled", thousands(r.Handled), "", plain)
	t.faults(r.demoAccount, r.MayDouble, fmt.Sprintf("   of %s that the killed worker had handled and not checkpointed", thousands(r.MayDouble)))
	t.row("checkpoints", fmt.Sprintf("%d of %d", r.Stored, r.Shards), "   at the last record of their shard", unless(r.Stored < r.Shards && !r.Interrupted))
	t.row("longest gap", fmt.Sprintf("%.2f s", r.LongestGap), "   of a shard, while workers came and left", unless(r.LongestGap > r.GapLimit))
	t.row("after the kill", fmt.Sprintf("%.2f s", r.CrashGap), fmt.Sprintf("   of the shards of the killed worker; the lease TTL is %.0f s", r.LeaseTTL),
		unless(r.CrashGap > r.CrashLimit))
	t.verdict(r.demoAccount, "nothing lost, in order, and nothing twice but what a crash explains")
	return t.String()
}
