package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kinstream/kin"
)

// groupResult is the JSON form of the account of act two.
type groupResult struct {
	Act         string        `json:"act"`
	Put         int64         `json:"put"`
	Handled     int64         `json:"handled"`
	Lost        int64         `json:"lost"`
	Doubled     int64         `json:"doubled"`
	MayDouble   int64         `json:"may_be_doubled"` // what the killed worker had handled and not checkpointed
	Reordered   int64         `json:"reordered"`
	Altered     int64         `json:"altered"`
	Foreign     int64         `json:"foreign"`
	Failed      int64         `json:"failed"`
	Clean       bool          `json:"clean"`
	Interrupted bool          `json:"interrupted,omitempty"` // lost may just not have been read yet
	Shards      int           `json:"shards"`
	Workers     int           `json:"workers"`
	Owners      int           `json:"changes_of_owner"`
	Stored      int           `json:"checkpoints_at_the_end"` // shards whose checkpoint is their last record
	LeaseTTL    float64       `json:"lease_ttl_seconds"`
	LongestGap  float64       `json:"longest_gap_seconds"` // of a shard, but for those of the killed worker
	GapShard    kin.ShardID   `json:"longest_gap_shard,omitempty"`
	CrashGap    float64       `json:"crash_gap_seconds"` // of the shards of the killed worker
	CrashShard  kin.ShardID   `json:"crash_gap_shard,omitempty"`
	Settled     []groupSettle `json:"settled"`
	Seconds     float64       `json:"seconds"`
}

func (d *groupDemo) result(ctx context.Context) (groupResult, error) {
	l := d.ledger
	l.mu.Lock()
	t := l.total()
	r := groupResult{
		Act: "group", Put: t.put, Lost: t.lost, Doubled: t.doubled, MayDouble: l.allowed, Reordered: t.reordered,
		Altered: t.altered, Foreign: t.foreign, Failed: t.failed, Handled: t.read - t.doubled - t.foreign,
		Shards: len(l.shards), Workers: len(d.workers), Owners: l.changes, LeaseTTL: groupDemoTTL.Seconds(),
		LongestGap: l.steady.took.Seconds(), GapShard: l.steady.shard, CrashGap: l.crash.took.Seconds(), CrashShard: l.crash.shard,
		Settled: d.settles, Seconds: time.Since(d.start).Seconds(),
	}
	l.mu.Unlock()
	rows, err := d.store.Load(context.WithoutCancel(ctx), groupDemoGroup)
	if err != nil {
		return r, err
	}
	stored, of := l.stored(rows.Leases)
	r.Stored = stored
	r.Clean = t.put > 0 && t.lost+t.reordered+t.altered+t.foreign+t.failed == 0 && t.doubled <= l.allowed && stored == of
	return r, nil
}

// groupReport prints the account of act two and turns it into the error of the command.
func (a *app) groupReport(ctx context.Context, d *groupDemo, err error) error {
	r, resultErr := d.result(ctx)
	if resultErr != nil {
		return resultErr
	}
	r.Interrupted = ctx.Err() != nil || isInputError(err)
	r.Clean = r.Clean && !r.Interrupted && err == nil
	if a.json() {
		if printErr := a.printJSON(r); printErr != nil {
			return printErr
		}
	} else {
		fmt.Fprint(a.io.Out, groupAccountText(r, a.outStyle()))
	}
	switch {
	case ctx.Err() != nil:
		return &failure{code: exitInterrupted, what: "stopped by a signal: the account is of what was done by then"}
	case err != nil:
		return err
	case !r.Clean:
		return &failure{code: exitIncomplete, what: fmt.Sprintf(
			"the account of the group is not clean: %d put, %d lost, %d doubled of at most %d, %d out of order, %d altered, %d foreign, %d not stored, %d of %d checkpoints at the end",
			r.Put, r.Lost, r.Doubled, r.MayDouble, r.Reordered, r.Altered, r.Foreign, r.Failed, r.Stored, r.Shards)}
	}
	return nil
}

func groupAccountText(r groupResult, st style) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s: %d shards, %d workers, %d changes of owner\n\n", st.bold("the account of the group"), r.Shards, r.Workers, r.Owners)
	row := func(name, value, note string, right, wrong bool) {
		value = fmt.Sprintf("%13s", value)
		if wrong {
			value = st.bad(value)
		} else if right {
			value = st.good(value)
		}
		fmt.Fprintf(&b, "%-14s%s%s\n", name, value, note)
	}
	row("put", thousands(r.Put), "", false, false)
	row("handled", thousands(r.Handled), "", false, false)
	if r.Interrupted {
		row("not read yet", thousands(r.Lost), "", false, false)
	} else {
		row("lost", thousands(r.Lost), "", true, r.Lost > 0)
	}
	row("doubled", thousands(r.Doubled), fmt.Sprintf("   of %s that the killed worker had handled and not checkpointed", thousands(r.MayDouble)), true, r.Doubled > r.MayDouble)
	row("out of order", thousands(r.Reordered), "", true, r.Reordered > 0)
	if r.Failed > 0 {
		row("not stored", thousands(r.Failed), "", false, true)
	}
	if r.Altered+r.Foreign > 0 {
		row("altered", thousands(r.Altered), "", false, r.Altered > 0)
		row("foreign", thousands(r.Foreign), "", false, r.Foreign > 0)
	}
	row("checkpoints", fmt.Sprintf("%d of %d", r.Stored, r.Shards), "   at the last record of their shard", true, r.Stored < r.Shards && !r.Interrupted)
	row("longest gap", fmt.Sprintf("%.2f s", r.LongestGap), "   of a shard, while workers came and left", false, false)
	row("after the kill", fmt.Sprintf("%.2f s", r.CrashGap), fmt.Sprintf("   of the shards of the killed worker; the lease TTL is %.0f s", r.LeaseTTL), false, false)
	verdict := st.good("clean") + ": nothing lost, in order, and nothing twice but what a crash explains"
	switch {
	case r.Interrupted:
		verdict = st.warn("stopped early")
	case !r.Clean:
		verdict = st.bad("not clean")
	}
	fmt.Fprintf(&b, "\n%s (%.1f s)\n", verdict, r.Seconds)
	return b.String()
}
