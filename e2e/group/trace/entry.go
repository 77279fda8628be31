package trace

import (
	"strings"
	"time"
)

// Kind says what an [Entry] tells.
type Kind string

// Kinds of entries.
const (
	Put        Kind = "put"        // the feeder: records were acknowledged
	Started    Kind = "started"    // a worker: the process is about to run its Consumer
	Ended      Kind = "ended"      // a worker: Run has returned, with Err
	Begin      Kind = "begin"      // a worker: the handler was given a batch
	End        Kind = "end"        // a worker: the handler is about to return, with Err
	Checkpoint Kind = "checkpoint" // a worker: the handler asked for a checkpoint at Asked; Err says what came of it
	Taken      Kind = "taken"      // a worker: the hook for a shard that it now reads
	Left       Kind = "left"       // a worker: the hook for a shard that it does not read any more
)

// Entry is one line of a log. Which fields are set depends on Kind.
type Entry struct {
	Kind    Kind     `json:"k"`
	At      Time     `json:"at"`
	Wall    Time     `json:"wall"`
	Worker  string   `json:"worker,omitempty"`
	PID     int      `json:"pid,omitempty"`
	Stream  string   `json:"stream,omitempty"`
	Shard   string   `json:"shard,omitempty"`
	Epoch   int64    `json:"epoch,omitempty"`
	Batch   int64    `json:"batch,omitempty"`   // numbers the calls of a worker's handler
	Attempt int      `json:"attempt,omitempty"` // of the batch, from 1
	Late    bool     `json:"late,omitempty"`    // Begin: the context was cancelled already
	Asked   Time     `json:"asked,omitempty"`
	Unclear bool     `json:"unclear,omitempty"` // Put: an earlier attempt may have been stored, too
	Err     string   `json:"err,omitempty"`
	Records []Record `json:"r,omitempty"`
}

// Record is a user record: its place in its shard, and what the feeder wrote into it.
type Record struct {
	Seq   string `json:"s"`
	Sub   int    `json:"u,omitempty"`
	Key   string `json:"k"`
	Count int    `json:"n"` // numbers the records of a key, from 0
}

// Compare orders records of one shard by their places.
func (r Record) Compare(other Record) int {
	if c := CompareSeq(r.Seq, other.Seq); c != 0 {
		return c
	}
	return r.Sub - other.Sub
}

// CompareSeq orders sequence numbers: decimals without leading zeros.
func CompareSeq(a, b string) int {
	if c := len(a) - len(b); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

// Time is a moment in nanoseconds since 1970.
type Time int64

// Sub returns the time from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Add returns the moment d after t.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// String returns t as a time of day.
func (t Time) String() string { return time.Unix(0, int64(t)).UTC().Format("15:04:05.000") }

// Clock gives the times of one process.
type Clock struct{ start time.Time }

// NewClock returns a clock that agrees with the wall clock now.
func NewClock() Clock { return Clock{start: time.Now()} }

// Now returns the time by the monotonic clock, and by the wall clock.
func (c Clock) Now() (monotonic, wall Time) {
	now := time.Now()
	return Time(c.start.UnixNano()).Add(now.Sub(c.start)), Time(now.UnixNano())
}
