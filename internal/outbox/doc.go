// Package outbox decides which records go into which PutRecords call, when, and what becomes of
// them. It is pure: no I/O, no clock, no goroutine, no context. Moments are durations since an epoch that the
// caller chooses; randomness is a function that comes in. The caller has the lock, makes the calls, packs the
// aggregates, and answers the owners of records.
//
//	Offer -- no room --> Waiter ----+
//	  | room                        | room (admission)
//	  v                             v
//	lane of the predicted shard: a queue in the order of acceptance
//	  |    ^
//	  |    | back to its place in the order: throttled, failed, halved, landed where consumers drop it
//	  v    |
//	Next: entries (packed, or records as they are), within the lane's tokens --> Call
//	       |                                                                      |
//	       +----------------------- Settle <-- Place or Failure of each entry ----+
//	                                   |
//	        final: answer, Release     |     Landed: wait for a map that knows the shard
//
// # The way of a record
//
// [Outbox.Offer] accepts an [Item] into the lane of the shard that its hash key belongs to,
// if the [Space] has room. [Outbox.Next] forms calls: an [Entry] is one Kinesis record, of one item or of
// several. The caller packs, sends, tells [Outbox.Settle] what became of each entry, answers the items
// whose [Verdict] is final, and gives the call back with [Outbox.Release] when its callbacks have returned. Items
// of which nobody knows more, because they expired or were given up, come out of Next as Step.Over.
//
// An item carries its place in the order of acceptance. A queue is sorted by it, always: what failed goes
// back in front of what is younger, and a new map deals all items out again in that order.
//
// # Lanes
//
//	state      what a lane waits for                       how it ends
//	Idle       nothing is in it                            a record is accepted, or comes back
//	Gathering  more records                                its oldest has waited for Linger; Flush; Close
//	Ready      a call                                      Next, in turns
//	Limited    tokens                                      at the next tick after there are enough
//	Paused     the end of a pause after failures           at the next tick after it
//	Held       with order: the end of what is in flight    Settle, or the judgement of what landed
//
// A call goes when a lane is Ready, or when those that gather could fill it; never while
// MaxInFlight calls are out, or while the stream stands still because calls fail. It takes what
// ready lanes have, in turns, then full entries of gathering ones, and then the rest of those whose
// Linger is half over. Lanes that gather, and those that sleep, are kept in heaps by their moments: Next looks at
// lanes that have something to do, not at all lanes. Lanes that wait for tokens wake at ticks of 25 ms, so that
// at the limits of the shards a tick makes a few large calls and not one small call for each lane.
//
// # Maps
//
// A [Map] is made of a listing whose open shards are a partition of all hash keys, else
// not at all. Without one, and for a stream that shares records out itself, 64 equal ranges without names are
// the lanes, without pace. A new map keeps the lanes of shards that stay, and deals out what
// waits in the others. With order, a new lane is Held until what is in flight from the old ones that
// it overlaps is settled.
//
// A stream that is gone is forgotten (Forget): one of its name that is made anew has other shards with the same names.
//
// Where an entry lands is compared with the prediction. Any difference asks for a new [View], once a second at
// most. An aggregate that landed elsewhere is stored only if the range of that shard holds the
// hash keys of all its items: consumers as the KCL drop it as a whole otherwise, and so its items wait
// again, as possible duplicates. If the range is not known, the entry is Landed until a map knows it; after 5 s
// without one, and at the second time, its records are put alone, which is right wherever they land.
//
// Nothing is packed unless it is known that the stream chooses shards by key, and nothing paced whose shard is not known.
// So that short runs are packed too, and the beginning of a flood is not refused, calls wait for the first View, half a
// second at most.
//
// # Pace
//
// Each lane of a known shard has two token buckets, of bytes and of records, that hold half a
// second of the shard's limits. An entry needs tokens for all of it, or a full bucket, which then goes into debt:
// a record may be larger than a bucket. Throttled entries give their tokens back, since the
// service did not take any, and so does the difference between an estimated and a packed size.
//
// The service counts when a call comes, and not when it was sent: calls of which some take longer may come together,
// with the tokens of all the time since. So what is out, and what came back and the shard need not have got over yet, is a
// second's worth of the limits at most. That slows down lanes whose calls take longer than that.
//
// A factor from 0.05 to 1 times the rates follows what the service answers, looked at in windows of 40 entries
// and a second at least, or 10 seconds:
//
//	throttled    the factor
//	above 10 %   goes to what was stored, at most to the half, and 5 % below that
//	7 to 10 %    stays
//	below 7 %    rises by 2 % of the full rate in a second, up to 1
//
// A shard that refuses everything for a while, four calls at least, says nothing about what it takes: the pauses
// are enough then, and with the first entry that it stores the factor is what it was before.
// Its aggregates get smaller meanwhile: where others put all that the shard takes, only something small finds room.
//
// So refusals of 5 % for no reason cost nothing, and producers that share a shard come to the
// whole of its limit with few refusals. A lane of which everything failed pauses for 50 ms, doubled up to
// 2 s; one of which something failed, for 50 ms. The tokens of a pause are not lost, as far as the bucket holds them.
//
// # Order
//
// With Config.Ordered a lane has one call at a time. By shard, that is one entry with all that waits, up to
// what a record may hold: entries of one call may be stored in any order. Else it is one entry for each hash key;
// what does not go into it is passed over, and so is what came later of that key.
//
// # Refused calls
//
// A call that is refused as a whole for what is in it (Failure.Content) is put again in halves, those again in halves, until
// the bad record is alone. Only that is refused. After 16 records in a row that were refused alone it is not the records:
// what is refused then is final, until something is stored.
//
//	of 20,000 records in 64 lanes     calls, of which 40 without any bad one
//	one is bad                          61
//	one in 97 is                     3,044    15 for each: log2 of 500 down, and the halves beside
//	all of one lane are                 79
//	all are                          1,185    once: until the 16th, all calls are halved side by side
//
// Searching one call to its end before the next one needs 95 in the last line. It is not done, since then the 16 in a row
// can all be of one lane, or of one key, and good records would be refused for them. Nor is the message of the service
// read, which may name the record: what it names is what the caller has checked before. TestRefusedCallsOfManyLanes.
//
// # Room
//
// All that is held counts, from acceptance to release. A sixth of the space is the reserve. A lane that is not empty
// may have in its queue and in calls
//
//	4 times what is free above the reserve,
//	or an eighth of all that is free, if that is more,
//	or 16 KiB, but not more than 4 times what is free.
//
// and never more in its queue than a shard takes in half of RecordTTL, or the rest would expire. By records, a shard takes
// as many in a second as its entries had so far.
//
// So lanes that nobody empties leave room for the others: one leaves a third of the space, three that stop one after the
// other leave a sixth, ten leave a thirteenth. Waiters of a lane are served in their order, and lanes in turns.
//
// A record may need more than is free. The first one that does has its turn: it gets in as soon as it finds room. The
// others pass it meanwhile if they find room and their lane has at most an eighth of what is free, through a door:
//
//	door   when                                                     until
//	open   the large record would not get in if they had left      they have passed, or what was there before has left
//	shut   it would, or they hold the reserve                       they have left, it is in, or patience is over
//
// While it is shut, nothing gathers. Patience is 250 ms. If it is over, what is in the way is in a lane that has stopped: the
// door opens, and all that is held counts as what was there before. The next patience is twice as long, up to 4 s. So a
// large record holds up nobody while it can't get in, and else for 250 ms, unless more lanes stop meanwhile; and it gets
// in when lanes that have stopped leave room for it, if the others need at most 4 s for what they have.
//
// A lane's waiters pass those of theirs that need more than is free too, up to 8.
//
// While somebody waits for room and no call is out, nothing gathers. When all items are answered and only
// callbacks are left, which may wait for room themselves, one item is accepted on top of the bound; another one when
// that is released, or when nothing has moved for 100 ms.
//
// # What it does not do
//
//   - Aggregates of a stream without a map are not judged: one of a key that is stored between the switch to Auto
//     and the next View may be dropped by consumers that check hash keys.
//   - With order and without aggregation, or by key, a call of a lane looks past at most 4,096 records of keys that
//     have had their turn. Each call walks over them again.
//   - With order by shard, an entry carries at most what the bucket holds, half a second of the shard: calls that
//     take longer than that make a lane slower than its shard.
//
// # What holds, and what proves it
//
//   - Every accepted item gets one final verdict, and it is true: Stored is in the stream at that
//     place, where every consumer reads it; not Stored and not Ambiguous is not there; Stored and not Ambiguous
//     is there once. TestRandomHistories.
//   - With order, the first occurrences of the items of a hash key are in the order of acceptance.
//     TestRandomHistories. (An attempt that timed out may be stored later still.)
//   - A call has at most MaxCallRecords entries and MaxCallBytes bytes, unless it has one item; an entry, as packed,
//     is not larger than estimated. TestRandomHistories.
//   - What is held is within SpaceLimits.Bytes, but for one item when only callbacks are left. TestRandomHistories.
//   - At the limits of 64 shards, with 5 % of refusals, at least 97 % of what is possible is stored;
//     with two producers at least 90 %; a producer that is alone with its shards is refused nothing, however
//     unlike the times are that its calls take. TestThroughput.
//   - A lane that is not served does not hold up the others. TestHotShard.
//   - Who puts more into a shard than that takes waits, and nothing expires. TestNothingExpiresOfALaneAtItsLimits.
//   - Nor does a record for which such lanes leave no room, and it gets in when they do. TestLargeRecords,
//     TestWhoPassesALargeRecord.
package outbox
