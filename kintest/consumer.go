package kintest

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// consumer is one consumer that is registered with a stream, as one state of the
// stream has it. It is immutable but for what seats points to, which all states
// share.
type consumer struct {
	stream  streamKey
	name    string
	born    time.Time
	ready   time.Time // CREATING until then
	leaving bool      // DELETING from the moment that goneAt was set
	goneAt  time.Time // if leaving
	tags    map[string]string
	policy  string
	seats   *seats
}

// seats is where the subscriptions of a consumer sit, one per shard.
type seats struct {
	mu      sync.Mutex // guards taken and retired
	taken   map[uint32]*seat
	retired bool // no more subscriptions: the consumer or its stream is going
}

// arn is the consumer's ARN. Its end makes it another one for each registration.
func (con *consumer) arn() string { return con.stream.arn() + "/consumer/" + con.suffix() }

func (con *consumer) suffix() string { return fmt.Sprintf("%s:%d", con.name, con.born.Unix()) }

// status is the consumer's status at a time; empty once it is gone.
func (con *consumer) status(now time.Time) types.ConsumerStatus {
	switch {
	case con.leaving && !now.Before(con.goneAt):
		return ""
	case con.leaving:
		return types.ConsumerStatusDeleting
	case now.Before(con.ready):
		return types.ConsumerStatusCreating
	default:
		return types.ConsumerStatusActive
	}
}

func (con *consumer) describe(now time.Time) types.Consumer {
	return types.Consumer{
		ConsumerName:              new(con.name),
		ConsumerARN:               new(con.arn()),
		ConsumerStatus:            con.status(now),
		ConsumerCreationTimestamp: new(inSeconds(con.born)),
	}
}

// liveConsumers returns the consumers that are not gone, by name.
func (s *streamState) liveConsumers(now time.Time) []*consumer {
	live := s.consumers[:len(s.consumers):len(s.consumers)]
	for i, con := range s.consumers {
		if con.status(now) == "" {
			live = slices.Clone(live[:i])
			for _, con := range s.consumers[i:] {
				if con.status(now) != "" {
					live = append(live, con)
				}
			}
			break
		}
	}
	return live
}

// consumer returns the consumer with a name, or nil.
func (s *streamState) consumer(name string, now time.Time) *consumer {
	i, found := sort.Find(len(s.consumers), func(i int) int { return strings.Compare(name, s.consumers[i].name) })
	if !found || s.consumers[i].status(now) == "" {
		return nil
	}
	return s.consumers[i]
}

// putConsumer adds or replaces a consumer in a state that is not published yet, and
// forgets those that are gone.
func (s *streamState) putConsumer(con *consumer, now time.Time) {
	live := s.liveConsumers(now)
	i, found := sort.Find(len(live), func(i int) int { return strings.Compare(con.name, live[i].name) })
	n := 0
	if found {
		n = 1
	}
	s.consumers = slices.Concat(live[:i], []*consumer{con}, live[i+n:])
}

// changeConsumer replaces a consumer by what fn makes of a copy.
func (st *stream) changeConsumer(now time.Time, con *consumer, fn func(next *consumer) error) error {
	return st.change(now, func(state *streamState) error {
		cur := state.consumer(con.name, now)
		if cur == nil || cur.suffix() != con.suffix() {
			return consumerNotFound(con.stream, con.suffix())
		}
		next := *cur
		if err := fn(&next); err != nil {
			return err
		}
		state.putConsumer(&next, now)
		return nil
	})
}

func consumerNotFound(key streamKey, name string) error {
	return fail(codeResourceNotFound, "Consumer %s of stream %s under account %s not found.", name, key.name, key.account)
}

// findConsumer returns the consumer that a call means: by its ARN, or by its name
// and the stream's ARN.
func (s *Server) findConsumer(c *call, arn, streamARN, name *string) (*stream, *streamState, *consumer, error) {
	if arn == nil {
		if streamARN == nil || name == nil {
			return nil, nil, nil, fail(codeInvalidArgument, "Either ConsumerARN, or both StreamARN and ConsumerName should be provided.")
		}
		st, state, err := s.find(c, nil, streamARN)
		if err != nil {
			return nil, nil, nil, err
		}
		con := state.consumer(*name, c.now)
		if con == nil {
			return nil, nil, nil, consumerNotFound(st.key, *name)
		}
		return st, state, con, nil
	}
	parsed, ok := parseARN(*arn)
	if !ok || parsed.consumer == "" {
		return nil, nil, nil, fail(codeInvalidArgument, "ConsumerARN %s is not the ARN of a consumer.", *arn)
	}
	if streamARN != nil && *streamARN != parsed.stream.arn() || name != nil && !strings.HasPrefix(parsed.consumer, *name+":") {
		return nil, nil, nil, fail(codeInvalidArgument, "ConsumerARN %s does not match StreamARN and ConsumerName.", *arn)
	}
	if err := s.admit(c, parsed.stream.name); err != nil {
		return nil, nil, nil, err
	}
	st, state := s.stream(parsed.stream, c.now)
	if st == nil {
		return nil, nil, nil, notFound(parsed.stream)
	}
	byName, _, _ := strings.Cut(parsed.consumer, ":")
	con := state.consumer(byName, c.now)
	if con == nil || con.suffix() != parsed.consumer {
		return nil, nil, nil, consumerNotFound(parsed.stream, parsed.consumer)
	}
	return st, state, con, nil
}
