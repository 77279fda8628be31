package coord

import "sync"

// message is something that comes to the loop.
type message struct {
	event  Event
	answer chan<- error // of a Flush; has room for one
}

// mailbox keeps what came until the loop takes it. Putting never waits. It has no bound of its
// own: there is at most one message for each call under way, for each shard that ends or stops,
// and for each caller that waits.
type mailbox struct {
	wake chan struct{} // has room for one: there is something

	mu     sync.Mutex // guards what follows
	queue  []message
	closed bool
}

// put adds a message, unless the loop has ended.
func (b *mailbox) put(m message) {
	b.mu.Lock()
	if !b.closed {
		b.queue = append(b.queue, m)
	}
	b.mu.Unlock()
	b.poke()
}

// poke wakes the loop.
func (b *mailbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take returns what came since the last time, in order.
func (b *mailbox) take() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.queue
	b.queue = nil
	return taken
}

// close drops what comes from now on.
func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue, b.closed = nil, true
}
