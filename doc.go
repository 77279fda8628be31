// Package kin is a client system for Amazon Kinesis Data Streams.
//
//	Producer  puts records, packed together if asked to: a result for each, bounded memory
//	Reader    reads one shard or a whole stream as an iterator, and resumes
//	Consumer  is one of the processes of a group that share the shards of streams
//
//	produce:  Put -> lane of its shard (pace, linger) -> aggregate -> PutRecords -> result per record
//
//	          a stream:  shardId-0 --split--> shardId-2, shardId-3 --merge--> ...
//
//	read:     which shards may be read -> GetRecords per shard -> de-aggregate -> loop body
//
//	consume:  which shards are mine -> GetRecords per shard -> de-aggregate -> handler -> checkpoint
//
// Package wire makes any Kinesis client of the AWS SDK several times faster, and is
// what Producer, Reader and Consumer use by themselves. Packages memstore, dynamostore and
// sqlstore keep what the workers of a group share; package lease is their protocol. Package aggregate is the format of the
// KPL. Package kintest is a Kinesis server for tests.
//
// # What holds
//
//   - Nothing is lost in silence. A record that was put is answered once: stored, not
//     stored, or [PutError] with Ambiguous. A record that the service returned is
//     yielded, or its absence is a hook call and a count. A record counts as read
//     when its loop body is finished, not when it is handed out.
//   - At least once in a group. A checkpoint passes a record when the handler is done with it and
//     with all before it in its shard; a worker that lost a shard can't move its checkpoint, and
//     stops by itself before another one may begin.
//   - Order. Records of a shard are yielded in the order of their sequence numbers.
//     A shard begins when all of its parents have been read to their end.
//   - No gap at a reshard. Shards that are found while reading begin at their oldest record,
//     whatever the position was at which reading began.
//   - A [Position] continues with the next user record: inside of an aggregated
//     record, after the iterator expired, after the shard was split or merged.
//   - Memory, goroutines and calls in flight are bounded; the field that sets a bound
//     says what happens there.
//   - One bad shard or record stops nothing else.
//
// # Lifecycle
//
// Constructors check their configuration, fill in defaults and return: they make no
// call and start nothing, so what was made and not used needs no end.
//
// A [Reader] works while a loop ranges over [Reader.Records], and only then. When the loop
// has ended, by an error, by break, return or panic, or because there is nothing more to
// read, nothing that it started still runs.
//
// A [Consumer] works while [Consumer.Run] runs. The end of Run's context is a wanted stop: the batches
// in hand are finished, checkpoints stored, shards handed over. When Run has returned, nothing that it
// started still runs.
//
// A [Producer] starts with its first record and ends in [Producer.Close], which
// puts what is buffered. A context that was cancelled by a signal must not be that of Close: the example of Close
// shows how to end then.
//
// A context that ends stops what it was given to. For a Consumer that is no error; elsewhere the error wraps its cause.
// Contexts that handlers get are cancelled with a cause.
//
// # Failures
//
// Calls that fail for a reason that may pass are made again by kin and not by the SDK, whose
// own retries are off, so that hooks see every attempt. Everything else is
// an error with its operation, stream and shard ([ShardError], [PutError]), but in a Consumer,
// where a shard waits until somebody has cured it; the
// SDK's error is in its chain. kin logs only what nobody can be told, and to nowhere unless a
// Logger is set.
package kin
