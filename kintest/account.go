package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// accountKey names an account in a region.
type accountKey struct{ account, region string }

// accountState is what an account has set for itself. The zero value is the default.
type accountState struct {
	committed bool      // to a minimum throughput, until ends if that is not zero
	started   time.Time //
	ends      time.Time // the commitment was taken back and holds until then
}

// commitment is how long a commitment holds at least.
const commitment = 24 * time.Hour

// active says whether the commitment holds at a time.
func (a accountState) active(now time.Time) bool {
	return a.committed && (a.ends.IsZero() || now.Before(a.ends))
}

// accountOf returns the settings of the account of a call.
func (s *Server) accountOf(c *call) accountState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts[accountKey{c.account, c.region}]
}

// count returns how many open shards and how many on-demand streams an account has
// in the region of a call.
func (s *Server) count(c *call) (shards, onDemand int) {
	for _, state := range s.own(c) {
		if state.mode == types.StreamModeOnDemand {
			onDemand++
		} else {
			shards += len(state.open)
		}
	}
	return shards, onDemand
}
