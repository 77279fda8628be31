// Package fetch reads one shard page by page with GetRecords.
//
// A [Shard] is a loop turned inside out: each call of [Shard.Next] goes on until it
// has an answer of the service or an error that asking again can't cure. In between
// it waits for its pace, renews iterators and repeats calls that failed. It
// starts no goroutine: the caller gives it one, and ends it by its context.
//
//	         +--------------------------- Next --------------------------+
//	pace --->| wait until due -> iterator? -> budget -> GetRecords       |---> Page
//	         |      ^               | none        |          |           |
//	         |      |               v             |          v           |
//	         |      +--- GetShardIterator         |      what now?       |---> *Error
//	         |      |                             |          |           |
//	         |      +----- back-off <-------------+----------+ transient |
//	         |      +----- pace <------------------------------ throttled|
//	         |      +----- drop the iterator <------------------- expired|
//	         +-----------------------------------------------------------+
//
// What holds:
//
//   - The position moves only when an answer has been read whole: to just after its
//     last record. Whatever happens to a call, the next one asks for the same
//     records or later ones, and no record is left out.
//   - An iterator that can't be used any more is renewed from the position, never
//     from where the shard was begun, unless no record has come since.
//   - LATEST is asked for once. Should that iterator be lost before a record came,
//     the position is the time at which LATEST was resolved, by the clock of the
//     service: what came in the meantime is read, and nothing is jumped over.
//   - A lag of 0 is not the end of a shard. Only an answer without a next iterator is.
//   - Memory: before a call its expected bytes are taken from a [Budget] that all
//     shards of a reader share, and the caller gives them back when it is done with
//     the page.
//   - The SDK makes one attempt per call. Two retry loops around each other would
//     multiply attempts and waits, the inner one would be invisible to hooks, and
//     its bucket of retry tokens, which is shared by all calls of a client, would
//     let one bad shard take the attempts of the good ones.
package fetch
