package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func deleteStream(s *Server, c *call, in *kinesis.DeleteStreamInput) error {
	st, state, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	if !isTrue(in.EnforceConsumerDeletion) && len(state.liveConsumers(c.now)) > 0 {
		return fail(codeResourceInUse, "Stream %s under account %s has registered consumers. "+
			"Deregister them, or set EnforceConsumerDeletion, to delete it.", st.key.name, st.key.account)
	}
	return st.delete(c.now, s.config.StateDelay)
}

// delete makes the stream DELETING for the delay. Until it is gone, it can be read
// and written; its subscriptions end at once.
func (st *stream) delete(now time.Time, delay time.Duration) error {
	var ended []*consumer
	err := st.change(now, func(next *streamState) error {
		if next.phase == types.StreamStatusDeleting {
			return notActive(st.key, next.phase)
		}
		ended = next.consumers
		next.consumers = nil
		next.phase = types.StreamStatusDeleting
		next.until = now.Add(delay)
		next.pending = reshape{}
		next.gone = delay == 0
		return nil
	})
	for _, con := range ended {
		con.endAll(notFound(st.key), retired)
	}
	return err
}
