// Package coord is a worker's part in the protocol of package lease: which leases to
// take, hand over and finish, when to send heartbeats and to look, and when to stop.
//
// All of it is decided by a [Machine], which is pure: it is told events with the time at
// which they happened, and answers with actions. It has no clock, no goroutine and no
// randomness of its own, so that a simulation can run whole groups of Machines
// through years of trouble, and replay a run from its seed. A [Worker] is the loop
// around a Machine: it does the actions and tells it how they ended.
//
//	       store, service                     reads and handles shards
//	         ^       |                             ^           |
//	  calls  |       | answers        StartShard   |           | Progress, Ended
//	         |       v                StopShard    |           v Stopped
//	   +-----------------------------------------------------------+
//	   | Worker: does actions, in goroutines where they take time   |
//	   +-----------------------------------------------------------+
//	         ^       |
//	actions  |       | events, time
//	         |       v
//	   +-----------------------------------------------------------+
//	   | Machine: what I know, what I own, what is under way        |
//	   |   assign: rows -> plan          discover: listing -> rows  |
//	   +-----------------------------------------------------------+
//
// # The life of a lease, as its owner sees it
//
//	taking --made--> reading --plan: another's--> stopping --stopped--> handing over --made--> gone
//	   |                |  \---all records done---> ending: children, then itself ---made--> gone
//	refused             |
//	   v                +--row shows another owner, or the worker's row is gone--> stopping (lost) --> gone
//	  gone
//
// In each state at most one change of the lease is in flight. One whose outcome is not known is tried again until it is:
// the store recognises a change that was made.
package coord
