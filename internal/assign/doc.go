// Package assign decides which worker of a group reads which shard. It is pure, and the same
// input gives the same plan everywhere: all workers of a group find the same one without
// asking each other, and each carries out the part that concerns it.
//
//	three workers have 4, 4 and 2 leases; C has just died; D joins; d... are of another stream,
//	which A can't read
//
//	           A              B              D              nobody
//	has        a1 a2 a3 a4    a5 a6 d1 d2    -              d3 a7
//	keep       a1 a2 a3 a4    a5 a6 d1 d2    -              d3 a7
//	fill       a1 a2 a3 a4    a5 a6 d1 d2    d3 a7          -
//	level      a1 a2 a3       a5 a6 d1 d2    d3 a7 a4       -
//
// # What matters, in this order
//
//  1. Nobody gets a lease that it can't have: of a stream that it can't read, beyond its
//     capacity, or while it is draining. Nobody who is unable gets one that somebody else can
//     have: what those leave over is planned for the unable ones by themselves.
//  2. A lease that is pinned to a worker which can have it goes there, and counts.
//  3. As many leases as possible have a worker.
//  4. The counts are as even as 1 and 2 allow: within one of each other if all workers can
//     have all leases. Of several plans the one with the least sum of squared counts is the
//     most even one.
//  5. As few leases as possible move: are taken from a worker that has them and may have them.
//  6. Loads are near each other, and each stream is spread over the workers, as far as that is
//     free: it decides which leases move, and where to, but not how many.
//  7. Only if a worker has more than twice the load of another one, leases are exchanged for
//     that alone.
//
// # How
//
// Rules 3 to 5 are about numbers, not about single leases: how many leases of each class a
// worker gets, where a class is the leases that the same workers can read. (In most groups
// there is one.) That is a flow of least cost: workers keep what they have; what is left goes
// to those with the fewest; then leases go from those with most to those with fewest. In one
// class that is the best flow. In several it may not be, so circles of changes that make it
// better are looked for until there is none, and then no flow is better. A search begins with
// the distances of the one before, and looks again only at what a circle has changed.
//
// Then leases are chosen for the numbers. A worker that is to have fewer parts with leases
// that take its excess of load along, and otherwise are like the average. They, and those that
// nobody has, go to the workers that are to have more, the heaviest first, each to where load
// is least. Last come the exchanges of rule 7, pair by pair of workers until no pair has one
// that is worth it. Pairs that have not changed since they were looked at are left out, and
// leases for which nothing that could come back would be of the right weight.
//
// # What holds
//
//   - The order of the input makes no difference. Ties are broken by the order of keys and
//     IDs, and by hashes of both, so that workers that do not know of the same others yet
//     agree about half of the leases, not about a few.
//   - The plan that follows from a plan that was carried out is the same. The numbers are: the
//     plan without moves is the only one without. The exchanges are: what is left are those
//     that are not worth it, whoever had the leases before.
//   - A plan that was carried out in part leads to no more moves than the rest of it. Which
//     leases move and which workers give them is nearly always as before, because each worker
//     chooses by what it has itself.
package assign
