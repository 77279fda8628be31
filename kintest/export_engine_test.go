package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/kintest/internal/proto"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// The operations without HTTP, for tests.

// APIError is the error of an operation.
type APIError = apiError

// Pushed is an event of a subscription.
type Pushed = pushed

// engineCall makes a call that limits hold for.
func (s *Server) engineCall(op string) *call {
	c := s.newCall(op)
	c.protocol = "json"
	return c
}

// Operations returns the names of the cold operations.
func Operations() []string {
	var names []string
	for name := range operations() {
		names = append(names, name)
	}
	return names
}

// NewInput returns an empty input of a cold operation.
func NewInput(op string) any { return operations()[op].newInput() }

// Run runs a cold operation.
func (s *Server) Run(op string, in any) (any, error) {
	return operations()[op].run(s, s.engineCall(op), in)
}

// PutRecords runs PutRecords.
func (s *Server) PutRecords(in *proto.PutRecordsRequest, out *proto.PutRecordsReply) error {
	return s.putRecords(s.engineCall("PutRecords"), in, out)
}

// PutRecord runs PutRecord.
func (s *Server) PutRecord(in *proto.PutRecordRequest, out *proto.PutRecordReply) error {
	return s.putRecord(s.engineCall("PutRecord"), in, out)
}

// GetRecords runs GetRecords.
func (s *Server) GetRecords(in *proto.GetRecordsRequest, out *proto.GetRecordsReply) error {
	return s.getRecords(s.engineCall("GetRecords"), in, out)
}

// Subscription is a subscription for tests.
type Subscription struct{ *subscription }

// Subscribe runs SubscribeToShard.
func (s *Server) Subscribe(in *kinesis.SubscribeToShardInput) (Subscription, error) {
	b, err := s.subscribe(s.engineCall("SubscribeToShard"), in)
	return Subscription{b}, err
}

// Next returns the next event.
func (b Subscription) Next(maxRecords, maxBytes int) Pushed {
	return b.next(time.Now(), []shardlog.Record(nil), maxRecords, maxBytes)
}

// Done is closed when the subscription was ended by something else.
func (b Subscription) Done() <-chan struct{} { return b.done }

// Cause is why.
func (b Subscription) Cause() error { return b.cause() }

// Close ends the subscription.
func (b Subscription) Close() { b.close() }
