// Package kintest is a local Kinesis: a server with the API, the limits and the
// errors of Amazon Kinesis Data Streams, for tests and for work without AWS.
//
//	s := kintest.New(t)           // in memory, gone with the test
//	if err := s.CreateStream("orders", 4); err != nil { ... }
//	client := s.Client()          // *kinesis.Client of the AWS SDK
//
// [New] serves on a network in memory, which works inside a testing/synctest bubble:
// there hours of polling pass in a moment. [NewServer] with [Server.Serve] is the
// same server on a real port. What the service has and this server has not is
// listed in UNSUPPORTED.md.
//
// # Words
//
// A stream has shards; each owns a range of hash keys and takes the records whose
// partition keys have such a hash. Splitting or merging closes shards, the parents,
// and opens their children. Records are kept for the stream's retention and then
// trimmed. A consumer is a name under which shards can be subscribed to.
//
//	HTTP, JSON or CBOR            direct API
//	      |                           |
//	   transport: decode, faults,     |
//	   request log, encode            |
//	      v                           v
//	   operation (one file each): validate, find, limit, do
//	      |                           |
//	      v                           v
//	   stream --> state, version 7    log of shard 0   [1 2 3 4 5 6 7 ...
//	   (lock to      shards by index  log of shard 1   [1 2 3|  closed
//	    change)      open by hash key log of shard 2        [1 2 3 4 ...
//	                 tags, consumers  log of shard 3        [1 2 3 ...
//
// The state of a stream is immutable. A change makes the next version under the
// stream's lock and publishes it; everyone else reads the current version without
// any lock. Only the logs change in place, each under its own lock, for as long as
// it takes to copy a record. No lock is shared by streams, or by the shards of one.
//
// # What holds
//
//   - A record that was acknowledged is read by every reader that starts before it,
//     until it is trimmed; records of a shard in the order of their sequence numbers.
//   - Sequence numbers grow within a shard, and those of a shard are larger than
//     all of its parents'. A parent takes no record after one of its children did,
//     except from a call that was under way when it was closed.
//   - The open shards of a stream own every hash key exactly once, in every state.
//   - A state that takes time ends at its time, exactly, though no timer runs: what
//     is due happens when the stream is next looked at, with the time when it was
//     due. A sleeping bubble is therefore never woken by the server for nothing.
//   - Iterators and tokens hold all they mean. The server keeps nothing for them, so
//     they can be used again, and checks a seal, so that it knows its own.
//   - Every error that a request causes is the client's (4xx) or one that was asked
//     for by a fault.
//
// # Keeping
//
// With [Config.Dir] streams and records outlive the process. Every change is in a file
// before its call is answered, so kill -9 costs nothing that was acknowledged; with
// [Config.Sync] a power failure does not either. What is kept is read into memory at
// the start: the directory is no way to hold more than memory does.
//
//   - After a restart the acknowledged records are there with their sequence numbers,
//     and new numbers are above all that were ever given out, also those of records
//     that were seen and never acknowledged.
//   - Iterators go on working until they expire. Subscriptions end; quotas per day begin anew.
//   - What was not written to its end is cut off and logged. Damage is an error of
//     [NewServer] that names the file and the place; nothing is skipped.
//   - When the disk fails, calls that put fail from then on, and the log says so once.
//     Other changes take effect, and are gone with the process.
//   - Files are deleted when all records in them have expired or belong to deleted streams.
//     That is looked at when a file is full, every 64 MiB, and at the start.
//
// # Time
//
// CREATING, UPDATING and DELETING last for [Config.StateDelay], by default no time at
// all. Reads and writes go on meanwhile, except that a stream that is being created
// does not exist yet. Changes of a stream other than the delay's end are not queued:
// a second one is refused with ResourceInUseException, as by the service.
//
// # Limits
//
// [Config.Limits] says which limits are enforced; [ServiceLimits] are the real ones.
// All are token buckets that hold one second's worth and are full at first:
//
//   - Written bytes and records, per shard. A record needs its bytes (data and
//     partition key) and one record. A record of more than the bucket holds, which
//     happens above 1 MiB, needs a full bucket and overdraws it: after 5 MiB the shard takes
//     nothing for 4 seconds. What is refused costs nothing.
//   - Read calls and bytes, per shard, for all callers of GetRecords together. A call
//     is served if a call is left and any byte is; its answer is then paid for, into
//     debt if need be. An answer above the bucket's size counts as if the bucket had been
//     empty, so that 10 MiB are followed by a pause of 5 seconds.
//   - GetShardIterator per shard, SubscribeToShard per consumer and shard, and the
//     bytes that one subscription is sent.
//   - With [Limits.ControlCalls] the calls of each other operation, per account and
//     region, or per stream where the service counts so; the changes per 24 hours; and
//     how many streams and consumers may be CREATING at once.
//
// The direct API ([Server.Put], [Server.Reshard] and so on) is never limited.
//
// # Faults
//
// [Server.Inject] makes things go wrong that go wrong rarely with the service. The fields
// of [Fault] can be combined; what they come to, by what a test wants to see survived:
//
//	stored, but not answered          Error or Cut: CutBefore, with AfterCommit
//	some records of a call refused    Records, or Shard with Error
//	a throttled hour                  Error: "ProvisionedThroughputExceededException", removed later
//	a shard that stands still         Shard with Delay, removed later
//	a proxy that lost its server      Status: 503
//	a network that breaks, or hangs   Cut, Hang, BodyDelay
//	a listing that lags behind        Operation: "ListShards", Repeat
//	a split between two calls         Operation: "GetRecords", Skip, Times: 1, Do
//	a wrong clock                     ClockSkew
//	iterators that expired            [Server.ExpireIterators]
//	subscriptions that ended          [Server.EndSubscriptions], or Operation: "SubscribeToShardEvent" with End
//
// [Server.Calls], [Server.Records], [Server.Shards] and [Server.Stats] show what came of it.
package kintest
