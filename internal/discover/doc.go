// Package discover decides which leases a group needs for the shards of a stream, where they
// begin, which may be read, and which are over. It is pure: listings, the ends of shards and
// rows go in, rows to create and to delete come out. The rules are those of package lease,
// "Shards"; here is why they hold although everything that goes in may be old or incomplete.
//
//	listing:  a (closed)   b (closed) <- a   c <- a   d <- b   e <- b
//	rows:     a finished   b at 4711
//
//	          c is new, and its parent has a lease:    create now, at TRIM_HORIZON
//	          d, e too: their parent b has one:        create now; they wait for b
//
//	rows:     a finished   -           c at 815
//
//	          b is new, its parent has a lease:        create now
//	          d, e: b is listed and has no lease:      create when b is there
//
// # What can be wrong with what goes in
//
// A listing may lack shards: just after a reshard it may have a parent without its children,
// one child without the other, or a grandchild without its parent. It may be older than the
// rows, if the worker that made it was held up. A service may name the children at the end of
// a shard, or some of them, with one parent of two, or none. Rows may be older than the store,
// and a load that ran while rows were written may have missed some of them and seen others
// that were written later. Any worker may stop between any two rows, and two of them may do
// all this at the same time, for different listings.
//
// # What holds all the same
//
//   - Leases are created in waves. In a wave, each parent of each shard has a row already, or
//     is gone. So whoever stops after any row, or makes only some of a wave, leaves no child
//     without its parents; who comes next sees the rest as new and goes on.
//   - A parent is gone if a listing has its child and not the parent, and nothing says that
//     the listing is wrong: no older shard that would have been trimmed first
//     ([topology.Incomplete]). If something does, the child waits for three listings in a row,
//     over a minute ([topology.Absence]): those that come within seconds may all lack the same
//     shard. The same goes for a child that only the end of a shard has named. Why one
//     listing is enough otherwise: package topology.
//   - A row names the parents that had rows. [Ready] waits for each of them: until it is
//     finished, or its row is gone and the child has moved, which it could not have before. A
//     parent's row is deleted only when its children have moved, so one that seems to be
//     missing although the child has not moved is there, and will be seen by the next load.
//   - A shard that is listed and has no lease is new, unless a younger shard of the same keys
//     has one. Then it was deleted, and the listing is older than that; or it was missing in
//     all listings before. The first is made sure by a second listing, begun later. If it is
//     there again it gets a lease after all: late, and perhaps twice, but not never. It begins
//     at the start position, because it is older than a shard that did.
//   - A lease is deleted when it is finished, three listings without a hole in a row, over
//     five minutes, did not have its shard, no parent has a lease any more, and younger leases
//     that have moved own all its keys. So it never looks new as long as the service lists it,
//     and the oldest go first. Who was held up since before that, between a plan and its
//     writes, may create it again; the shard is gone, so it is finished unread, and deleted.
//   - A row that has not moved and names a parent without a row, over two listings, was set
//     back by an operator, or its parent was deleted by force. The name is taken out, so that
//     nothing waits for ever.
//
// Two workers that create the same lease write it with a compare-and-set: one of them is
// refused, and finds that what it wanted is there. No worker needs to know what others do.
//
// # Where a shard begins
//
// While the stream is not seeded, at the start position of its row; or nowhere, if it had
// ended before that: then it is finished from the beginning, because it must not look new
// later. That is believed only if all of its ancestors that are not gone are listed, and had
// ended before, too: what the service says may come from a listing that lacked the shard. When
// every listed shard has a lease and the open ones own all keys, the stream is seeded. (Keys that
// have no owner in three listings, over a minute, do not hold that up.) From then on new shards
// begin at TRIM_HORIZON.
//
// A child at the end of a shard has no records from before the start position if its parent
// had not ended before. But a parent may end within the minute for which the service's arrival
// times are approximate, so while the stream is not seeded children begin at the start
// position as well.
package discover
