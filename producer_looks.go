package kin

import (
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// An account may call DescribeStreamSummary 20 times a second, whatever streams it describes and whoever asks. A
// producer of many streams leaves some of that to others: it looks at 16 of them at once, and then at 16 a second. More
// than maxLooks are never under way: looks have one connection each, as calls have.
const (
	lookEvery = time.Second / 16
	lookBurst = 16
	maxLooks  = 8
)

// lookQueue is the streams that want to be looked at, in the order in which they said so.
type lookQueue struct {
	wait []*putStream
	next time.Duration // moment of the next look if there were no burst
}

// startLooks starts the looks whose turn it is, and returns when to try again.
func (d *dispatcher) startLooks(now time.Duration) time.Duration {
	p, q := d.p, &d.looks
	for len(q.wait) > 0 {
		if at := q.next - (lookBurst-1)*lookEvery; at > now {
			return at
		}
		p.mu.Lock()
		busy := p.looking >= maxLooks
		if !busy {
			p.looking++
		}
		p.mu.Unlock()
		if busy {
			break // the end of one nudges
		}
		s := q.wait[0]
		q.wait[0] = nil
		q.wait = q.wait[1:]
		q.next = max(q.next, now) + lookEvery
		p.running.Go(func() { p.look(s) })
	}
	return outbox.Never
}
