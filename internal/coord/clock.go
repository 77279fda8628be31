package coord

import "time"

// clockStep is by how much the wall clock must have advanced more than the monotonic one to
// count: less is somebody correcting the time.
const clockStep = 10 * time.Millisecond

// clock measures the time since it was made. It also passes while the machine is suspended,
// when the monotonic clock may stand still: from reading to reading, the one that advanced more
// counts. A wall clock that is set forward costs a moment without trust; one that is set back,
// nothing.
type clock struct {
	last    time.Time
	elapsed time.Duration
	jumped  time.Duration // the part of elapsed that only the wall clock knows of, since it was last asked for
}

func newClock(now time.Time) clock { return clock{last: now} }

// now returns the time that has passed, given what [time.Now] returned.
func (c *clock) now(t time.Time) time.Duration {
	c.advance(t.Sub(c.last), t.Round(0).Sub(c.last.Round(0)))
	c.last = t
	return c.elapsed
}

// advance takes in by how much the two clocks have advanced.
func (c *clock) advance(monotonic, wall time.Duration) {
	if wall < monotonic+clockStep {
		wall = monotonic
	}
	c.elapsed += max(wall, 0)
	c.jumped += max(wall, 0) - max(monotonic, 0)
}

// jump returns the time since the last jump of which only the wall clock says that it has passed.
func (c *clock) jump() time.Duration {
	by := c.jumped
	c.jumped = 0
	return by
}
