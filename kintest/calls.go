package kintest

import (
	"log/slog"
	"sync"
	"time"
)

// Call is one request that the server has answered, as its log shows it. A subscription is logged when it is accepted or refused.
type Call struct {
	Operation string        // "PutRecords"
	Stream    string        // name of the stream; empty if the request names none
	Shard     string        // ID of the shard; empty if the request names none
	Error     string        // code of the error that was answered; empty for success
	Status    int           // HTTP status; 0 when the connection was cut instead
	Protocol  string        // "json" or "cbor"
	HTTP      string        // "HTTP/1.1" or "HTTP/2.0"
	Client    string        // remote address
	Time      time.Time     // when the request had come in
	Duration  time.Duration // until the answer was ready to be written
	Faulted   bool          // an injected fault changed it
}

// callsKept is how many calls the log holds.
const callsKept = 4096

// levelCalls is the level at which each call goes to the logger.
const levelCalls = slog.LevelDebug

// callLog is a ring of the last calls, and how many there were per operation.
type callLog struct {
	mu     sync.Mutex // guards all fields
	ring   []Call
	next   int
	counts map[string]int
	names  map[string]string
}

// namesKept bounds the names that are remembered so that a call needs no copy of its stream's name.
const namesKept = 1024

func (l *callLog) init() {
	l.counts = map[string]int{}
	l.names = map[string]string{}
}

// add logs a call. Stream may alias the request's buffer; the log keeps a copy.
func (l *callLog) add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[c.Operation]++
	c.Stream = l.keep(c.Stream)
	c.Shard = l.keep(c.Shard)
	if len(l.ring) < callsKept {
		l.ring = append(l.ring, c)
		return
	}
	l.ring[l.next] = c
	l.next = (l.next + 1) % callsKept
}

// keep returns a copy of name that is made once. The lock is held.
func (l *callLog) keep(name string) string {
	if name == "" {
		return ""
	}
	if known, ok := l.names[name]; ok {
		return known
	}
	if len(l.names) >= namesKept {
		clear(l.names)
	}
	known := string([]byte(name))
	l.names[known] = known
	return known
}

// Calls returns the last calls that were answered, oldest first; 4096 at most. [Server.CallCount] counts all.
func (s *Server) Calls() []Call {
	l := &s.front.calls
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := make([]Call, 0, len(l.ring))
	calls = append(calls, l.ring[l.next:]...)
	return append(calls, l.ring[:l.next]...)
}

// CallCount returns how often an operation was called since the server was made, whatever was answered.
func (s *Server) CallCount(operation string) int {
	l := &s.front.calls
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[operation]
}
