package kintest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/kintest/internal/journal"
)

// The states as they are kept: JSON, because they change seldom, so that members can
// be added. A member that is missing has its zero value.

type keptAccount struct {
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	Committed bool      `json:"committed,omitempty"`
	Started   time.Time `json:"started,omitzero"`
	Ends      time.Time `json:"ends,omitzero"`
}

func accountEntry(key accountKey, a accountState) journal.Entry {
	return journal.Entry{Kind: kindAccount, Payload: mustJSON(keptAccount{
		Account: key.account, Region: key.region, Committed: a.committed, Started: a.started, Ends: a.ends,
	})}
}

// keptStream is a stream with its state.
type keptStream struct {
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Name    string    `json:"name"`
	ID      string    `json:"id"`
	Nonce   uint64    `json:"nonce"`
	Born    time.Time `json:"born"`

	Version      uint64                           `json:"version"`
	Phase        types.StreamStatus               `json:"phase"`
	Until        time.Time                        `json:"until,omitzero"`
	Pending      *keptReshape                     `json:"pending,omitempty"`
	Shards       []keptShard                      `json:"shards"`
	Mode         types.StreamMode                 `json:"mode"`
	Retention    time.Duration                    `json:"retention"`
	MaxRecord    int                              `json:"max_record"`
	Distribution types.RecordDistributionStrategy `json:"distribution"`
	Encryption   types.EncryptionType             `json:"encryption"`
	KeyID        string                           `json:"key_id,omitempty"`
	Warm         int32                            `json:"warm,omitempty"`
	Metrics      []types.MetricsName              `json:"metrics,omitempty"`
	Tags         map[string]string                `json:"tags,omitempty"`
	Policy       string                           `json:"policy,omitempty"`
	Consumers    []keptConsumer                   `json:"consumers,omitempty"`
}

// keptReshape is a reshape. Hash keys are decimal, as everywhere below.
type keptReshape struct {
	Split    bool   `json:"split,omitempty"`
	Merge    bool   `json:"merge,omitempty"`
	EvenInto int    `json:"even_into,omitempty"`
	Shard    uint32 `json:"shard,omitempty"`
	Adjacent uint32 `json:"adjacent,omitempty"`
	Key      string `json:"key"`
}

// keptShard is a shard; its index is its place in the list.
type keptShard struct {
	Parents   []string  `json:"parents,omitempty"`
	Start     string    `json:"start"`
	End       string    `json:"end"`
	Created   int64     `json:"created"`
	CreatedAt time.Time `json:"created_at"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
	Children  []uint32  `json:"children,omitempty"`
}

type keptConsumer struct {
	Name    string            `json:"name"`
	Born    time.Time         `json:"born"`
	Ready   time.Time         `json:"ready"`
	Leaving bool              `json:"leaving,omitempty"`
	GoneAt  time.Time         `json:"gone_at,omitzero"`
	Tags    map[string]string `json:"tags,omitempty"`
	Policy  string            `json:"policy,omitempty"`
}

func streamEntry(st *stream, s *streamState) journal.Entry {
	kept := keptStream{
		Account: st.key.account, Region: st.key.region, Name: st.key.name,
		ID: st.id, Nonce: st.nonce, Born: st.born,
		Version: s.version, Phase: s.phase, Until: s.until,
		Mode: s.mode, Retention: s.retention, MaxRecord: s.maxRecord, Distribution: s.distribution,
		Encryption: s.encryption, KeyID: s.keyID, Warm: s.warm, Metrics: s.metrics, Tags: s.tags, Policy: s.policy,
	}
	if p := s.pending; p != (reshape{}) {
		kept.Pending = &keptReshape{
			Split: p.split, Merge: p.merge, EvenInto: p.evenInto, Shard: p.shard, Adjacent: p.adjacent, Key: p.key.String(),
		}
	}
	for _, sh := range s.shards {
		k := keptShard{
			Parents: sh.parents, Start: sh.keys.Start.String(), End: sh.keys.End.String(),
			Created: sh.log.Identity().Created, CreatedAt: sh.createdAt,
		}
		if sh.end != nil {
			k.ClosedAt = sh.end.at
			for _, child := range sh.end.children {
				k.Children = append(k.Children, child.index)
			}
		}
		kept.Shards = append(kept.Shards, k)
	}
	for _, c := range s.consumers {
		kept.Consumers = append(kept.Consumers, keptConsumer{
			Name: c.name, Born: c.born, Ready: c.ready, Leaving: c.leaving, GoneAt: c.goneAt, Tags: c.tags, Policy: c.policy,
		})
	}
	return journal.Entry{Kind: kindStream, Payload: mustJSON(kept)}
}

func encodeDeleted(nonce uint64) []byte { return binary.BigEndian.AppendUint64(nil, nonce) }

// restore makes the stream that was kept.
func (k *keptStream) restore(s *Server) (*stream, error) {
	st := &stream{server: s, key: streamKey{k.Account, k.Region, k.Name}, id: k.ID, nonce: k.Nonce, born: k.Born}
	state := &streamState{
		version: k.Version, phase: k.Phase, until: k.Until,
		mode: k.Mode, retention: k.Retention, maxRecord: k.MaxRecord, distribution: k.Distribution,
		encryption: k.Encryption, keyID: k.KeyID, warm: k.Warm, metrics: k.Metrics, tags: k.Tags, policy: k.Policy,
	}
	var err error
	if k.Pending != nil {
		if state.pending, err = k.Pending.restore(); err != nil {
			return nil, err
		}
	}
	if state.shards, err = k.restoreShards(s); err != nil {
		return nil, err
	}
	for _, sh := range state.shards {
		if sh.end == nil {
			state.open = append(state.open, sh)
		}
	}
	slices.SortFunc(state.open, func(a, b *shard) int { return a.keys.Start.Compare(b.keys.Start) })
	for _, c := range k.Consumers {
		state.consumers = append(state.consumers, &consumer{
			stream: st.key, name: c.Name, born: c.Born, ready: c.Ready, leaving: c.Leaving, goneAt: c.GoneAt,
			tags: c.Tags, policy: c.Policy, seats: &seats{taken: make(map[uint32]*seat)},
		})
	}
	st.state.Store(state)
	st.keep(state.version)
	return st, nil
}

func (k *keptReshape) restore() (reshape, error) {
	key, err := hashkey.Parse(k.Key)
	return reshape{split: k.Split, merge: k.Merge, evenInto: k.EvenInto, shard: k.Shard, adjacent: k.Adjacent, key: key}, err
}

// restoreShards makes the shards, without records. Those that are closed are closed
// when the records are there.
func (k *keptStream) restoreShards(s *Server) ([]*shard, error) {
	shards := make([]*shard, len(k.Shards))
	for i, kept := range k.Shards {
		start, err := hashkey.Parse(kept.Start)
		if err != nil {
			return nil, err
		}
		end, err := hashkey.Parse(kept.End)
		if err != nil {
			return nil, err
		}
		shards[i] = s.newShard(shardSpec{
			index: uint32(i), parents: kept.Parents, keys: hashkey.Range{Start: start, End: end},
			created: kept.Created, createdAt: kept.CreatedAt,
		})
	}
	for i, kept := range k.Shards {
		if kept.ClosedAt.IsZero() {
			continue
		}
		end := &shardEnd{at: kept.ClosedAt}
		for _, child := range kept.Children {
			if int(child) >= len(shards) {
				return nil, fmt.Errorf("shard %d has a child %d of %d", i, child, len(shards))
			}
			end.children = append(end.children, shards[child])
		}
		shards[i].end = end
	}
	return shards, nil
}

// decodeStates is what the journal's states say: the last one of each.
type decodedStates struct {
	session  uint64
	accounts map[accountKey]accountState
	streams  map[uint64]*keptStream // by nonce; nil for one that is deleted
}

func (d *decodedStates) visit(e journal.Entry) error {
	switch e.Kind {
	case kindSession:
		session, n := binary.Uvarint(e.Payload)
		if n <= 0 {
			return fmt.Errorf("kintest: session number %x", e.Payload)
		}
		d.session = max(d.session, session)
	case kindAccount:
		var k keptAccount
		if err := json.Unmarshal(e.Payload, &k); err != nil {
			return fmt.Errorf("kintest: kept account: %w", err)
		}
		d.accounts[accountKey{k.Account, k.Region}] = accountState{committed: k.Committed, started: k.Started, ends: k.Ends}
	case kindStream:
		k := new(keptStream)
		if err := json.Unmarshal(e.Payload, k); err != nil {
			return fmt.Errorf("kintest: kept stream: %w", err)
		}
		if have, known := d.streams[k.Nonce]; !known || have != nil && have.Version < k.Version {
			d.streams[k.Nonce] = k
		}
	case kindDeleted:
		if len(e.Payload) != 8 {
			return fmt.Errorf("kintest: deleted stream %x", e.Payload)
		}
		d.streams[binary.BigEndian.Uint64(e.Payload)] = nil
	default:
		return fmt.Errorf("kintest: the directory has entries of kind %d: a newer version wrote it", e.Kind)
	}
	return nil
}
