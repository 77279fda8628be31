// Package aggregate reads and writes aggregated records: the format of the Kinesis
// Producer Library (KPL), which packs many user records into one Kinesis record.
//
// To read, give the data of every Kinesis record to [Parse]. It says whether the
// record is aggregated; if so, [Aggregate.Records] yields the user records, and
// if not, the Kinesis record is itself the user record. To write, add user records
// to a [Builder] while [Builder.SizeWith] stays below the limit, and put what
// [Builder.Pack] returns.
//
// # Format
//
//	offset 0         4                                            n-16      n
//	       +---------+--------------------------------------------+---------+
//	       |F3899AC2 | protobuf message AggregatedRecord          | MD5 of  |
//	       | (magic) |                                            | message |
//	       +---------+--------------------------------------------+---------+
//
//	AggregatedRecord: 1 partition key table      repeated string
//	                  2 explicit hash key table  repeated string
//	                  3 records                  repeated Record
//	Record:           1 partition key index      uint64, required
//	                  2 explicit hash key index  uint64, optional
//	                  3 data                     bytes, required
//	                  4 tags                     repeated Tag, ignored here
//
// Indices count from 0. A writer de-duplicates the tables; a reader accepts
// duplicates, fields in any order and fields that it does not know.
//
// # What holds when reading
//
//   - No input makes it panic, and memory is bounded by a multiple of the input.
//   - Data that is too short, or has another magic number or a checksum that does
//     not match, or no protobuf message in between, is not aggregated. It is one
//     plain user record, as in KCL. Nothing is dropped.
//   - One bad user record does not cost its neighbours: it is reported as a
//     [RecordError] in its place, and the next one follows. (KCL loses all
//     user records after a bad index.)
//   - The index of a user record counts bad ones, so it is stable: with the sequence
//     number of the Kinesis record it is a position to resume from.
//   - Only one level is unpacked.
//
// # What holds when writing
//
//   - [Builder.Size] is exact, so a limit can be filled to the last byte.
//   - What a Builder packs, Parse reads back as it was. A single user record is
//     packed raw, as the KPL does, unless its data would be taken for aggregated.
//   - The packed record has an explicit hash key, that of its first user record,
//     so that it goes to the shard where the user record belongs.
//
// # Which records may be packed together
//
// KCL drops an aggregated record of which a user record does not belong to the
// shard that it was read from. So pack only user records that go to the same
// shard, or, where resharding must not get in between, only those of one partition
// key. A Builder does not know the shards and does not check that.
//
// Streams with service-managed record distribution do not support aggregated
// records at all.
package aggregate
