package kin

import "context"

// Tenure is what a shard gives to handlers, and what takes it away.
type Tenure struct{ s *shardRun }

// NewTenure returns that of a shard which is not read.
func NewTenure() Tenure {
	s := &shardRun{}
	s.patience, s.impatient = context.WithCancel(context.Background())
	return Tenure{s}
}

// Context is shardRun.context.
func (t Tenure) Context(period context.Context) context.Context {
	ctx, _ := t.s.context(period)
	return ctx
}

// Lose cancels handlers because the lease is lost.
func (t Tenure) Lose() { t.s.cut(ErrLeaseLost) }
