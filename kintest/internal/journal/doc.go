// Package journal is an append-only log on disk: bytes in, the same bytes out
// after the process was killed. It knows nothing about what it keeps.
//
// # Words
//
// The journal is a directory of segments. A segment is a file of frames; a frame is
// an [Entry] with a header that protects it. One segment, the newest, is written to.
// When it is large enough, the next one is begun with a snapshot at its head:
//
//	00000000000000000007.log    [head][entry][entry][entry] ... [entry]   full
//	00000000000000000009.log    [head][entry][entry] ... [entry]          full
//	00000000000000000010.log    [head][entry][entry]                      written to
//	                             |
//	                             +-- which older segments there are (7 and 9),
//	                                 snapshot, end of the head
//
// An entry of group 0 is a state: the snapshots of all later segments make it
// superfluous. An entry of another group lives as long as [Options].Alive says so of
// its group and stamp. A segment of which nothing lives is deleted, also from
// the middle: here 8 is gone. The states of a journal are therefore all in its newest segment
// ([Journal.ReplayStates]); the other entries are in all of them ([Journal.Replay]).
//
// # What holds
//
//   - When Append returns nil, the entries were written to the file. They are found
//     again after a crash of the process, kill -9 included: the operating system has
//     them. A power failure or a crash of the operating system may cost the newest entries
//     of unsynced writes; with [Options].Sync, it costs none that was answered.
//   - Entries are replayed in the order in which Append wrote them, and those of one
//     call stay together. Calls that overlap are written in any order.
//   - If a call was never answered, its entries may be there or not, or the first
//     few of them.
//   - A frame that was not written to its end is cut off when the journal is opened,
//     and [Journal.Cut] reports it. That can only be the last one of the newest segment.
//   - Anything else that does not fit is damage and reported as a [CorruptError]: a
//     changed bit, a frame at a place that it was not written for, a segment that
//     is missing. Nothing is skipped in silence.
//   - After a write has failed, all later ones fail: what is in the file is not known
//     until it is opened again.
//   - Two processes never have one directory open (where the system has file locks:
//     Linux, macOS, the BSDs, Windows). The lock goes with the process.
//   - Replaying needs memory for the largest entry only.
//
// # Frames
//
// Numbers are little-endian; checksums are CRC-32C.
//
//	0       4        8      9       17      25        29
//	+-------+--------+------+-------+-------+---------+-----------
//	|length | CRC of | kind | group | stamp | CRC of  | payload ..
//	|       |payload |      |       |       | header  |
//	+-------+--------+------+-------+-------+---------+-----------
//
// The checksum of the header covers the number of the segment and the offset of the
// frame as well, so that a block of an old file, or of another place, is not taken for
// good. It is apart from that of the payload so that the length can be trusted: a frame
// that reaches behind the end of the file was cut short, and was not damaged.
//
// A segment gets its name when its head is complete and synced, so a segment without
// a whole head is damaged. Segments are also synced when they are full.
//
// # Writing
//
// Calls of Append that overlap share one write (group commit). The one that finds
// nobody writing leads: it takes what has gathered, writes it without holding the
// lock, and makes one of those that came meanwhile the next leader. No goroutine runs
// when nobody calls.
//
// # Why not an embedded database
//
// The data is a log: records are appended and never changed, and they leave in the
// order in which they came. The index that a database would keep on disk is in the
// server's memory anyhow, because the records are. What is left is what this
// package does, in a few hundred lines that can be tested at every byte. A database
// would write everything twice (its own log, then its tree), compact
// in the background of a program whose speed is measured, and be a dependency of
// every user of the library, which is to need nothing but the SDK.
package journal
