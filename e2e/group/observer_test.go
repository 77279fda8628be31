//go:build unix

package group_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kinstream/kin/e2e/group/account"
	"github.com/kinstream/kin/e2e/group/trace"
	"github.com/kinstream/kin/lease"
)

// observer looks at the rows of a group, again and again, without a proxy.
type observer struct {
	store lease.Store
	group string
	every time.Duration
	clock trace.Clock

	stopped context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex // guards what follows
	last lease.Snapshot
	seen trace.Time // when last had been loaded
	rows []account.Row
}

func (o *observer) start(ctx context.Context) {
	ctx, o.stopped = context.WithCancel(ctx)
	o.running.Go(func() { // until stop
		tick := time.NewTicker(o.every)
		defer tick.Stop()
		for {
			o.look(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

func (o *observer) stop() {
	o.stopped()
	o.running.Wait()
}

// look loads the rows once. A store that is down for now shows nothing.
func (o *observer) look(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	snapshot, err := o.store.Load(limited, o.group)
	at, _ := o.clock.Now()
	if err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	known := map[lease.Key]lease.Lease{}
	for _, l := range o.last.Leases {
		known[l.Key] = l
	}
	o.last, o.seen = snapshot, at
	for _, l := range snapshot.Leases {
		if before, found := known[l.Key]; found && before.Equal(l) {
			continue
		}
		o.rows = append(o.rows, account.Row{
			At: at, Shard: account.Shard{Stream: streamName(l.Stream), ID: l.Shard},
			Owner: l.Owner, Epoch: l.Epoch, Revision: l.Revision, Checkpoint: string(l.Checkpoint),
		})
	}
}

// snapshot returns the newest rows, and when they had been loaded.
func (o *observer) snapshot() (lease.Snapshot, trace.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last, o.seen
}

func (o *observer) history() []account.Row {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.rows)
}

// streamName returns the name of a stream from its ARN.
func streamName(arn string) string {
	_, name, _ := strings.Cut(arn, "/")
	return name
}

// shares returns how many readable leases each worker of the snapshot has, by the names of the
// workers, and how many have no owner with a row.
func shares(s lease.Snapshot) (owned map[string]int, orphans int) {
	owned = map[string]int{}
	for _, w := range s.Workers {
		owned[w.ID] = 0
	}
	finished := map[lease.Key]bool{}
	for _, l := range s.Leases {
		finished[l.Key] = l.Finished()
	}
	for _, l := range s.Leases {
		ready := !l.Finished()
		for _, parent := range l.Parents {
			if done, known := finished[lease.Key{Stream: l.Stream, Shard: parent}]; known && !done {
				ready = false
			}
		}
		if !ready {
			continue
		}
		if _, known := owned[l.Owner]; known {
			owned[l.Owner]++
		} else {
			orphans++
		}
	}
	return owned, orphans
}

// even says whether so many workers share the readable leases of the snapshot within one.
func even(s lease.Snapshot, workers int) bool {
	owned, orphans := shares(s)
	least, most := 1<<30, 0
	for _, n := range owned {
		least, most = min(least, n), max(most, n)
	}
	return len(owned) == workers && orphans == 0 && len(s.Leases) > 0 && most-least <= 1
}
