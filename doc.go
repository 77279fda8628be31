// Package kin is a client system for Amazon Kinesis Data Streams: a [Reader] that
// reads one shard or a whole stream as an iterator, and a [Producer] that batches
// and puts records.
package kin
