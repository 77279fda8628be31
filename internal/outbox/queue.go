package outbox

// node is an item in a lane.
type node[T any] struct {
	next *node[T]
	item Item[T]
}

const (
	poolChunk = 128 // nodes that are made at a time
	poolKeep  = 64  // chunks that are kept when nothing is queued: 1 MiB
)

// pool keeps unused nodes. What was needed once is kept until nothing is queued: then
// all but a little goes.
type pool[T any] struct {
	free   *node[T]
	used   int // nodes that are not free
	chunks int
}

func (p *pool[T]) get() *node[T] {
	p.used++
	n := p.free
	if n == nil {
		chunk := make([]node[T], poolChunk)
		for i := 1; i < poolChunk-1; i++ {
			chunk[i].next = &chunk[i+1]
		}
		p.free = &chunk[1]
		p.chunks++
		return &chunk[0]
	}
	p.free, n.next = n.next, nil
	return n
}

// put takes a node back whose item has been moved out.
func (p *pool[T]) put(n *node[T]) {
	*n = node[T]{next: p.free}
	p.free = n
	p.used--
	if p.used == 0 && p.chunks > poolKeep {
		*p = pool[T]{}
	}
}

// queue is the items of a lane, in the order in which they were accepted: failed ones
// come back to where they were. Invariant: seq rises from head to tail.
type queue[T any] struct {
	head, tail *node[T]
	n          int
}

// push appends a node whose seq is above all others.
func (q *queue[T]) push(n *node[T]) {
	if q.tail == nil {
		q.head = n
	} else {
		q.tail.next = n
	}
	q.tail = n
	q.n++
}

// insert puts a node to where its seq belongs, searching from after on, or from the head
// if that is nil; after must be below. It returns the node, for the next search.
func (q *queue[T]) insert(n, after *node[T]) *node[T] {
	switch {
	case q.tail == nil || q.tail.item.seq < n.item.seq:
		q.push(n)
		return n
	case after == nil && n.item.seq < q.head.item.seq:
		n.next, q.head = q.head, n
		q.n++
		return n
	case after == nil:
		after = q.head
	}
	for after.next.item.seq < n.item.seq {
		after = after.next
	}
	n.next, after.next = after.next, n
	q.n++
	return n
}

// remove takes out the node after prev, or the head if prev is nil.
func (q *queue[T]) remove(prev *node[T]) *node[T] {
	var n *node[T]
	if prev == nil {
		n = q.head
		q.head = n.next
	} else {
		n = prev.next
		prev.next = n.next
	}
	if q.tail == n {
		q.tail = prev
	}
	n.next = nil
	q.n--
	return n
}
