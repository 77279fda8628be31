// Package operator is what people do to a group from outside: look at it, set it back, move
// a lease, drain a worker, delete it. It works on the rows of a [lease.Store], whether workers run
// or not, and knows the protocol of package lease.
//
//	          Describe: rows, who is alive          Lags: one small read for each lease
//	                    |                                       |
//	people ---> operator ---> lease.Store               Kinesis, as it is now
//	                |              ^
//	                |              | compare-and-set, heartbeats
//	                |              |
//	                +-- pin, drain, reset ---> workers notice at their next poll
//
// # Who is alive
//
// A worker is alive if its beat changes while we look: [Watch]. Looking takes a part of the
// worker's TTL. A glance, 0.45 TTL, shows every worker that lives and is not in trouble: beats
// are 0.3 TTL apart. Only after 0.85 TTL without a change a worker is dead, for us as for other
// workers, and only then anything is done that supposes that it is.
//
// # What holds for a reset
//
//   - It refuses to begin while a worker lives, unless forced. Dead workers are forgotten first.
//   - A lease gets its new checkpoint and loses its owner in one compare-and-set, with the
//     epoch raised, so that whoever owned it can't move the checkpoint any more.
//   - Where reading begins is decided once. LATEST is a time by then.
//   - Shards that the stream lists and that had not ended before the new start are open
//     again, those that had are finished. Shards whose parents are read again begin at their
//     oldest record, after them. So the order of each key holds in what is read again.
//   - Resetting one shard to before its end resets its descendants to their beginning.
//   - What is written first can't harm if nothing follows: leases that are opened come
//     parents first, those that are finished come last, and children before their parents.
//   - A lease that somebody else changed meanwhile is read and decided upon anew. What was
//     done and what was not is in the answer.
package operator
