package kintest

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Cut says where a connection breaks. Over HTTP/2 it is the call's stream that breaks, as if the server had reset it.
type Cut int

// The places where a connection can break.
const (
	CutNone    Cut = iota // it doesn't
	CutBefore             // before anything of the answer was sent
	CutMidBody            // in the middle of the answer, after its header
	CutAfter              // in order, behind the whole answer; over HTTP/2 the client is told by GOAWAY
)

// Fault is something that goes wrong by order: which calls it hits, and what happens to them. See [Server.Inject].
//
// Which calls: all that fit Operation, Stream, Shard and Consumer, less those that Skip, Times and Probability let pass.
//
// What happens, in this order: Do is called; Delay and Hang wait; Error, Status and CutBefore answer without doing the work,
// or, with AfterCommit, after having done it; Records, ShardID, Empty, Repeat, Corrupt, BodyDelay, ClockSkew, CutMidBody and
// CutAfter change the answer to work that was done. Several can be combined, and several faults may hit one call: then delays
// add up, and of the others the one injected first wins. A Fault with nothing but Delay pauses a shard until it is removed.
//
// Events of subscriptions are hit by faults with the Operation "SubscribeToShardEvent": Error is sent as an exception in the
// stream and ends it, CutBefore breaks the connection instead of sending the event, CutMidBody sends half of its frame,
// Corrupt flips a bit of the frame, End ends the stream without a word, Empty leaves the event out, and the records that it
// had with it. BodyDelay, ClockSkew and CutAfter have no meaning there. Faults with an empty Operation don't hit events.
type Fault struct {
	// Operation is the operation to hit. Empty means any, of those that are answered once.
	Operation string

	// Stream is the name of the stream to hit. Empty means any, also none.
	Stream string

	// Shard is the ID of the shard to hit, for operations that name one or have an iterator of one. Of PutRecords it
	// hits the records that belong to the shard, with Error as theirs; Status and Cut have no meaning there.
	// Empty means any, also none.
	Shard string

	// Consumer is the name of the consumer to hit. Empty means any, also none.
	Consumer string

	// Skip is how many fitting calls pass first.
	Skip int

	// Times is how many calls are hit after that. Zero means all, until the fault is removed.
	Times int

	// Probability is the chance of each fitting call to be hit, of those not skipped. Zero means 1.
	Probability float64

	// Seed fixes the sequence of chances.
	Seed uint64

	// Hits, if set, counts the calls that were hit. [Server.FaultHits] counts those of all faults.
	Hits *atomic.Int64

	// Error is the code of the error to answer, as "ProvisionedThroughputExceededException".
	Error string

	// Message goes with Error. Empty means the service's usual one.
	Message string

	// Status is the HTTP status to answer. With Error it replaces the usual status of the error; alone it goes with an
	// empty body, as from a proxy that has lost its server. Zero means the error's own.
	Status int

	// AfterCommit does the work before Error, Status or CutBefore fail the call: stored, but not answered. A call that
	// fails by itself is answered with its own error.
	AfterCommit bool

	// Do, if set, is called for each call that is hit, before anything else happens to it, on the goroutine that serves it and
	// without locks held. It may use the server: to split a shard between two calls of a reader, or to tell a test that a
	// reader has come that far. The call goes on when Do returns.
	Do func()

	// Delay is how long the call waits before its work.
	Delay time.Duration

	// Hang makes the call wait until the client gives up, the fault is removed or the server is closed. Then the
	// connection is cut.
	Hang bool

	// BodyDelay is how long the answer stops in the middle of its body. The fault's removal does not shorten it.
	BodyDelay time.Duration

	// ClockSkew is added to the time that the answer says it is, in its Date header. Clients of the SDK sign their next
	// requests with such a time.
	ClockSkew time.Duration

	// Cut breaks the connection.
	Cut Cut

	// Records fails single records of PutRecords: it returns the error code for record i, or "". They are not
	// stored; with AfterCommit they are, and only reported as failed.
	Records func(i int) string

	// ShardID changes the shard IDs that PutRecord and PutRecords answer.
	ShardID func(shard string) string

	// Empty makes GetRecords answer without records, and with an iterator of the same place: a page without content.
	Empty bool

	// Repeat makes the call answer what the first fitting call was answered since the fault was injected, without doing its
	// work. With ListShards it makes a listing that lags behind, as the service's do.
	Repeat bool

	// Corrupt flips one bit in the middle of the answer's body, or of the event's frame.
	Corrupt bool

	// End ends a subscription at its next event, without an exception.
	End bool
}

// Inject sets a fault for calls that come over a network; those of the direct API are never hit. It holds until it has hit Times calls, or until remove is called, which also lets go the calls that
// wait for its Delay or Hang. remove may be called more than once.
func (s *Server) Inject(f Fault) (remove func()) {
	return s.front.faults.inject(f)
}

// FaultHits returns how many calls and events were hit by faults since the server was made.
func (s *Server) FaultHits() int64 { return s.front.faults.hits.Load() }

// faults are the faults that are set.
type faults struct {
	set  atomic.Int64 // how many: 0 lets a request pass without a look at the rest
	hits atomic.Int64

	mu   sync.Mutex // guards list and what is in it
	list []*setFault
}

// setFault is a fault with what it remembers.
type setFault struct {
	Fault
	removed chan struct{} // closed when it is removed
	chance  *rand.Rand

	// The list's lock guards these.
	seen, hit int
	last      *reply // for Repeat
}

func (f *faults) inject(fault Fault) (remove func()) {
	set := &setFault{
		Fault:   fault,
		removed: make(chan struct{}),
		chance:  rand.New(rand.NewPCG(fault.Seed, 0)),
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, set)
	f.set.Store(int64(len(f.list)))
	return sync.OnceFunc(func() {
		close(set.removed)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.drop(set)
	})
}

// drop takes a fault out of the list. The lock is held.
func (f *faults) drop(set *setFault) {
	f.list = slices.DeleteFunc(f.list, func(other *setFault) bool { return other == set })
	f.set.Store(int64(len(f.list)))
}

// target is what a fault is held against.
type target struct{ operation, stream, shard, consumer string }

// eventOperation is what faults for events of subscriptions have as their operation.
const eventOperation = "SubscribeToShardEvent"

// fits says whether the fault is about t. For PutRecords the shard is looked at record by record.
func (f *setFault) fits(t target) bool {
	if f.Operation != t.operation && (f.Operation != "" || t.operation == eventOperation) {
		return false
	}
	return (f.Stream == "" || f.Stream == t.stream) &&
		(f.Shard == "" || f.Shard == t.shard || t.operation == "PutRecords") &&
		(f.Consumer == "" || f.Consumer == t.consumer)
}

// match returns the faults that hit, in the order in which they were injected, and counts them.
func (f *faults) match(t target) plan {
	f.mu.Lock()
	defer f.mu.Unlock()
	var hits plan
	for _, set := range slices.Clone(f.list) {
		if !set.fits(t) {
			continue
		}
		set.seen++
		if set.seen <= set.Skip || set.Probability > 0 && set.chance.Float64() >= set.Probability {
			continue
		}
		set.hit++
		f.hits.Add(1)
		if set.Hits != nil {
			set.Hits.Add(1)
		}
		if set.Times > 0 && set.hit == set.Times {
			f.drop(set) // its Delay or Hang goes on for the calls that it has hit
		}
		hits = append(hits, set)
	}
	return hits
}

// remembered returns the answer that a Repeat has kept.
func (f *faults) remembered(set *setFault) *reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	return set.last
}

// remember keeps an answer for a Repeat, if it is the first since the fault was injected.
func (f *faults) remember(set *setFault, a *reply) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if set.last == nil {
		set.last = a
	}
}

// usualMessage is what the service says with an error that was asked for without a message.
func usualMessage(code string) string {
	switch code {
	case codeThroughput:
		return "Rate exceeded for shard."
	case codeLimitExceeded:
		return "Rate exceeded."
	case codeExpiredIterator:
		return "Iterator expired."
	case codeInternalFailure, putRecordsInternal:
		return "Internal service failure."
	}
	return code + " was injected."
}

// usualStatus is the HTTP status that goes with an error.
func usualStatus(code string) int {
	switch code {
	case codeInternalFailure, putRecordsInternal:
		return http.StatusInternalServerError
	case "ServiceUnavailable", "ServiceUnavailableException":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}
