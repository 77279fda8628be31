package kin

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/internal/outbox"
)

// putCall is what one PutRecords call needs, kept for the next one.
type putCall struct {
	input   kinesis.PutRecordsInput
	entries []types.PutRecordsRequestEntry
	options []func(*kinesis.Options)
	builder aggregate.Builder
	packed  []aggregate.Packed
	memory  []byte // of the aggregates

	copies bool // the client may look at the input after the call: it gets keys of its own
}

// putRecords makes the call, and gives each entry its Place or Failure. It returns why the call
// as a whole failed, or nil; and whether it has claimed the flight, since nothing of it may be touched else.
func (p *Producer) putRecords(f *flight) (whole *outbox.Failure, mine bool) {
	call := f.call
	c, _ := p.unused.Get().(*putCall)
	if c == nil {
		c = &putCall{options: append([]func(*kinesis.Options){}, p.options...), copies: !p.reuse}
	}
	f.s.target(&c.input)
	c.fill(call)

	ctx, cancel := context.WithTimeout(p.calls, p.cfg.CallTimeout)
	out, sent, err := p.callOnce(ctx, c)
	again := err != nil && wrongClock(err)
	if again {
		// From the date of the answer the SDK knows by now how wrong our clock is, and signs
		// the next call with the right time.
		out, sent, err = p.callOnce(ctx, c)
	}
	cancel()
	if !f.claim() {
		return nil, false
	}
	if again {
		for i := range call.Items {
			call.Items[i].Attempts++
		}
	}
	if sent == sentAgain {
		for i := range call.Items {
			call.Items[i].Ambiguous = true // an attempt that nobody told us of may have stored it
		}
	}
	if p.reuse {
		c.empty()
		p.unused.Put(c)
	}
	if err != nil {
		whole = failedCall(err, sent != notSent)
		whole.Ambiguous = whole.Ambiguous || sent == sentAgain
		return whole, true
	}
	return placeEntries(call, out), true
}

// callOnce makes the call. sent says whether a request may have left this process.
func (p *Producer) callOnce(ctx context.Context, c *putCall) (out *kinesis.PutRecordsOutput, sent sending, err error) {
	var t tracker
	out, err = p.client.PutRecords(ctx, &c.input, append(c.options, t.apply)...)
	return out, t.sent(err), err
}

// fill makes the input of the call.
func (c *putCall) fill(call *outbox.Call[owner]) {
	c.pack(call)
	packed := c.packed
	for i := range call.Entries {
		e := &call.Entries[i]
		it := &call.Items[e.First]
		keys := &it.Record
		if c.copies {
			keys = new(it.Record)
		}
		entry := types.PutRecordsRequestEntry{Data: it.Data, PartitionKey: &keys.PartitionKey}
		if keys.ExplicitHashKey != "" {
			entry.ExplicitHashKey = &keys.ExplicitHashKey
		}
		if e.Aggregate {
			entry = types.PutRecordsRequestEntry{
				Data: packed[0].Data, PartitionKey: &packed[0].PartitionKey, ExplicitHashKey: &packed[0].ExplicitHashKey,
			}
			packed = packed[1:]
		}
		if entry.Data == nil {
			entry.Data = []byte{} // the SDK refuses nil
		}
		c.entries = append(c.entries, entry)
	}
	c.input.Records = c.entries
}

// pack makes the aggregates of the call, in the order of their entries. What they take
// in memory is known from above, so that all have their places in one piece.
func (c *putCall) pack(call *outbox.Call[owner]) {
	size := 0
	for i := range call.Entries {
		if e := &call.Entries[i]; e.Aggregate {
			size += e.Bytes
		}
	}
	if cap(c.memory) < size {
		c.memory = make([]byte, size)
	}
	free := c.memory[:cap(c.memory)]
	for i := range call.Entries {
		e, items := &call.Entries[i], call.Range(i)
		if !e.Aggregate {
			continue
		}
		for j := range items {
			it := &items[j]
			c.builder.Add(aggregate.UserRecord{PartitionKey: it.PartitionKey, ExplicitHashKey: it.ExplicitHashKey, Data: it.Data})
		}
		hash, at := items[0].Hash, free[:0:min(e.Bytes, len(free))]
		packed := c.builder.PackUnsealed(at, hash.Hi, hash.Lo)
		c.builder.Reset()
		free = free[min(len(packed.Data), len(free)):]
		e.Packed = len(packed.Data) + len(packed.PartitionKey)
		c.packed = append(c.packed, packed)
	}
	aggregate.Seal(c.packed)
}

// empty forgets everything that belongs to somebody else.
func (c *putCall) empty() {
	clear(c.entries)
	clear(c.packed)
	c.entries, c.packed, c.input.Records = c.entries[:0], c.packed[:0], nil
}

// oneAttempt leaves repeating to the producer.
func oneAttempt(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} }

// placeEntries takes in an answer. It returns why that says nothing, or nil.
func placeEntries(call *outbox.Call[owner], out *kinesis.PutRecordsOutput) *outbox.Failure {
	got := 0
	if out != nil {
		got = len(out.Records)
	}
	if got != len(call.Entries) {
		return &outbox.Failure{
			Err:       fmt.Errorf("answer has %d records for a call of %d", got, len(call.Entries)),
			Retryable: true, Ambiguous: true,
		}
	}
	for i := range call.Entries {
		e, answer := &call.Entries[i], &out.Records[i]
		switch {
		case answer.ErrorCode != nil && *answer.ErrorCode != "":
			message := ""
			if answer.ErrorMessage != nil {
				message = *answer.ErrorMessage
			}
			e.Failure = failedRecord(*answer.ErrorCode, message)
			e.Failure.Ambiguous = e.Failure.Ambiguous || answer.SequenceNumber != nil && *answer.SequenceNumber != "" // it says both
		case answer.SequenceNumber == nil || answer.ShardId == nil || *answer.SequenceNumber == "" || *answer.ShardId == "":
			e.Failure = &outbox.Failure{Err: errNoPlace, Retryable: true, Ambiguous: true}
		default:
			e.Place = outbox.Place{Shard: *answer.ShardId, Sequence: *answer.SequenceNumber}
		}
	}
	return nil
}

// report tells hooks and the log about a call.
func (p *Producer) report(s *putStream, call *outbox.Call[owner], whole *outbox.Failure, begun, now time.Duration) {
	if p.cfg.Hooks.Called == nil && whole == nil {
		return
	}
	info := PutCallInfo{Stream: s.name, Entries: len(call.Entries), Took: now - begun}
	for i := range call.Entries {
		info.add(&call.Entries[i], call.Range(i), begun)
	}
	if whole != nil {
		info.Err, info.Ambiguous = whole.Err, whole.Ambiguous
		if info.Retrying > 0 {
			p.cfg.Logger.LogAttrs(p.calls, slog.LevelWarn, "put records: trying again", slog.String("stream", s.name),
				slog.Int("records", info.Retrying), slog.Bool("ambiguous", whole.Ambiguous), slog.Any("err", whole.Err))
		}
	}
	if p.cfg.Hooks.Called != nil {
		p.cfg.Hooks.Called(info)
	}
}
