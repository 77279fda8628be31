// Package hashkey is the arithmetic of Kinesis hash keys: unsigned numbers of
// 128 bits, and the inclusive ranges of them that shards own. It is pure: values
// in, values out.
//
// A record belongs to the shard whose range holds the record's hash key. That is
// the explicit hash key if the record has one, else the MD5 of its partition key,
// read as a big-endian number. The ranges of the open shards of a stream cover
// all keys and do not overlap:
//
//	0                                                     2^128 - 1
//	|-- shard 0 --|------ shard 1 ------|------ shard 2 ------|
//	^Start     End^^Start
//
// Invariants:
//
//   - Both ends of a [Range] belong to it, so no range is empty, and the range of
//     one key has Start == End. Start <= End holds for every Range that this
//     package makes.
//   - Where one range ends, the next starts one key higher: that is what
//     [Range.Adjacent] means, [Range.Split] makes and [Range.Merge] undoes.
//   - [Key.String] and [Parse] are inverse to each other. Parse accepts exactly
//     what the service accepts: decimal, no sign, no leading zero, below 2^128.
package hashkey
