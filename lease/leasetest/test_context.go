package leasetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/kinstream/kin/lease"
)

// contextTests are about calls that their callers give up.
func contextTests() []test {
	return []test{
		{"Context/that has ended ends each call", endedContext},
		{"Context/that ends during calls leaves rows whole", contextsThatEnd},
	}
}

func endedContext(g *group) {
	g.join(worker("w"))
	g.made(lease.Create(row(1)))
	ended, cancel := context.WithCancel(g.Context())
	cancel()
	late, cancelLate := context.WithDeadline(g.Context(), time.Now().Add(-time.Second))
	defer cancelLate()
	calls := methods(g.store)
	calls[OpGroups] = func(ctx context.Context, _ string) error {
		_, err := g.store.Groups(ctx)
		return err
	}
	for op, call := range calls {
		if err := call(ended, g.name); !errors.Is(err, context.Canceled) {
			g.Errorf("%s with a context that was cancelled: error %v, want context.Canceled", op, err)
		}
		if err := call(late, g.name); !errors.Is(err, context.DeadlineExceeded) {
			g.Errorf("%s with a context whose time is over: error %v, want context.DeadlineExceeded", op, err)
		}
	}
}

// contextsThatEnd gives up most calls at some moment. A change of which nothing is known is
// tried again until it is; all of them are made, once each.
func contextsThatEnd(g *group) {
	const writers = 8
	changes := g.rounds(40)
	err := g.atOnce(writers, func(g *group, i int) error {
		l := row(i)
		l.Revision = 0
		for n := range changes {
			next := l
			next.Owner, next.Epoch = "owner", int64(n+1)
			result, err := g.tryUntilKnown(lease.Set(l, next), rand.New(rand.NewPCG(uint64(i), uint64(n))))
			if err != nil {
				return err
			}
			if !result.Made {
				return errors.New("a change of a row that nobody else changes was refused")
			}
			l = result.Lease
		}
		return nil
	})
	g.must("updates with contexts that end", err)
	s := g.load()
	if len(s.Leases) != writers {
		g.Fatalf("%d leases, want %d", len(s.Leases), writers)
	}
	for _, l := range s.Leases {
		if l.Revision != int64(changes) || l.Epoch != int64(changes) {
			g.Errorf("lease %s has revision %d and epoch %d after %d changes", l.Shard, l.Revision, l.Epoch, changes)
		}
	}
}

// tryUntilKnown makes a change with little time at first, and more each time.
func (g *group) tryUntilKnown(change lease.Change, r *rand.Rand) (lease.Result, error) {
	for limit := time.Millisecond; ; limit *= 2 {
		ctx, cancel := context.WithTimeout(g.Context(), time.Duration(r.Int64N(int64(limit)))+time.Microsecond)
		results, err := g.store.Update(ctx, g.name, []lease.Change{change})
		cancel()
		switch {
		case err == nil:
			return results[0], nil
		case limit > callTimeout:
			return lease.Result{}, err
		}
	}
}
