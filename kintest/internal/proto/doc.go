// Package proto reads requests and writes answers in the two encodings that Kinesis speaks: AWS JSON 1.1 and its CBOR twin.
//
//	                Unmarshal: by reflection            Append: by the SDK's serializers
//	body --+--> reader --> SDK input struct --> operation --> SDK output struct --+--> body
//	       |                                                                      |
//	       +--> reader --> hot.go request   --> operation --> hot.go reply -------+
//	                Read...: by hand, no copies          Append...: by hand, from the shard's memory
//
// Nearly all operations are rare and go through the SDK's own structs. The three that carry records go by hand: their
// requests alias the body, also base64, which is decoded where it stands, and their answers are written straight from
// the memory of the shard.
//
// What holds:
//
//   - Whatever a body holds, reading it ends in a request or in an [*Error], which is the service's SerializationException. It
//     never panics, and takes memory in proportion to the body only.
//   - Members that are null or unknown count as not there. Of a member that comes twice the last one counts.
//   - What the SDK writes is read as it was meant, and what is written is read by the SDK as it was meant, for every
//     operation: the tests hold both directions against the SDK's codec.
package proto
