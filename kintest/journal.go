package kintest

import "github.com/kinstream/kin/kintest/internal/shardlog"

// keeper is told of everything that has to survive a restart. Its methods are
// called without locks, from many goroutines, after the change was made in memory
// and before the call that made it is answered.
type keeper interface {
	// state says that a stream changed. States of one stream may come out of order;
	// the one with the largest version counts. A stream whose state is gone is deleted.
	state(st *stream, state *streamState)

	// appended says that records were added. Those of one shard may come out of order;
	// their counters tell. The bytes are the caller's. An error fails the call.
	appended(st *stream, records []appended) error

	// account says that the settings of an account in a region changed.
	account(key accountKey, a accountState)

	// close lets go of the files. Later calls fail.
	close() error
}

// appended is one record that was added to a shard.
type appended struct {
	shard   *shard
	counter uint64
	arrival int64 // milliseconds
	entry   shardlog.Entry
}
