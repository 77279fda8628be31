package kin

import "time"

// ProducerHooks are functions that a [Producer] calls as things happen, for
// metrics and tests. Any of them may be nil. They are called from several
// goroutines, without locks of the producer held; they may put records, but must not
// block, because what called them waits.
type ProducerHooks struct {
	// Called is called after each PutRecords call, before the callbacks of its records.
	Called func(PutCallInfo)

	// Failed is called for each accepted record that is answered with an error, before
	// its callback.
	Failed func(*PutError)

	// Blocked is called when a Put begins to wait because the buffer is full.
	Blocked func(BufferInfo)
}

// PutCallInfo describes one PutRecords call and what became of its records:
// Records = Stored + Retrying + Failed.
type PutCallInfo struct {
	Stream    string
	Records   int           // in the call
	Bytes     int           // their data and partition keys
	Stored    int           // stored now
	Recovered int           // of those, stored after at least one failed attempt
	Throttled int           // refused now because of a throughput limit
	Retrying  int           // to be tried again
	Failed    int           // answered with an error
	Took      time.Duration // from the beginning of the call to its end
	Err       error         // why the call as a whole failed, else nil
	Ambiguous bool          // Err does not exclude that the records were stored
}

// BufferInfo describes how full the buffer of a [Producer] is.
type BufferInfo struct {
	Stream     string
	Bytes      int // held, as MaxBufferedBytes counts
	Unanswered int // records accepted and not yet answered
	InFlight   int // PutRecords calls that are out
	Waiting    int // Puts that wait for room
}
