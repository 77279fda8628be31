// Package watermark follows which records of one shard have been acknowledged, in any order,
// and up to where all of them have: that is what a checkpoint may say. It is pure: no I/O, no
// clock, no goroutine. Whoever shares a [Mark] between goroutines guards it.
//
// Records are added in the order of the shard, in spans: a page, or what is left of one after
// unpacking. Within a Mark each record has a number; they count up from 0 without a gap.
//
//	span     A            B                C        D
//	number   0 1 2 3 4    5 6 7 8 9 10     11 12    13 14 ...
//	         + + + + +    + + . + . +      + +      . .          + acknowledged
//	                          ^                           ^
//	                          Next: 7                     End: 15
//	         done, let go     kept: window of 8 records
//
// The prefix ends in span B, of which 2 records are done. [Mark.Take] says so, with the value
// that B was added with, and the caller makes a position of record 1 of B: the Mark knows
// nothing of sequence numbers, nor of indexes in aggregated records.
//
// # What holds
//
//   - Next never goes back, and every record below it has been acknowledged.
//   - Record Next has not been acknowledged, or has not been added.
//   - Acknowledging twice, or what was never added, changes nothing.
//   - A span is kept until it and all before it are done; then the Mark refers to its value no
//     longer than until Take. Bounding the window is the caller's business.
//
// # Cost
//
// A span that is acknowledged in order, record by record or at once, costs nothing per record
// but a comparison and an addition, and no allocation. The first record that is acknowledged
// out of order gives its span a bitmap, one bit for each record; bitmaps are used again.
package watermark
