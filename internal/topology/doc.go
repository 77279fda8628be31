// Package topology decides which shards of a stream may be read. It is pure: the
// caller tells a [Graph] what ListShards and the ends of shards said and which
// shards it reads; the Graph answers what may be read next. No I/O, no clock, no
// goroutine.
//
// Shards split and merge, so they form a graph in which records flow downwards:
//
//	shard-0 (closed) --split--> shard-2 (closed) --+
//	                       \--> shard-3 (open)     +--merge--> shard-4 (open)
//	shard-1 (closed) ------------------------------+
//
// Here shard-4 may be read when shard-1 and shard-2 are done, and shard-2 and
// shard-3 when shard-0 is done: otherwise the records of one key come out of order.
//
// # States
//
//	Unknown --List, Children--> Waiting --Begin--> Reading --Finish--> Done
//	                               \------- skipped, see below ---------^
//
// # What holds
//
//   - A waiting shard is in [Graph.Ready] if and only if all of its parents are out
//     of its way. A parent that the Graph knows is out of the way when it is Done
//     and not before, whether it is being read or not even begun.
//   - A parent that the Graph does not know is out of the way when a complete
//     listing had the child but not the parent: the stream has trimmed it. Until
//     then it blocks, because a child can be known from its other parent's end
//     before any listing shows it. It also blocks while an older shard of the same
//     hash keys is there, which would have been trimmed first: then the listing is
//     incomplete. Its [Absence] ends that: three listings over a minute. A parent that
//     was not even named blocks like one that is not known, until the first listing that
//     has the child: there may be one unless the parents that were named owned all of
//     the child's keys.
//     [Graph.Missing] names what is missing: list again.
//   - A shard is Ready once in its life. Telling the Graph the same thing twice, or
//     listing results that are older than what it knows, changes nothing: no shard
//     is ever forgotten, or goes back to an earlier state. (Forgetting a finished
//     shard that a late listing brings back would read it twice. The price is
//     about 300 bytes for each shard that the stream has ever had.)
//   - The order of shards is always that of their IDs, lower numbers first.
//
// # Trimmed, or not listed yet
//
// One listing is enough to take a parent for trimmed if no older shard speaks against it. A
// listing lacks only what is younger than it is old, which is seconds; and the service
// keeps a shard for a day at least after it was closed. Follow a key of the child back
// through its owners, for as long as a listing may lack them: they were all made within
// seconds. The owner before them was closed when the oldest of them was opened, so it is not
// trimmed; and it is too old to be lacking. It is the older shard. It does not exist only if the
// stream itself was made and resharded within those seconds: then the parent is read when
// it turns up, out of order, but not lost. (When the child began, which its first sequence
// number may tell, would say no more.)
//
// # Where a shard begins
//
// The first complete listing is what there was when reading started. Its shards
// begin at the start position of the caller. A shard that comes later is
// [Graph.Late]: it was made while reading and begins at TRIM_HORIZON whatever the
// start position, or the records that it got before it was noticed were lost.
//
// When the start position is the tip of the stream ([AtTip]), the closed shards of the
// first listing have nothing to give and are skipped: they are Done at once. So is an
// older shard that only a later listing shows, recognised by a child that began
// at the start.
//
// A caller that resumes tells [Graph.Resume] about every shard that it has a
// position of, before the first listing. Those shards are read, or Done, as it says.
// Their descendants are Late, also in the first listing: they were made after
// the position was kept. If one of the named shards is not listed any more, the
// line to its descendants may be cut; then each shard whose parents are not
// listed is Late as well, because reading a trimmed stream twice is better than
// missing a part of it.
//
// # Listings that are not complete
//
// ListShards is eventually consistent: just after a reshard a parent may be listed
// without its children, or one child without the other. [Graph.Coverage] finds
// that as holes in the hash range of the open shards; the caller lists again until there are
// none. A shard that is still listed as open while a child of it is known counts as
// closed.
package topology
