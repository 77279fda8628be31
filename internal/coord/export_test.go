package coord

import "time"

// NewWorkerWithID is NewWorker with an ID that does not depend on chance.
func NewWorkerWithID(cfg WorkerConfig, id string) (*Worker, error) { return newWorker(cfg, id) }

// Later is later.
var Later = later

// Elapsed returns what a clock shows after its two clocks have advanced by pairs of durations,
// and what part of that it tells as a jump, when it is asked and when it is asked again.
func Elapsed(advances ...[2]time.Duration) (elapsed, jump, again time.Duration) {
	var c clock
	for _, a := range advances {
		c.advance(a[0], a[1])
	}
	return c.elapsed, c.jump(), c.jump()
}

// Jump sets the wall clock forward, as far as the worker can see.
func (w *Worker) Jump(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock.advance(0, by)
}
