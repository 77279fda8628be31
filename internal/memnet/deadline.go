package memnet

import "time"

// deadline is one moment after which a direction fails. The pipe's mutex guards it.
type deadline struct {
	expired bool
	timer   *time.Timer // nil: none running
	turn    int         // counts the settings: a timer that fired late for an earlier one must change nothing
}

// set replaces the moment: a zero time is none. expire is called without the mutex when the moment has come, with the turn
// that it is for.
func (d *deadline) set(t time.Time, expire func(turn int)) {
	d.stop()
	d.expired = false
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.expired = true
		return
	}
	turn := d.turn
	d.timer = time.AfterFunc(left, func() { expire(turn) })
}

// stop ends the timer, if there is one. What has expired stays so.
func (d *deadline) stop() {
	d.turn++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
