package shardlog

import "github.com/kinstream/kin/kintest/internal/seqnum"

// Record is one record as it is read. Data, Key and HashKey alias the memory of
// the log: they never change, and they stay valid for as long as they are
// referenced, also after the record was trimmed.
type Record struct {
	Seq     seqnum.Number
	Arrival int64 // milliseconds since 1970
	Data    []byte
	Key     []byte // partition key; nil if the record was put without one
	HashKey []byte // explicit hash key as it was given, decimal; nil if none was
	KMS     bool   // the stream was encrypted when the record was put
}
