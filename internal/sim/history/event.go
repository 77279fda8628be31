package history

import (
	"fmt"
	"strings"
	"time"

	"github.com/kinstream/kin/lease"
)

// Kind is what happened.
type Kind uint8

// What can happen, with the fields of [Event] that say more.
const (
	// Note is for people to read: Text.
	Note Kind = iota

	// The service: a shard was made (Key, Names: its parents), took records ([From, To)), was
	// closed, lost the oldest ones (those below To), and is listed no longer.
	Opened
	Put
	Closed
	Trimmed
	Gone

	// The store: a worker's row was made, its beat rose, its row was deleted (By whom; OK: by
	// force). A stream's row was written (Text: its start; OK: seeded). A lease changed (By
	// whom, Change).
	Joined
	Beat
	Forgotten
	StreamPut
	Changed

	// A worker learned that a heartbeat was made, sent at Began or later.
	Trusted

	// A worker began to read a shard, and ended to: nothing of it is read or handled any more.
	Started
	Stopped

	// Records [From, To) were given to a handler: delivery ID; OK: it will ignore that its
	// context is cancelled. It returned (ID; OK: nil). Records were acknowledged.
	Delivered
	Handled
	Acked

	// A worker was told that a shard is over, and the children in Names.
	Ended

	// A process was stopped, went on, or is no more; its clock is wrong by more than the margin.
	Frozen
	Thawed
	Crashed
	BadClock

	// The service does not answer a worker (OK), or does again.
	Shaded

	// The worker left, handing over everything if OK.
	Left

	// From here on nothing disturbs the group (OK), or something may.
	Calm
)

var kindNames = [...]string{
	"note", "opened", "put", "closed", "trimmed", "gone", "joined", "beat", "forgotten", "stream", "changed", "trusted",
	"started", "stopped", "delivered", "handled", "acked", "ended", "frozen", "thawed", "crashed", "bad clock", "shaded", "left", "calm",
}

// String returns the kind in a word.
func (k Kind) String() string { return kindNames[k] }

// Event is something that happened.
type Event struct {
	At     time.Duration // since the beginning, in true time
	Kind   Kind
	Worker string // the ID of the worker that it happened to
	By     string // the ID of the worker that did it; [Operator] if a person did
	Key    lease.Key
	Epoch  int64
	ID     int64
	From   int64
	To     int64
	Began  time.Duration
	OK     bool
	Names  []string
	Change *lease.Change
	Text   string
}

// Operator stands for people who change rows by hand.
const Operator = "operator"

// String returns the event as a line of a trace.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%12s %-9s", e.At.Round(time.Microsecond), e.Kind)
	word := func(format string, args ...any) { b.WriteByte(' '); fmt.Fprintf(&b, format, args...) }
	if e.Worker != "" {
		word("%s", e.Worker)
	}
	if e.By != "" && e.By != e.Worker {
		word("by %s", e.By)
	}
	if e.Key.Shard != "" {
		word("%s", shortKey(e.Key))
	}
	if e.Epoch != 0 {
		word("epoch %d", e.Epoch)
	}
	if e.From != e.To {
		word("[%d,%d)", e.From, e.To)
	}
	if e.ID != 0 {
		word("#%d", e.ID)
	}
	if e.Kind == Trusted {
		word("since %s", e.Began.Round(time.Microsecond))
	}
	if e.OK {
		word("ok")
	}
	if len(e.Names) > 0 {
		word("%s", strings.Join(e.Names, " "))
	}
	if e.Change != nil {
		word("%s", changeText(*e.Change))
	}
	if e.Text != "" {
		word("%s", e.Text)
	}
	return b.String()
}

// shortKey leaves out of a key what is the same in all: "0/shardId-000000000012" becomes "0/12".
func shortKey(k lease.Key) string {
	shard := strings.TrimLeft(strings.TrimPrefix(k.Shard, "shardId-"), "0")
	if shard == "" {
		shard = "0"
	}
	stream := k.Stream
	if i := strings.LastIndexByte(stream, '/'); i >= 0 {
		stream = stream[i+1:]
	}
	return stream + "/" + shard
}

// changeText says what a change changes.
func changeText(c lease.Change) string {
	if c.Removes() {
		return fmt.Sprintf("rev %d deleted", c.Old.Revision)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "rev %d", c.New.Revision)
	if c.Old.Owner != c.New.Owner {
		fmt.Fprintf(&b, " owner %q -> %q", c.Old.Owner, c.New.Owner)
	}
	if c.Old.Epoch != c.New.Epoch {
		fmt.Fprintf(&b, " epoch %d -> %d", c.Old.Epoch, c.New.Epoch)
	}
	if c.Old.Checkpoint != c.New.Checkpoint {
		fmt.Fprintf(&b, " checkpoint %s -> %s", c.Old.Checkpoint, c.New.Checkpoint)
	}
	if c.Old.Pin != c.New.Pin {
		fmt.Fprintf(&b, " pin %q", c.New.Pin)
	}
	return b.String()
}
