// Package history judges what a group did, from the outside: it is told what happened at the
// service, in the store and to the handlers, in the order in which it happened, and says which
// of the promises of package lease was broken, if one was. It knows nothing of who decided what
// and why, so that a mistake in a decision can't be repeated in its judgement.
//
//	service: opened, put, closed, trimmed, gone --+
//	store:   joined, beat, forgot, changed -------+--> Checker --> violation, figures
//	handler: started, delivered, handled, acked --+
//	faults:  frozen, thawed, crashed, bad clock --+
//
// # What is judged
//
//   - A lease changes by one revision at a time, its owner by one epoch, and only in the ways that
//     package lease allows: invariants 1 to 4.
//   - IDs of workers are new, and a worker's row is deleted by itself, after its last
//     hand-over, or by one who saw its beat stand still for long enough: 5 and 7.
//   - Records are delivered by the owner alone, and by a worker that may trust its leases: 6.
//     They come without a hole, from the checkpoint of the lease on, and after those of the
//     parents: 8.
//   - A checkpoint moves on, by the hand of the owner, over records that were acknowledged: 2
//     and 10. So a finished lease has none that were not, and the children that were named: 9.
//     A hand-over carries all that was done.
//   - Handlers of two workers have records of one shard at the same time only where the
//     protocol says that it can't help it, and for how long is measured: a handler that ignores
//     that its context was cancelled, a process that stood still, a clock beyond the margin, an
//     operator's force.
//   - At the end, when all trouble is over, every record was acknowledged, and is behind a
//     checkpoint: [Checker.Settled].
//
// What faults excuse is excused for the worker and the time that they hit, and nothing else.
package history
