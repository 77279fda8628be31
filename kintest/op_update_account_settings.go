package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func updateAccountSettings(s *Server, c *call, in *kinesis.UpdateAccountSettingsInput) (*kinesis.UpdateAccountSettingsOutput, error) {
	if err := s.admit(c, ""); err != nil {
		return nil, err
	}
	enable := in.MinimumThroughputBillingCommitment.Status == types.MinimumThroughputBillingCommitmentInputStatusEnabled
	key := accountKey{c.account, c.region}
	s.mu.Lock()
	a := s.accounts[key].commit(enable, c.now)
	s.accounts[key] = a
	s.mu.Unlock()
	if s.journal != nil {
		s.journal.account(key, a)
	}
	return &kinesis.UpdateAccountSettingsOutput{MinimumThroughputBillingCommitment: a.describe(c)}, nil
}

// commit begins or takes back a commitment. One that is taken back holds until its
// minimum is over.
func (a accountState) commit(enable bool, now time.Time) accountState {
	switch {
	case enable && a.active(now):
		a.ends = time.Time{}
	case enable:
		a = accountState{committed: true, started: now}
	case a.active(now) && a.ends.IsZero():
		a.ends = a.started.Add(commitment)
		if now.After(a.ends) {
			a.ends = now
		}
	}
	return a
}
