// Package shardlog keeps the records of one shard in memory.
//
// # Words
//
// A log is a sequence of records. Each has a counter, its place in the shard: 1 for
// the first, and so on. Counters may skip (after a restart) and never repeat. A
// position is the counter of the record to read next; 0 is before everything.
// Records live in chunks, blocks of bytes with a small table:
//
//	log     first = 4                                    next = 12
//	        |                                            |
//	        v  chunk, base 1        chunk, base 6        v  chunk, base 10
//	        [ 1  2  3  4  5 ]       [ 6  7  8  9 ]         [ 10 11 .... ]
//	          ^^^^^^^                                            ^
//	          trimmed, but the chunk lives             room for more
//	          until its last record is trimmed
//
//	chunk   data    |payload key hash|payload key|payload key| free ...
//	        marks    end, arrival, lengths (12 bytes per record)
//
// # What holds
//
//   - Bytes and marks that were written never change. A reader copies the slice
//     headers under the lock and reads without it, also while records are appended,
//     and also after the chunk was trimmed.
//   - Arrival times never go back within a log, so that a time can be searched.
//   - Chunks are free of pointers, and the memory that a log holds beyond its
//     payload is bounded: 12 bytes per record, an eighth of the payload for room to
//     append (4 KiB in a small log), and up to one chunk (1 MiB) that is partly trimmed.
//   - A closed log takes no more records, and Append says so: whoever routes to it
//     must look again at where its hash keys went.
//
// Finding a counter or a time is a binary search over chunks and then over a table.
package shardlog
