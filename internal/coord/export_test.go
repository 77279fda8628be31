package coord

import "time"

// NewWorkerWithID is NewWorker with an ID that does not depend on chance.
func NewWorkerWithID(cfg WorkerConfig, id string) (*Worker, error) { return newWorker(cfg, id) }

// Later is later.
var Later = later

// Elapsed returns what a clock shows after its two clocks have advanced by pairs of durations.
func Elapsed(advances ...[2]time.Duration) time.Duration {
	var c clock
	for _, a := range advances {
		c.advance(a[0], a[1])
	}
	return c.elapsed
}
