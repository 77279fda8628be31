package kintest

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/proto"
)

// Placed says where a record is.
type Placed struct {
	ShardID         string
	SequenceNumber  string
	PartitionKey    string
	ExplicitHashKey string // empty if none was given
	Data            []byte
	ArrivalTime     time.Time
}

// CreateStream makes a stream of shards of equal width. It is ACTIVE when
// CreateStream returns, whatever [Config.StateDelay] is. Quotas do not count, the
// service's rules for names and for the number of shards do.
func (s *Server) CreateStream(name string, shards int) error {
	if !isName(name) {
		return fmt.Errorf("kintest: create stream %q: a name has 1 to 128 of the characters a-z A-Z 0-9 _ . -", name)
	}
	if shards < 1 || shards > maxShardCount {
		return fmt.Errorf("kintest: create stream %s: %d shards, want 1 to %d", name, shards, maxShardCount)
	}
	err := s.create(streamSpec{
		key:          s.key(name),
		shards:       shards,
		mode:         types.StreamModeProvisioned,
		maxRecord:    defaultMaxRecord,
		distribution: types.RecordDistributionStrategyUserPartitionKey,
	}, time.Now(), 0)
	return stepError("create stream", name, err)
}

// DeleteStream removes a stream, its records and its consumers at once.
func (s *Server) DeleteStream(name string) error {
	now := time.Now()
	st, _ := s.stream(s.key(name), now)
	if st == nil {
		return stepError("delete stream", name, notFound(s.key(name)))
	}
	return stepError("delete stream", name, st.delete(now, 0))
}

// Put stores a copy of a record. Limits of throughput do not count, the stream's
// largest record does.
func (s *Server) Put(stream, partitionKey string, data []byte) (Placed, error) {
	in := proto.PutRecordRequest{StreamName: &stream, PutEntry: proto.PutEntry{
		Data: data, HasData: true, PartitionKey: partitionKey, HasPartitionKey: true,
	}}
	placed, err := s.put(s.newCall("PutRecord"), &in)
	return placed, stepError("put", stream, err)
}

func (s *Server) put(c *call, in *proto.PutRecordRequest) (Placed, error) {
	p, result, err := s.placeOne(c, in)
	if err != nil {
		return Placed{}, err
	}
	return Placed{
		ShardID:         result.ShardID,
		SequenceNumber:  result.Seq.String(),
		PartitionKey:    in.PartitionKey,
		ExplicitHashKey: in.ExplicitHashKey,
		Data:            in.Data,
		ArrivalTime:     time.UnixMilli(p.arrival),
	}, nil
}

// SplitShard splits a shard at the middle of its hash keys, at once. It returns the
// children, the one with the lower keys first.
func (s *Server) SplitShard(stream, shardID string) (children [2]string, err error) {
	ids, err := s.reshardNow("split shard", stream, func(next *streamState, key streamKey, c *call) (reshape, error) {
		sh, err := next.openShard(key, shardID, c)
		if err != nil {
			return reshape{}, err
		}
		middle, ok := sh.keys.Middle()
		if !ok {
			return reshape{}, fmt.Errorf("%s has a single hash key", shardID)
		}
		return reshape{split: true, shard: sh.index, key: middle}, nil
	})
	if err != nil {
		return children, err
	}
	return [2]string(ids), nil
}

// MergeShards merges two shards with adjacent hash keys, at once. It returns the
// child.
func (s *Server) MergeShards(stream, shardID, adjacent string) (child string, err error) {
	ids, err := s.reshardNow("merge shards", stream, func(next *streamState, key streamKey, c *call) (reshape, error) {
		return next.planMerge(key, shardID, adjacent, c)
	})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// Reshard gives a stream a number of open shards of equal width, at once, as
// UpdateShardCount does, but from any number to any other.
func (s *Server) Reshard(stream string, shards int) error {
	_, err := s.reshardNow("reshard", stream, func(*streamState, streamKey, *call) (reshape, error) {
		if shards < 1 || shards > maxShardCount {
			return reshape{}, fmt.Errorf("%d shards, want 1 to %d", shards, maxShardCount)
		}
		return reshape{evenInto: shards}, nil
	})
	return err
}

// reshardNow changes the shards of a stream without delay. It returns the IDs of
// the shards that this made.
func (s *Server) reshardNow(op, name string, plan func(*streamState, streamKey, *call) (reshape, error)) (made []string, err error) {
	c := s.newCall(op)
	st, _ := s.stream(s.key(name), c.now)
	if st == nil {
		return nil, stepError(op, name, notFound(s.key(name)))
	}
	err = st.change(c.now, func(next *streamState) error {
		if next.phase != types.StreamStatusActive {
			return notActive(st.key, next.phase)
		}
		r, err := plan(next, st.key, c)
		if err != nil {
			return err
		}
		had := len(next.shards)
		next.reshape(s, r, c.now)
		for _, sh := range next.shards[had:] {
			made = append(made, sh.id)
		}
		return nil
	})
	return made, stepError(op, name, err)
}

// stepError says in which step of the direct API an error came up.
func stepError(op, stream string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("kintest: %s %s: %w", op, stream, err)
}
