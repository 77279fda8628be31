package kin

import (
	"cmp"
	"strings"
)

// ShardID names a shard of a stream, for example shardId-000000000000.
type ShardID string

// SequenceNumber is the number that Kinesis gives to a record: a decimal of up
// to 129 digits, in practice 56, that grows along a shard. Numbers are not
// contiguous. They are opaque but for their order, which [SequenceNumber.Compare]
// gives; comparing them as strings is wrong when their lengths differ.
type SequenceNumber string

// Compare returns -1, 0 or 1 as s is numerically lower than, equal to or higher
// than t. Leading zeros do not count, and an empty number is lower than all.
func (s SequenceNumber) Compare(t SequenceNumber) int {
	a := strings.TrimLeft(string(s), "0")
	b := strings.TrimLeft(string(t), "0")
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	if c := strings.Compare(a, b); c != 0 {
		return c
	}
	// "0" and "" differ: a number against none.
	return cmp.Compare(min(len(s), 1), min(len(t), 1))
}
