// Package lease is the protocol by which the processes of a group share the shards of streams,
// in words, with the types that it stores and the [Store] that keeps them.
//
// Most programs only choose a store and hand it to a Consumer: package memstore keeps leases in
// the process, package dynamostore in DynamoDB, package sqlstore in SQLite, PostgreSQL or
// MySQL. Whoever writes another one implements [Store] and runs package leasetest against it.
//
// # Words
//
// A group has workers. A worker is one run of one process: its ID is new each time. A lease is
// the right to read one shard of one stream for one group. Its owner is the worker that may
// read the shard, deliver its records and move its checkpoint.
//
// # What is stored
//
//	group   {version}                                     one row per group
//	worker  {id, beat, streams, capacity, draining, seen} one row per worker
//	stream  {arn, created, start, seeded, revision}       one row per stream of the group
//	lease   {stream, shard, parents, keys,                one row per shard
//	         owner, epoch, revision, checkpoint, pin, load}
//
// Every change of a lease is a compare-and-set on its revision, which each change raises by
// one, and on its owner, so that a write that was under way for very long does not hit a row
// that was deleted and made again. The epoch rises when the owner changes, so that it can fence
// what the owner does elsewhere. The version of the group rises after each change of a lease
// that others should know of: see [Change.Announces]. A worker's beat rises with each of its
// heartbeats. Nobody renews leases.
//
// # A group at work
//
//	      worker A                    store                      worker B
//	         |  beat, every 0.3 TTL     |                           |
//	         |------------------------->|     join                  |
//	         |                          |<--------------------------|
//	         |  poll: B is new          |     load: plan says that  |
//	         |------------------------->|     lease 7 is mine, but  |
//	plan: 7 is B's                      |     A has it; look often  |
//	stop fetching, let the              |<--------------------------|
//	handler finish                      |<--------------------------|
//	         |  set 7 {owner B,         |                           |
//	         |   epoch+1, checkpoint}   |                           |
//	         |------------------------->|     poll: version rose    |
//	         |                          |<--------------------------|
//	         |                          |     load: 7 is mine       |
//	         |                          |<--------------------------|
//	         |                          |                     read on from
//	         |                          |                     the checkpoint
//
// # Who is alive
//
// TTL is the setting from which all times follow (ConsumerConfig.LeaseTTL, 10 seconds by
// default). All workers of a group must use the same one; a worker's row carries it, and a
// worker that finds another one at a worker that lives refuses to join. If they join at the same
// moment, the one with the shortest stays.
//
//   - A worker sends a heartbeat every 0.3 TTL. When one fails it polls, and sends the next as
//     soon as a poll or a load has been answered: a worker whose calls are made but not answered
//     can't read, and must not keep others from reading by its heartbeats.
//   - A worker trusts its leases until 0.7 TTL after the *start* of the last heartbeat that was
//     answered. (Join counts as the first. A poll that shows the worker's own beat higher than
//     the look before answers for a heartbeat whose own answer was lost; that one may have been
//     made as early as the look before began.) Then it delivers nothing more and cancels the
//     contexts of the handlers that still run. It goes on when a heartbeat has been answered,
//     and a load that began after that shows that the leases are still its own.
//   - Everybody polls the rows of all workers. When a beat has not changed for 0.85 TTL since
//     it was first seen, and the observer could see it all that time, the observer forgets the
//     worker: it deletes the row, if the beat is still the same. An observer that could not poll
//     for 0.3 TTL longer than it wanted, or whose own heartbeats failed for 0.5 TTL, begins to
//     count anew: so after an outage of the store, of its reads or of its writes, everybody has
//     time for a heartbeat.
//   - A worker whose row is gone, or has a beat that it had before, has lost all its leases: a
//     Join that the client made twice may have written a new row after the old one was deleted.
//     It stops at once, and joins again under a new ID.
//   - A worker sends its first heartbeat when the first load after its Join has been answered.
//     Until then it may not know that it has joined. Others count on it from when its row comes,
//     but hand nothing over to it before that heartbeat; when there is none for 0.2 TTL, they
//     plan without it until it comes, and meanwhile without all others that have sent none.
//   - A worker calls Join once for each ID. When the answer is lost, it loads: it has joined if
//     its row is there. Otherwise the row may still come; so the worker takes a new ID, and
//     nobody ever acts under the other. If it is to stop, it deletes the row whether it is
//     there or not, and looks whether it is gone. A Join that comes to the store even later
//     costs what a worker costs that dies as it joins.
//
// So a worker that dies is forgotten 0.85 TTL after the first of the others has seen its last
// heartbeat. Those that poll every 0.5 TTL see it late if few of them are left: to know sooner,
// all would have to poll more often all the time, which is what an idle group costs.
//
// Each of these times is measured by one process on its own monotonic clock; no clocks are
// compared. A machine that was suspended is the exception that needs care, since its monotonic
// clock may have stood still: there the wall clock is read beside it. The one that advanced
// more counts for a worker's own trust, and the one that advanced less for its judgement of
// others, since a wall clock may also have been set. That compares a clock with itself.
//
// Why this is safe: the observer saw the beat after it was written, so 0.85 TTL after that is
// later than 0.85 TTL after the start of that heartbeat, and the worker stopped 0.15 TTL
// before. If a later heartbeat had been written, deleting would have failed.
//
// # Who reads what
//
// Each worker computes the same plan from the same rows: package internal/assign. The plan
// gives every lease that may be read to one worker, evenly, and moves as few as possible. There
// is no leader. While views differ, plans differ, and some leases move twice; safety does not
// depend on it.
//
// A lease may be read when it is not finished, and each parent that its row names is finished.
// A parent without a row is finished if the lease has moved from where it began; if not, the
// row is there and a load that ran while it was written has missed it: see "Shards".
//
// A lease may be taken when it has no owner, or when its owner has no row although the rows of
// the workers were read after the lease. So [Store.Load] reads leases first.
//
//	                  plan: mine                plan: another's
//	no owner          take                      -
//	owner is gone     take                      -
//	owner is another  look often, load when     -
//	                  the version rises
//	owner is me       read                      stop, finish, checkpoint and make
//	                                            the other the owner, in one change
//
// Before the owner stops reading a lease that is another's by the plan, it waits until that one
// is known to look often: until its row says that it has seen the version that led to the plan
// (it sends a heartbeat as soon as it waits for a lease), or for the longest time that there is
// between two polls. If the heir is suspected to be dead, the owner goes on until that is
// settled.
//
// A worker that is to stop marks its row as draining, so that no plan gives it anything, and
// goes on reading in the same way. Then it hands over. Its row goes last. Only the leases of a
// worker that died wait for the TTL.
//
// While its leases move one after the other, the plan for those that are left may change: each
// heir still gets as many, but other ones. So it keeps to the first plan in which it drains
// until a worker comes or goes: then each heir looks often until it has all that comes to it. A
// worker that comes into a lease which by its own plan is a third one's by now reads it until
// that one is known to look often, as with any other lease of its own.
//
// # A worker that can't read
//
// A worker may reach the store and not the service: a network that is cut on one side, credentials
// that only it can't renew. Nobody forgets it, since its heartbeats come. So it says so itself.
//
//	       0     0.5 TTL                    2 TTL
//	-------|--------|-------------------------|---------------------|-----------
//	   no call is   |  its row says that      |  hands over what      |  a probe is
//	   answered     |  it is unable; it goes  |  others can have, and |  answered: its row
//	                |  on trying              |  probes               |  says so no more
//
// The rules:
//
//   - When no call of the service has been answered for 0.5 TTL, and a probe fails too, which is one
//     more reading of any shard, the worker is unable. Its row says so with a heartbeat: the
//     capacity is below 0. Failures that show that the service answers don't count: throttling,
//     and what is said of one shard or stream.
//   - The plan gives an unable worker only what no able one can have. If all are unable, it is as
//     if none were.
//   - An unable worker keeps its leases, and tries to read on, until it has known of an able one
//     for 1.5 TTL on end. So if the service is away from all, all have said so before one has given
//     anything away, and if it comes back, all have found out before one gives anything to
//     the one that was the first. No lease moves.
//   - A plan holds for as long as the same workers are able. Who finds out that one is unable or able
//     again, itself or another, stops reading nothing for anybody before it has the next plan, however
//     long that takes; nor does an unable worker for one that is gone.
//   - While an unable worker is to give a lease away, all others probe too: they may not have tried
//     to read for long, and would be taken for able.
//   - An unable worker probes every 0.25 TTL, and every 0.5 TTL when it has given leases away. When a
//     probe is answered, it is able again. Who has to give leases away once more within 60 TTL
//     comes back only after probes have been answered for 1 TTL, the next time for 2, and so on up
//     to 30.
//
// All of it only decides who is planned to read. Leases move as they always do, by planned
// hand-overs. Draining, by the worker itself or an operator, has nothing to do with it and goes
// first.
//
// # Shards
//
// The first worker of a group that reads a stream writes the stream's row with the start
// position; LATEST becomes the time of that moment. Then it writes a lease for every shard that
// the stream lists, parents first: at the start position, or finished if the shard had ended
// before. Of workers that start together one does that, the one that lists (see below), when it
// has loaded once after it joined, so that all see the same workers; others begin if nothing
// has happened for 0.5 TTL. When all leases are there, the stream is seeded. From then on every shard that has no lease
// yet is new and begins at TRIM_HORIZON, whatever the start position was.
//
// The owner of a shard that has ended, and whose records are all done, writes leases for the
// children that the service names, then finishes its own. In addition one worker, the same in
// all plans, lists the shards now and then: that finds children of services that name none, and
// holes in the range of hash keys. A lease is written only when each of the shard's parents has
// one, or is known to be gone. The row names those parents that had one: they had to be finished
// before the lease could move. (A reset to a start takes the names of parents without a row
// out of it.)
//
// A finished lease is deleted when the service has not listed its shard for several listings,
// and all its children have leases that have moved. It must stay for as long as its shard is
// listed, or the shard would look new.
//
// # Invariants
//
//  1. A lease changes only by a compare-and-set on its revision and its owner.
//  2. Only the owner changes the checkpoint, and only forward. (An operator's reset takes the
//     lease from its owner in the same change.)
//  3. A worker becomes owner in one of two ways: it takes a lease whose owner is empty or has
//     no row, or the owner hands it over. It never takes one from a worker that has a row.
//  4. The owner changes at most once in a revision, and the epoch rises by one each time.
//  5. Worker IDs are never used again. A row of a worker that is gone never comes back.
//  6. A worker delivers records of a shard only while it is the owner by the newest row that it
//     knows, and only until 0.7 TTL after the start of its last answered heartbeat.
//  7. A worker's row is deleted by itself after its last hand-over, or by an observer that has
//     seen the same beat for 0.85 TTL. (An operator may delete it by force.)
//  8. A lease with a parent that has a lease is not read before that one is finished.
//  9. A lease is finished after all its records are acknowledged, and its children have leases
//     if the service named them.
//  10. A checkpoint is stored only of records that were acknowledged, together with all records
//     before them in their shard.
//
// From 3, 6 and 7: two workers deliver records of one shard at the same time only if a handler
// goes on after its context was cancelled, or a clock ran slow by more than the margin, 0.15
// TTL in 0.85. And from 1 and 2: even then the former owner can't move the checkpoint.
//
// # What a lost answer means
//
// A change may have been made although its answer never came. Whoever tries it again finds that
// the revision has moved on. It is recognised by comparing the row with what was to be written:
// all fields are equal exactly if the change was made, since worker IDs are unique and a worker
// has one change of a lease in flight at a time. That is the business of stores: see
// [Store.Update]. Heartbeats and deletions may simply be made twice.
//
// # What it costs
//
// A worker makes a heartbeat every 0.3 TTL, a poll every 0.05 TTL for each worker in the group,
// at least 0.1 and at most 0.5 TTL, and a load when the version has risen, or every 5 minutes.
// With the default of 10 seconds, ten workers make 12,000 heartbeats and 7,200 polls in an
// hour, however many shards there are; to which comes one write for each checkpoint that moved.
// A worker that waits for a lease, or suspects another to be dead, polls every 0.025 to 0.05
// TTL, and for 0.5 TTL while the first leases of a stream are written; and every 0.1 TTL for one
// TTL after workers have come or gone.
package lease
