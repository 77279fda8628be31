package dispatch

import (
	"hash/maphash"
	"sync"
)

// Lanes do items side by side, those of one lane one after the other. They are safe for
// concurrent use. Make them with [NewLanes].
type Lanes[T any] struct {
	do   func(T)
	seed maphash.Seed
	work sync.WaitGroup // the goroutines of the lanes that are not idle

	mu    sync.Mutex // guards all below; never held while something is done
	lanes []lane[T]
	stop  bool
}

type lane[T any] struct {
	waiting []T
	busy    bool // a goroutine does its items
}

// NewLanes returns n lanes. do is called for each item; the goroutine that calls it may be
// ended by [runtime.Goexit].
func NewLanes[T any](n int, do func(T)) *Lanes[T] {
	return &Lanes[T]{do: do, seed: maphash.MakeSeed(), lanes: make([]lane[T], n)}
}

// Of returns the lane of a key: always the same one.
func (l *Lanes[T]) Of(key string) int {
	return int(maphash.String(l.seed, key) % uint64(len(l.lanes)))
}

// Len returns the number of lanes.
func (l *Lanes[T]) Len() int { return len(l.lanes) }

// Put appends an item to a lane, and never waits: bounding what waits is the caller's business.
// It returns false after Stop: then the item is not done.
func (l *Lanes[T]) Put(n int, item T) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop {
		return false
	}
	lane := &l.lanes[n]
	lane.waiting = append(lane.waiting, item)
	if !lane.busy {
		lane.busy = true
		l.start(n)
	}
	return true
}

// Stop makes the lanes forget the items that wait, and returns them. Those that are being done
// go on: see Wait.
func (l *Lanes[T]) Stop() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop = true
	var dropped []T
	for i := range l.lanes {
		dropped = append(dropped, l.lanes[i].waiting...)
		l.lanes[i].waiting = nil
	}
	return dropped
}

// Wait waits until nothing is being done. It must not be called at the same time as a Put.
func (l *Lanes[T]) Wait() { l.work.Wait() }

// start starts the goroutine of a lane that is marked as busy and has none. It ends when
// nothing waits there; Wait waits for it.
func (l *Lanes[T]) start(n int) {
	l.work.Go(func() {
		for {
			item, ok := l.next(n)
			if !ok {
				return
			}
			l.one(n, item)
		}
	})
}

// next takes the next item of a lane, or makes it idle.
func (l *Lanes[T]) next(n int) (item T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lane := &l.lanes[n]
	if len(lane.waiting) == 0 {
		lane.busy, lane.waiting = false, nil
		return item, false
	}
	item = lane.waiting[0]
	var none T
	lane.waiting[0] = none
	lane.waiting = lane.waiting[1:]
	return item, true
}

// one does an item. If that ends the goroutine, another one goes on with the lane.
func (l *Lanes[T]) one(n int, item T) {
	returned := false
	defer func() {
		if !returned {
			l.start(n)
		}
	}()
	l.do(item)
	returned = true
}
