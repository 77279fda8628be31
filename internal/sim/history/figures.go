package history

import "time"

// Figures is what was counted and measured in histories.
type Figures struct {
	Records   int64 // put
	Delivered int64 // with repetitions
	Doubled   int64 // delivered after they had been acknowledged to another worker, or an earlier run of the reading
	Expired   int64 // lost to the stream's retention before they were handled

	CalmDoubled int64 // doubled while nothing disturbed the group

	Joins, Left, Forgotten        int64 // of workers
	Created, Finished, Removed    int64 // of leases
	Moves, HandOvers, Checkpoints int64
	Abandoned                     int64 // leases that a worker was given while it left

	MaxGap     time.Duration // the longest time that a shard was not read, once it had been
	MaxCalmGap time.Duration // while nothing disturbed the group
	MaxUnread  time.Duration // while one worker was in trouble, and nothing else

	// Overlap is for how long handlers of two workers had records of one shard, by why it could
	// not be helped.
	Overlap struct{ Handler, Frozen, Operator, BadClock Lengths }
}

// Add adds the figures of another history.
func (f *Figures) Add(o Figures) {
	f.Records += o.Records
	f.Delivered += o.Delivered
	f.Doubled += o.Doubled
	f.Expired += o.Expired
	f.CalmDoubled += o.CalmDoubled
	f.Joins += o.Joins
	f.Left += o.Left
	f.Forgotten += o.Forgotten
	f.Created += o.Created
	f.Finished += o.Finished
	f.Removed += o.Removed
	f.Moves += o.Moves
	f.HandOvers += o.HandOvers
	f.Checkpoints += o.Checkpoints
	f.Abandoned += o.Abandoned
	f.MaxGap = max(f.MaxGap, o.MaxGap)
	f.MaxCalmGap = max(f.MaxCalmGap, o.MaxCalmGap)
	f.MaxUnread = max(f.MaxUnread, o.MaxUnread)
	f.Overlap.Handler.merge(o.Overlap.Handler)
	f.Overlap.Frozen.merge(o.Overlap.Frozen)
	f.Overlap.Operator.merge(o.Overlap.Operator)
	f.Overlap.BadClock.merge(o.Overlap.BadClock)
}
