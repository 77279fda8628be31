package kintest

import (
	"net/http"
	"sync"

	"github.com/kinstream/kin/internal/memnet"
)

// front is the transport's part of a Server: listeners and connections, the way from HTTP to operations and back, the log of
// requests, and the faults.
type front struct {
	operations map[string]operation // by name; fixed
	bodies     buffers              // of requests
	replies    buffers              // of answers
	tasks      taskPools
	calls      callLog
	faults     faults
	closing    chan struct{} // closed by Close: nothing waits any longer

	client httpClient

	active sync.WaitGroup // requests that are being answered, and Serve calls

	mu      sync.Mutex // guards what follows; never held while something waits
	closed  bool
	servers []*http.Server
	memory  *memnet.Listener // nil until somebody needs it
	url     string           // of the first listener that was served, empty if there was none
}

// memoryURL is where the in-memory network is; only HTTPClient can reach it.
const memoryURL = "http://kintest.invalid"

func (f *front) init(*Server) {
	f.operations = operations()
	f.closing = make(chan struct{})
	f.calls.init()
}

// enter counts a request in, unless the server is closed.
func (f *front) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.active.Add(1)
	return true
}

// Close ends what the server does: listeners and connections are closed, subscriptions end, waiting calls are given up. It
// returns when no request is being answered any more. Records stay readable through the direct API.
// With Config.Dir the directory is free for another server. It may be called more than once.
func (s *Server) Close() error {
	f := &s.front
	f.mu.Lock()
	first := !f.closed
	f.closed = true
	servers, memory := f.servers, f.memory
	f.servers = nil
	f.mu.Unlock()
	if first {
		close(f.closing)
	}
	for _, srv := range servers {
		_ = srv.Close() // what a listener says when it is closed helps nobody
	}
	if memory != nil {
		_ = memory.Close()
	}
	f.client.closeIdle()
	f.active.Wait()
	if s.journal != nil {
		return s.journal.close()
	}
	return nil
}

// faultsSet says whether any fault is set. It is all that a request pays when there is none.
func (f *front) faultsSet() bool { return f.faults.set.Load() != 0 }
