package kintest

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// Server is a local Kinesis. It keeps streams in memory and answers requests over
// the networks that it was told to serve. Make one with [New] or [NewServer]. A
// Server is safe for concurrent use.
type Server struct {
	config  Config
	front   front            // the transport's part; see front.go
	journal keeper           // nil: nothing outlives the process
	budget  *shardlog.Budget // nil: no bound
	seed    maphash.Seed     // seals iterators and tokens
	gate    controlGate

	index atomic.Pointer[[]*stream] // all streams, ordered by key; the slice is immutable

	// mu guards changes of index, and accounts. It is taken last: nothing else is
	// locked while it is held.
	mu       sync.Mutex
	accounts map[accountKey]accountState
}

// NewServer makes a server that serves nothing yet: see [Server.Serve],
// [Server.Handler] and [Server.Client]. With [Config.Dir] it reads what is there, and
// holds the directory until [Server.Close].
func NewServer(config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		config:   config,
		seed:     maphash.MakeSeed(),
		accounts: make(map[accountKey]accountState),
	}
	if config.MaxBytes > 0 {
		s.budget = shardlog.NewBudget(config.MaxBytes)
	}
	s.front.init(s)
	if config.Dir != "" {
		if err := s.openDir(); err != nil {
			return nil, fmt.Errorf("kintest: Config.Dir (%s): %w", config.Dir, err)
		}
	}
	return s, nil
}

// newCall makes a call of the direct API; the transport makes one out of a request.
func (s *Server) newCall(op string) *call {
	return &call{
		ctx:      context.Background(),
		op:       op,
		account:  s.config.Account,
		region:   s.config.Region,
		now:      time.Now(),
		protocol: direct,
	}
}

// key is the key of a stream of the direct API.
func (s *Server) key(name string) streamKey {
	return streamKey{s.config.Account, s.config.Region, name}
}
