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

func (c *chain[T]) pushFront(l *lane[T]) {
	k := &l.links[c.which]
	*k = link[T]{next: c.head, on: true}
	if c.head == nil {
		c.tail = l
	} else {
		c.head.links[c.which].prev = l
	}
	c.head = l
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
	lanes []*lane[T]
	which int
}

// first returns the earliest moment, or Never.
func (a *agenda[T]) first() time.Duration {
	if len(a.lanes) == 0 {
		return Never
	}
	return a.lanes[0].when[a.which]
}

// set gives the lane its moment, whether or not it is on the agenda.
func (a *agenda[T]) set(l *lane[T], at time.Duration) {
	l.when[a.which] = at
	if l.slot[a.which] == 0 {
		a.lanes = append(a.lanes, l)
		l.slot[a.which] = len(a.lanes)
	}
	if i := l.slot[a.which] - 1; !a.down(i) {
		a.up(i)
	}
}

func (a *agenda[T]) remove(l *lane[T]) {
	i := l.slot[a.which] - 1
	if i < 0 {
		return
	}
	last := len(a.lanes) - 1
	a.swap(i, last)
	a.lanes[last] = nil
	a.lanes = a.lanes[:last]
	l.slot[a.which] = 0
	if i < last && !a.down(i) {
		a.up(i)
	}
}

func (a *agenda[T]) less(i, j int) bool {
	return a.lanes[i].when[a.which] < a.lanes[j].when[a.which]
}

func (a *agenda[T]) swap(i, j int) {
	a.lanes[i], a.lanes[j] = a.lanes[j], a.lanes[i]
	a.lanes[i].slot[a.which], a.lanes[j].slot[a.which] = i+1, j+1
}

func (a *agenda[T]) up(i int) {
	for i > 0 && a.less(i, (i-1)/2) {
		a.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (a *agenda[T]) down(i int) (moved bool) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(a.lanes); child++ {
			if a.less(child, least) {
				least = child
			}
		}
		if least == i {
			return moved
		}
		a.swap(i, least)
		i, moved = least, true
	}
}
