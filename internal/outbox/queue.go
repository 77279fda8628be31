package outbox

// Items that a chunk has room for: a lane begins with a small one, so that many lanes with
// few records need little.
const (
	smallChunk = 4
	largeChunk = 32
)

// A pool that has been empty keepFor times, and never needed half of what it keeps, lets go.
const keepFor = 16

// chunk is a part of a queue: items[first:end] are in it.
type chunk[T any] struct {
	next, prev *chunk[T]
	first, end int
	items      []Item[T]
}

// last returns the last item.
func (c *chunk[T]) last() *Item[T] { return &c.items[c.end-1] }

// pool keeps unused chunks for the next items.
type pool[T any] struct {
	small, large *chunk[T]
	used, kept   int // chunks in queues, and unused ones
	peak         int // of used, since it was 0
	spare        int // how often in a row, when used came to 0, most had not been needed
}

func (p *pool[T]) get(small bool) *chunk[T] {
	p.used++
	p.peak = max(p.peak, p.used)
	free, size := &p.large, largeChunk
	if small {
		free, size = &p.small, smallChunk
	}
	c := *free
	if c == nil {
		return &chunk[T]{items: make([]Item[T], size)}
	}
	*free, c.next = c.next, nil
	p.kept--
	return c
}

// put takes a chunk back whose items have been moved out and cleared.
func (p *pool[T]) put(c *chunk[T]) {
	p.used--
	if p.used == 0 {
		if p.spare++; p.peak > p.kept/2 {
			p.spare = 0
		}
		if p.peak = 0; p.spare > keepFor {
			*p = pool[T]{}
		}
	}
	free := &p.large
	if len(c.items) == smallChunk {
		free = &p.small
	}
	*c = chunk[T]{next: *free, items: c.items}
	*free = c
	p.kept++
}

// queue is the items of a lane, in the order in which they were accepted: failed ones come
// back to where they were. Invariant: seq rises from the first to the last, and no chunk is empty.
type queue[T any] struct {
	head, tail *chunk[T]
	n          int
}

// cursor is a place in a queue: at an item, or behind the last one, where c is nil.
type cursor[T any] struct {
	c *chunk[T]
	i int
}

func (q *queue[T]) begin() cursor[T] {
	if q.head == nil {
		return cursor[T]{}
	}
	return cursor[T]{q.head, q.head.first}
}

func (at cursor[T]) item() *Item[T] { return &at.c.items[at.i] }

func (at cursor[T]) next() cursor[T] {
	at.i++
	return at.valid()
}

// valid moves a cursor from the end of a chunk to the next one.
func (at cursor[T]) valid() cursor[T] {
	if at.i < at.c.end {
		return at
	}
	if at.c = at.c.next; at.c != nil {
		at.i = at.c.first
	}
	return at
}

// oldest returns the first item.
func (q *queue[T]) oldest() *Item[T] { return &q.head.items[q.head.first] }

// push appends an item whose seq is above all others.
func (q *queue[T]) push(p *pool[T], it *Item[T]) {
	c := q.tail
	if c == nil || c.end == len(c.items) {
		c = p.get(c == nil)
		q.link(c, q.tail)
	}
	c.items[c.end] = *it
	c.end++
	q.n++
}

// link puts a chunk behind another one, or to the front if that is nil.
func (q *queue[T]) link(c, prev *chunk[T]) {
	c.prev = prev
	if prev == nil {
		c.next, q.head = q.head, c
	} else {
		c.next, prev.next = prev.next, c
	}
	if c.next == nil {
		q.tail = c
	} else {
		c.next.prev = c
	}
}

// unlink takes a chunk out that is empty.
func (q *queue[T]) unlink(p *pool[T], c *chunk[T]) {
	if c.prev == nil {
		q.head = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		q.tail = c.prev
	} else {
		c.next.prev = c.prev
	}
	p.put(c)
}

// take moves the first n items to the end of a slice.
func (q *queue[T]) take(p *pool[T], n int, to []Item[T]) []Item[T] {
	q.n -= n
	for n > 0 {
		c := q.head
		m := min(n, c.end-c.first)
		some := c.items[c.first : c.first+m]
		to = append(to, some...)
		clear(some)
		c.first += m
		n -= m
		if c.first == c.end {
			q.unlink(p, c)
		}
	}
	return to
}

// remove takes out the item at a cursor, and returns the cursor of the one after it.
func (q *queue[T]) remove(p *pool[T], at cursor[T]) cursor[T] {
	c := at.c
	q.n--
	if at.i == c.first {
		c.items[at.i] = Item[T]{}
		c.first++
		at.i++
	} else {
		copy(c.items[at.i:c.end], c.items[at.i+1:c.end])
		c.end--
		c.items[c.end] = Item[T]{}
	}
	next := at.valid()
	if c.first == c.end {
		q.unlink(p, c)
	}
	return next
}

// insert puts an item to where its seq belongs, searching from a chunk on, none of whose
// predecessors may be right; nil: the first. It returns the chunk that it came into.
func (q *queue[T]) insert(p *pool[T], it *Item[T], from *chunk[T]) *chunk[T] {
	if q.tail == nil || q.tail.last().seq < it.seq {
		q.push(p, it)
		return q.tail
	}
	c := from
	if c == nil {
		c = q.head
	}
	for c.last().seq < it.seq {
		c = c.next
	}
	at := c.first
	for c.items[at].seq < it.seq {
		at++
	}
	q.n++
	before := c.prev
	switch {
	case c.first > 0: // there is room in front of it
		copy(c.items[c.first-1:at-1], c.items[c.first:at])
		c.first--
		at--
	case c.end < len(c.items): // behind it
		copy(c.items[at+1:c.end+1], c.items[at:c.end])
		c.end++
	case at > c.first:
		q.split(p, c, at)
	case before != nil && before.end < len(before.items): // in the chunk before
		c, at = before, before.end
		c.end++
	case before != nil && before.first > 0:
		c, at = before, before.end-1
		copy(c.items[c.first-1:at], c.items[c.first:c.end])
		c.first--
	default:
		c = p.get(false)
		q.link(c, before)
		c.first, c.end = len(c.items)-1, len(c.items)
		at = c.first
	}
	c.items[at] = *it
	return c
}

// split moves the items from at on to a chunk of their own, so that there is room for one at at.
func (q *queue[T]) split(p *pool[T], c *chunk[T], at int) {
	high := p.get(len(c.items) == smallChunk)
	q.link(high, c)
	high.end = copy(high.items, c.items[at:c.end])
	clear(c.items[at:c.end])
	c.end = at + 1
}

// compact removes the items whose seq is 0, up to and including those of a chunk.
func (q *queue[T]) compact(p *pool[T], last *chunk[T]) {
	for c, done := q.head, false; !done; {
		done = c == last
		kept := c.first
		for i := c.first; i < c.end; i++ {
			if c.items[i].seq == 0 {
				continue
			}
			if kept != i {
				c.items[kept] = c.items[i]
			}
			kept++
		}
		clear(c.items[kept:c.end])
		q.n -= c.end - kept
		c.end = kept
		next := c.next
		if c.first == c.end {
			q.unlink(p, c)
		}
		c = next
	}
}
