package outbox

import "time"

// Chains that a lane can be on, and agendas.
const (
	onReady   = iota // lanes that want to send now
	onFull           // lanes that could fill an entry
	onWaiting        // lanes for which a caller waits
	chains
)

const (
	onState  = iota // when the lane's state ends by itself
	onExpiry        // when its oldest item may expire
	agendas
)

// chain is a list of lanes in the order in which they came; a lane is on it once at most.
type chain[T any] struct {
	head, tail *lane[T]
	n          int
	which      int
}

type link[T any] struct {
	next, prev *lane[T]
	on         bool
}

func (c *chain[T]) push(l *lane[T]) {
	k := &l.links[c.which]
	if k.on {
		return
	}
	*k = link[T]{prev: c.tail, on: true}
	if c.tail == nil {
		c.head = l
	} else {
		c.tail.links[c.which].next = l
	}
	c.tail = l
	c.n++
}

func (c *chain[T]) remove(l *lane[T]) {
	k := l.links[c.which]
	if !k.on {
		return
	}
	if k.prev == nil {
		c.head = k.next
	} else {
		k.prev.links[c.which].next = k.next
	}
	if k.next == nil {
		c.tail = k.prev
	} else {
		k.next.links[c.which].prev = k.prev
	}
	l.links[c.which] = link[T]{}
	c.n--
}

// agenda is a heap of lanes by a moment; a lane is on it once at most.
type agenda[T any] struct {
	heap  []planned[T]
	which int
}

type planned[T any] struct {
	at   time.Duration
	lane *lane[T]
}

// first returns the earliest moment, or Never.
func (a *agenda[T]) first() time.Duration {
	if len(a.heap) == 0 {
		return Never
	}
	return a.heap[0].at
}

// moment returns the lane's moment, or Never if it has none.
func (a *agenda[T]) moment(l *lane[T]) time.Duration {
	if l.slot[a.which] == 0 {
		return Never
	}
	return a.heap[l.slot[a.which]-1].at
}

// set gives the lane its moment, whether or not it has one.
func (a *agenda[T]) set(l *lane[T], at time.Duration) {
	i := l.slot[a.which] - 1
	if i < 0 {
		i = len(a.heap)
		a.heap = append(a.heap, planned[T]{})
	}
	a.place(i, planned[T]{at, l})
}

func (a *agenda[T]) remove(l *lane[T]) {
	i := l.slot[a.which] - 1
	if i < 0 {
		return
	}
	last := len(a.heap) - 1
	moved := a.heap[last]
	a.heap[last] = planned[T]{}
	a.heap = a.heap[:last]
	l.slot[a.which] = 0
	if i < last {
		a.place(i, moved)
	}
}

// place puts an entry to where it belongs, which is above or below slot i, or that.
func (a *agenda[T]) place(i int, p planned[T]) {
	for ; i > 0 && p.at < a.heap[(i-1)/2].at; i = (i - 1) / 2 {
		a.put(i, a.heap[(i-1)/2])
	}
	for {
		child := 2*i + 1
		if child+1 < len(a.heap) && a.heap[child+1].at < a.heap[child].at {
			child++
		}
		if child >= len(a.heap) || p.at <= a.heap[child].at {
			break
		}
		a.put(i, a.heap[child])
		i = child
	}
	a.put(i, p)
}

func (a *agenda[T]) put(i int, p planned[T]) {
	a.heap[i] = p
	p.lane.slot[a.which] = i + 1
}
