package batch

import (
	"math"
	"slices"
	"time"
)

// Never is a moment that does not come.
const Never time.Duration = math.MaxInt64

// maxSpare is how many empty slices are kept for the next batches.
const maxSpare = 16

// Limits are the bounds of one batch. Both are at least 1.
type Limits struct {
	Records int // items
	Bytes   int // sum of the sizes of the items
}

// Batch is what goes into one call.
type Batch[T any] struct {
	Items []T
	Bytes int // sum of the sizes of Items

	due     time.Duration // earliest moment at which an item wants to leave; those that expired count
	expires time.Duration // earliest moment at which an item expires
}

// Collector gathers items into batches. The zero value is not usable: see [New].
// It is not safe for concurrent use.
type Collector[T any] struct {
	limits Limits
	open   Batch[T]
	sealed []Batch[T] // first in first out, from index head
	head   int
	spare  [][]T // empty slices with room for a batch
	length int   // items in open and sealed
}

// New returns an empty Collector for batches within limits.
func New[T any](limits Limits) *Collector[T] {
	return &Collector[T]{limits: limits}
}

// Len returns the number of items held.
func (c *Collector[T]) Len() int { return c.length }

// Opens reports whether the next item that is added begins a batch, so that
// [Collector.Due] changes with it.
func (c *Collector[T]) Opens() bool { return len(c.open.Items) == 0 }

// Add puts an item into the open batch. It may leave from due on, and is given
// back by [Collector.Expire] from expires on. Add reports whether a batch was sealed.
func (c *Collector[T]) Add(item T, size int, due, expires time.Duration) (sealed bool) {
	if len(c.open.Items) > 0 && c.open.Bytes+size > c.limits.Bytes {
		c.Seal()
		sealed = true
	}
	if len(c.open.Items) == 0 {
		c.open = Batch[T]{Items: c.room(), due: due, expires: expires}
	}
	c.open.Items = append(c.open.Items, item)
	c.open.Bytes += size
	c.open.due = min(c.open.due, due)
	c.open.expires = min(c.open.expires, expires)
	c.length++
	if len(c.open.Items) >= c.limits.Records || c.open.Bytes >= c.limits.Bytes {
		c.Seal()
		sealed = true
	}
	return sealed
}

// Seal closes the open batch: it may leave now, and nothing is added to it any more.
func (c *Collector[T]) Seal() {
	if len(c.open.Items) == 0 {
		return
	}
	c.push(c.open)
	c.open = Batch[T]{}
}

// AddFirst adds items as a sealed batch that leaves before all others. The items
// are copied; together they must be within the limits.
func (c *Collector[T]) AddFirst(items []T, bytes int, expires time.Duration) {
	if len(items) == 0 {
		return
	}
	b := Batch[T]{Items: append(c.room(), items...), Bytes: bytes, expires: expires}
	if c.head > 0 {
		c.head--
		c.sealed[c.head] = b
	} else {
		c.sealed = slices.Insert(c.sealed, 0, b)
	}
	c.length += len(items)
}

// Next removes and returns the batch that goes next, if there is one at the moment now.
func (c *Collector[T]) Next(now time.Duration) (Batch[T], bool) {
	if c.head == len(c.sealed) {
		if len(c.open.Items) == 0 || now < c.open.due {
			return Batch[T]{}, false
		}
		c.Seal()
	}
	b := c.sealed[c.head]
	c.sealed[c.head] = Batch[T]{}
	c.head++
	if c.head == len(c.sealed) {
		c.sealed, c.head = c.sealed[:0], 0
	}
	c.length -= len(b.Items)
	return b, true
}

// Due returns the moment from which Next has a batch: 0 if it has one whatever
// the moment, [Never] if the Collector is empty.
func (c *Collector[T]) Due() time.Duration {
	switch {
	case c.head < len(c.sealed):
		return 0
	case len(c.open.Items) > 0:
		return c.open.due
	default:
		return Never
	}
}

// Expires returns the earliest moment at which [Collector.Expire] may find an
// item, or [Never].
func (c *Collector[T]) Expires() time.Duration {
	first := Never
	if len(c.open.Items) > 0 {
		first = c.open.expires
	}
	for i := c.head; i < len(c.sealed); i++ {
		first = min(first, c.sealed[i].expires)
	}
	return first
}

// Expire removes and returns the items whose moment, as measure gives it, is not
// after now. measure returns the size and the moment that were given to Add.
func (c *Collector[T]) Expire(now time.Duration, measure func(*T) (size int, expires time.Duration)) []T {
	var expired []T
	for i := c.head; i < len(c.sealed); i++ {
		expired = c.sealed[i].expire(now, measure, expired)
	}
	expired = c.open.expire(now, measure, expired)
	if len(expired) == 0 {
		return nil
	}
	kept := slices.DeleteFunc(c.sealed[c.head:], func(b Batch[T]) bool { return len(b.Items) == 0 })
	c.sealed = c.sealed[:c.head+len(kept)]
	c.length -= len(expired)
	return expired
}

// Recycle gives the slice of a batch back, for a batch to come. The caller must
// not use it any more.
func (c *Collector[T]) Recycle(items []T) {
	clear(items)
	if len(c.spare) < maxSpare && cap(items) >= c.limits.Records {
		c.spare = append(c.spare, items[:0])
	}
}

func (c *Collector[T]) push(b Batch[T]) {
	// The front of the queue is empty space by then: move instead of growing.
	if c.head > 0 && len(c.sealed) == cap(c.sealed) {
		n := copy(c.sealed, c.sealed[c.head:])
		clear(c.sealed[n:])
		c.sealed, c.head = c.sealed[:n], 0
	}
	c.sealed = append(c.sealed, b)
}

// room returns an empty slice for a new batch. The first ones grow as they need,
// so that a producer of few records stays small.
func (c *Collector[T]) room() []T {
	if n := len(c.spare); n > 0 {
		items := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return items
	}
	return nil
}

func (b *Batch[T]) expire(now time.Duration, measure func(*T) (int, time.Duration), expired []T) []T {
	if len(b.Items) == 0 || now < b.expires {
		return expired
	}
	b.expires = Never
	kept := b.Items[:0]
	for i := range b.Items {
		size, expires := measure(&b.Items[i])
		if expires <= now {
			b.Bytes -= size
			expired = append(expired, b.Items[i])
			continue
		}
		b.expires = min(b.expires, expires)
		kept = append(kept, b.Items[i])
	}
	clear(b.Items[len(kept):])
	b.Items = kept
	return expired
}
