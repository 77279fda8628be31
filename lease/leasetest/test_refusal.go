package leasetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kinstream/kin/lease"
)

// refusalTests are about arguments that no store may take.
func refusalTests() []test {
	return []test{
		{"Refusal/of names that no group can have", refuseGroupNames},
		{"Refusal/of changes that are none, with all others of their call", refuseChanges},
		{"Refusal/of rows that cannot be stored", refuseRows},
	}
}

// methods calls each method that takes the name of a group.
func methods(store lease.Store) map[Op]func(ctx context.Context, group string) error {
	return map[Op]func(ctx context.Context, group string) error{
		OpLoad: func(ctx context.Context, group string) error {
			_, err := store.Load(ctx, group)
			return err
		},
		OpPoll: func(ctx context.Context, group string) error {
			_, err := store.Poll(ctx, group)
			return err
		},
		OpUpdate: func(ctx context.Context, group string) error {
			_, err := store.Update(ctx, group, []lease.Change{lease.Create(row(1))})
			return err
		},
		OpPutStream: func(ctx context.Context, group string) error {
			_, err := store.PutStream(ctx, group, stream(arn))
			return err
		},
		OpJoin: func(ctx context.Context, group string) error { return store.Join(ctx, group, worker("w")) },
		OpBeat: func(ctx context.Context, group string) error {
			_, err := store.Beat(ctx, group, worker("w"))
			return err
		},
		OpDrain: func(ctx context.Context, group string) error { return store.Drain(ctx, group, "w", true) },
		OpForget: func(ctx context.Context, group string) error {
			_, err := store.Forget(ctx, group, "w", lease.AnyBeat)
			return err
		},
		OpDelete: store.Delete,
	}
}

func refuseGroupNames(g *group) {
	for _, name := range []string{
		"", " ", "a b", "a/b", "ä", "日本", "a\x00", "a\n", "a#b", "a:b", "*", "%", "'", strings.Repeat("a", 129),
	} {
		for op, call := range methods(g.store) {
			if err := call(g.Context(), name); !errors.Is(err, lease.ErrInvalid) {
				g.Errorf("%s of a group named %q: error %v, want ErrInvalid", op, name, err)
			}
		}
	}
}

func refuseChanges(g *group) {
	stored := g.made(lease.Create(row(1)))[0]
	next := stored
	next.Owner = "worker-z"
	good := lease.Create(row(2))
	moved := lease.Set(stored, row(3))
	far := lease.Set(stored, next)
	far.New.Revision = 9
	same := lease.Set(stored, next)
	same.New.Revision = 1
	nothing := lease.Remove(lease.Lease{Key: row(3).Key})
	for name, changes := range map[string][]lease.Change{
		"two of the same key":            {lease.Set(stored, next), good, lease.Remove(stored)},
		"the same one twice":             {good, good},
		"one that changes the key":       {good, moved},
		"one that skips revisions":       {good, far},
		"one that keeps the revision":    {good, same},
		"one that removes no row at all": {good, nothing},
	} {
		if _, err := g.store.Update(g.Context(), g.name, changes); !errors.Is(err, lease.ErrInvalid) {
			g.Errorf("%s: error %v, want ErrInvalid", name, err)
		}
	}
	s := g.load()
	if len(s.Leases) != 1 {
		g.Fatalf("calls that were refused made changes: %+v", s.Leases)
	}
	wantLease(g, "the row after calls that were refused", s.Leases[0], stored)
}

func refuseRows(g *group) {
	g.join(worker("w"))
	before := g.poll().Version
	for what, text := range map[string]string{
		"no text": "", "a text that is too long": strings.Repeat("x", 256), "no UTF-8": "a\xff", "a zero byte": "a\x00b", "a line feed": "a\nb",
	} {
		l := row(1)
		l.Shard = text
		_, leaseErr := g.store.Update(g.Context(), g.name, []lease.Change{lease.Create(row(2)), lease.Create(l)})
		l = row(1)
		l.Stream = text
		_, streamErr := g.store.Update(g.Context(), g.name, []lease.Change{lease.Create(row(2)), lease.Create(l)})
		w := worker(text)
		_, beatErr := g.store.Beat(g.Context(), g.name, w)
		_, putErr := g.store.PutStream(g.Context(), g.name, stream(text))
		for op, err := range map[string]error{
			"a lease": leaseErr, "a lease of a stream": streamErr, "a worker": g.store.Join(g.Context(), g.name, w),
			"a heartbeat": beatErr, "a stream": putErr,
		} {
			if !errors.Is(err, lease.ErrInvalid) {
				g.Errorf("%s with %s: error %v, want ErrInvalid", op, what, err)
			}
		}
		if text == "" {
			continue
		}
		for i := range 4 {
			l := row(1)
			*[]*string{&l.Owner, &l.Pin, (*string)(&l.Checkpoint), &l.Parents[1]}[i] = text
			if _, err := g.store.Update(g.Context(), g.name, []lease.Change{lease.Create(l)}); !errors.Is(err, lease.ErrInvalid) {
				g.Errorf("a lease with %s in text %d: error %v, want ErrInvalid", what, i, err)
			}
		}
	}
	zero := stream(arn)
	zero.Revision = 0
	if _, err := g.store.PutStream(g.Context(), g.name, zero); !errors.Is(err, lease.ErrInvalid) {
		g.Errorf("a stream with revision 0: error %v, want ErrInvalid", err)
	}
	if s := g.load(); len(s.Workers) != 1 || len(s.Leases)+len(s.Streams) != 0 || s.Version != before {
		g.Errorf("calls that were refused changed something: %s", fmt.Sprintf("%+v", s))
	}
}
