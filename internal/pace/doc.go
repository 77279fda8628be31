// Package pace decides how long a reader of a shard waits between two calls of
// GetRecords. It is pure: what happened goes in, a duration comes out. It has no
// clock, no goroutine and no random numbers of its own.
//
// The service allows 5 calls and 2 MiB per second and shard, shared by all who
// read the shard by polling. Three rules follow, and the longest wait wins:
//
//	            +-- spacing: 1 / MaxCallsPerSecond; doubled by each refusal,
//	            |            won back by a tenth of a call per second and answer
//	a call ---->+-- bytes:   what the answer held / BytesPerSecond, so that the
//	            |            pause that the service demands after a large answer
//	            |            is kept instead of run into
//	            +-- idle:    only at the tip; from MinIdle, half as much again
//	                         with each empty answer, up to MaxIdle
//
// Behind the tip there is no idle wait: the reader catches up as fast as the two
// limits allow. Waits after an answer count from the start of its call, so that a slow
// answer does not slow the reader down further.
//
// Invariants:
//
//   - A wait is never shorter than the spacing, and the spacing never shorter than
//     that of MaxCallsPerSecond.
//   - Refusals make the spacing grow, up to [MaxSpacing]; answers bring it back.
//     Readers that share a shard so find their shares, as AIMD does for TCP.
//   - Only empty answers at the tip make the idle wait grow, and one record ends it.
package pace
