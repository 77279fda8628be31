// Package batch decides which records go into the next PutRecords call. It is
// pure: it holds values and answers questions about them; it neither waits nor
// reads a clock. Moments are durations since an epoch that the caller chooses.
//
//	           Add                      full, or Seal
//	records ---------> open batch ----------------------> sealed, first in first out
//	   ^                   |                                   |
//	   | due               | its due moment has come           | Next
//	 Later <- failed ------+-----------------------------------+--> one call
//
// A [Collector] fills one open batch in the order of Add and seals it when the
// next item does not fit, by count or by bytes, or when it is exactly full. Sealed
// batches leave first, in their order; the open batch leaves when it is due. As
// long as nobody asks for it, a batch that is due goes on filling: while all
// connections are busy, batches become fuller by themselves.
//
// [Later] keeps items that must wait for a moment of their own: the back-off
// before another attempt.
//
// Invariants:
//
//   - Every item that was added leaves exactly once, by Next or by Expire.
//   - A batch has at least 1 and at most Limits.Records items. Their sizes sum up
//     to at most Limits.Bytes, except that an item larger than that is alone.
//   - Batches leave in the order in which their first items were added, except those
//     of AddFirst, and the items in a batch are in the order of Add.
//   - Next gives nothing before the open batch is due, unless a batch is sealed.
package batch
