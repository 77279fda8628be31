package sim

import "time"

// loop is a queue of what is to happen, in virtual time. What is due at the same time happens
// in the order in which it was asked for.
type loop struct {
	now   time.Duration
	queue []todo // a heap
	count int64
}

type todo struct {
	at time.Duration
	n  int64
	do func()
}

func (t todo) before(o todo) bool { return t.at < o.at || t.at == o.at && t.n < o.n }

// at has do called at a time, or now if that has passed.
func (l *loop) at(t time.Duration, do func()) {
	l.count++
	l.queue = append(l.queue, todo{max(t, l.now), l.count, do})
	for i := len(l.queue) - 1; i > 0; {
		up := (i - 1) / 2
		if !l.queue[i].before(l.queue[up]) {
			break
		}
		l.queue[i], l.queue[up] = l.queue[up], l.queue[i]
		i = up
	}
}

// after has do called after a time.
func (l *loop) after(d time.Duration, do func()) { l.at(l.now+d, do) }

// run does what is due until a time, or until there is reason to stop.
func (l *loop) run(until time.Duration, stop func() bool) {
	for len(l.queue) > 0 && l.queue[0].at <= until && !stop() {
		t := l.pop()
		l.now = t.at
		t.do()
	}
	if !stop() {
		l.now = max(l.now, until)
	}
}

func (l *loop) pop() todo {
	first, last := l.queue[0], len(l.queue)-1
	l.queue[0] = l.queue[last]
	l.queue[last] = todo{}
	l.queue = l.queue[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			break
		}
		if down+1 < last && l.queue[down+1].before(l.queue[down]) {
			down++
		}
		if !l.queue[down].before(l.queue[i]) {
			break
		}
		l.queue[i], l.queue[down] = l.queue[down], l.queue[i]
		i = down
	}
	return first
}
