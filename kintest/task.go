package kintest

import (
	"reflect"
	"strings"
	"sync"

	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/kintest/internal/proto"
)

// task is one call of an operation between its request and its answer: decode, run, append, in that order, then free. The
// body must stay as it is until free, because what was decoded may alias it.
type task interface {
	decode(e proto.Encoding, body []byte) error
	target(s *Server) target // what the request names; valid after decode
	distort(p plan)          // lets faults change the request, before run
	run(s *Server, c *call) error
	retouch(p plan) // lets faults change the result, after run
	append(e proto.Encoding, dst []byte) []byte
	size(e proto.Encoding) int // about what append appends
	free(p *taskPools)
}

// taskPools keep the tasks of the hot operations, which bring their slices of records with them.
type taskPools struct{ putRecords, getRecords sync.Pool }

// newTask returns the task of an operation, or nil if there is no such operation.
func (s *Server) newTask(name string) task {
	f := &s.front
	switch name {
	case "PutRecords":
		if t, ok := f.tasks.putRecords.Get().(*putRecordsTask); ok {
			return t
		}
		return new(putRecordsTask)
	case "GetRecords":
		if t, ok := f.tasks.getRecords.Get().(*getRecordsTask); ok {
			return t
		}
		return new(getRecordsTask)
	case "PutRecord":
		return new(putRecordTask)
	}
	op, ok := f.operations[name]
	if !ok {
		return nil
	}
	return &coldTask{op: op, in: op.newInput()}
}

// putRecordsTask is a call of PutRecords.
type putRecordsTask struct {
	in  proto.PutRecordsRequest
	out proto.PutRecordsReply
}

func (t *putRecordsTask) decode(e proto.Encoding, body []byte) error {
	return e.ReadPutRecords(body, &t.in)
}

func (t *putRecordsTask) target(*Server) target {
	return target{operation: "PutRecords", stream: streamName(t.in.StreamName, t.in.StreamARN)}
}

func (t *putRecordsTask) distort(p plan) { t.in.Refuse = p.refuse() }
func (t *putRecordsTask) retouch(p plan) { p.retouchPutRecords(&t.out) }

func (t *putRecordsTask) run(s *Server, c *call) error {
	t.out.Reset()
	return s.putRecords(c, &t.in, &t.out)
}

func (t *putRecordsTask) append(e proto.Encoding, dst []byte) []byte {
	return e.AppendPutRecords(dst, &t.out)
}

func (t *putRecordsTask) size(proto.Encoding) int { return 128 * (1 + len(t.out.Records)) }

func (t *putRecordsTask) free(p *taskPools) {
	t.in.Reset()
	t.out.Reset()
	p.putRecords.Put(t)
}

// putRecordTask is a call of PutRecord.
type putRecordTask struct {
	in  proto.PutRecordRequest
	out proto.PutRecordReply
}

func (t *putRecordTask) decode(e proto.Encoding, body []byte) error {
	return e.ReadPutRecord(body, &t.in)
}

func (t *putRecordTask) target(*Server) target {
	return target{operation: "PutRecord", stream: streamName(t.in.StreamName, t.in.StreamARN)}
}

func (t *putRecordTask) distort(plan)                 {}
func (t *putRecordTask) retouch(p plan)               { t.out.ShardID = p.shardID(t.out.ShardID) }
func (t *putRecordTask) run(s *Server, c *call) error { return s.putRecord(c, &t.in, &t.out) }
func (t *putRecordTask) size(proto.Encoding) int      { return 256 }
func (t *putRecordTask) free(*taskPools)              {}

func (t *putRecordTask) append(e proto.Encoding, dst []byte) []byte {
	return e.AppendPutRecord(dst, &t.out)
}

// getRecordsTask is a call of GetRecords.
type getRecordsTask struct {
	in  proto.GetRecordsRequest
	out proto.GetRecordsReply
}

func (t *getRecordsTask) decode(e proto.Encoding, body []byte) error {
	return e.ReadGetRecords(body, &t.in)
}

func (t *getRecordsTask) target(s *Server) target {
	place := target{operation: "GetRecords"}
	if t.in.ShardIterator != nil {
		place.stream, place.shard = s.placeOfIterator(*t.in.ShardIterator)
	}
	return place
}

func (t *getRecordsTask) distort(plan) {}

func (t *getRecordsTask) retouch(p plan) {
	if p.empty() && t.in.ShardIterator != nil {
		behind := t.out.MillisBehindLatest
		if len(t.out.Records) > 0 {
			behind = max(behind, 1) // they are still to be read: this is not the tip
		}
		t.out.Reset()
		t.out.NextShardIterator = *t.in.ShardIterator
		t.out.MillisBehindLatest = behind
	}
}

func (t *getRecordsTask) run(s *Server, c *call) error {
	t.out.Reset()
	return s.getRecords(c, &t.in, &t.out)
}

func (t *getRecordsTask) append(e proto.Encoding, dst []byte) []byte {
	return e.AppendGetRecords(dst, &t.out)
}

func (t *getRecordsTask) size(e proto.Encoding) int { return e.GetRecordsSize(&t.out) }

func (t *getRecordsTask) free(p *taskPools) {
	t.in.Reset()
	t.out.Reset()
	p.getRecords.Put(t)
}

// coldTask is a call of any other operation.
type coldTask struct {
	op  operation
	in  any
	out smithy.Serializable
}

func (t *coldTask) decode(e proto.Encoding, body []byte) error { return e.Unmarshal(body, t.in) }
func (t *coldTask) target(*Server) target                      { return targetOf(t.op.name, t.in) }
func (t *coldTask) distort(plan)                               {}
func (t *coldTask) retouch(plan)                               {}
func (t *coldTask) size(proto.Encoding) int                    { return smallBuffer }
func (t *coldTask) free(*taskPools)                            {}

func (t *coldTask) run(s *Server, c *call) (err error) {
	t.out, err = t.op.run(s, c, t.in)
	return err
}

func (t *coldTask) append(e proto.Encoding, dst []byte) []byte { return e.Append(dst, t.out) }

// targetOf reads from an SDK input struct what the request names.
func targetOf(operation string, in any) target {
	v := reflect.ValueOf(in).Elem()
	member := func(names ...string) *string {
		for _, name := range names {
			if f := v.FieldByName(name); f.IsValid() {
				if s, ok := reflect.TypeAssert[*string](f); ok && s != nil {
					return s
				}
			}
		}
		return nil
	}
	t := target{
		operation: operation,
		stream:    streamName(member("StreamName"), member("StreamARN", "ResourceARN", "ConsumerARN")),
	}
	if shard := member("ShardId", "ShardToSplit", "ShardToMerge"); shard != nil {
		t.shard = *shard
	}
	if name := member("ConsumerName"); name != nil {
		t.consumer = *name
	} else if arn := member("ConsumerARN", "ResourceARN"); arn != nil {
		t.consumer = consumerOfARN(*arn)
	}
	return t
}

// streamName returns the name that a request gives its stream, or the one in the ARN of the stream or of something that
// belongs to it.
func streamName(name, arn *string) string {
	if name != nil {
		return *name
	}
	if arn == nil {
		return ""
	}
	_, rest, _ := strings.Cut(*arn, ":stream/")
	rest, _, _ = strings.Cut(rest, "/")
	return rest
}

// consumerOfARN returns the name in a consumer's ARN, which ends in /consumer/NAME:SECONDS.
func consumerOfARN(arn string) string {
	_, rest, _ := strings.Cut(arn, "/consumer/")
	name, _, _ := strings.Cut(rest, ":")
	return name
}

// placeOfIterator returns the stream and shard that an iterator leads to, also if it has expired; nothing for a text that is none.
func (s *Server) placeOfIterator(text string) (stream, shard string) {
	it, ok := s.decodeIterator(text)
	if !ok {
		return "", ""
	}
	return it.stream.name, shardName(it.shard)
}
