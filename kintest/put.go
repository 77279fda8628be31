package kintest

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/kintest/internal/proto"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// What PutRecord and PutRecords share.

// findForPut returns the stream to put into. One that is being created does not
// exist yet; one that is being deleted still takes records.
func (s *Server) findForPut(c *call, name, arn *string) (*stream, *streamState, error) {
	st, state, err := s.find(c, name, arn)
	if err == nil && state.phase == types.StreamStatusCreating {
		return nil, nil, notFound(st.key)
	}
	return st, state, err
}

// validatePutRecords checks a request against the service's model, as validate
// does for the cold operations.
func validatePutRecords(in *proto.PutRecordsRequest) error {
	v := validation{model: theModel()}
	v.stream(in.StreamName, in.StreamARN, in.StreamID)
	switch n := len(in.Records); {
	case !in.HasRecords:
		v.report("records", nil, "Member must not be null")
	case n == 0 || n > maxPutRecords:
		value := fmt.Sprintf("[%d records]", n)
		v.length("records", value, n, &shape{min: 1, max: maxPutRecords})
	default:
		for i := range in.Records {
			v.entry(&in.Records[i], func() string { return recordPath(i) })
		}
	}
	return v.err()
}

// validatePutRecord is validatePutRecords for one record.
func validatePutRecord(in *proto.PutRecordRequest) error {
	v := validation{model: theModel()}
	v.stream(in.StreamName, in.StreamARN, in.StreamID)
	v.entry(&in.PutEntry, func() string { return "" })
	if in.SequenceNumberForOrdering != nil {
		v.text("sequenceNumberForOrdering", *in.SequenceNumberForOrdering, v.model.shapes["SequenceNumber"])
	}
	return v.err()
}

// stream checks the members that name a stream.
func (v *validation) stream(name, arn, id *string) {
	if name != nil && !isName(*name) {
		v.text("streamName", *name, v.model.shapes["StreamName"])
	}
	if arn != nil {
		v.text("streamARN", *arn, v.model.shapes["StreamARN"])
	}
	if id != nil {
		v.text("streamId", *id, v.model.shapes["StreamId"])
	}
}

// isName says whether a text is a valid name of a stream, without the cost of the
// pattern.
func isName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 128
}

// recordPath begins the path of a member of record i of PutRecords.
func recordPath(i int) string { return "records." + strconv.Itoa(i+1) + ".member." }

// maxKeyLength is how many characters a partition key may have.
const maxKeyLength = 256

// entry checks a record. path is called only if something is wrong with it.
func (v *validation) entry(e *proto.PutEntry, path func() string) {
	if !e.HasData {
		v.report(path()+"data", nil, "Member must not be null")
	}
	if len(e.Data) > maxPutBytes {
		value := fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%[1]d]", len(e.Data))
		v.length(path()+"data", value, len(e.Data), &shape{max: maxPutBytes})
	}
	if e.HasPartitionKey && (len(e.PartitionKey) == 0 || len(e.PartitionKey) > maxKeyLength) {
		n := utf8.RuneCountInString(e.PartitionKey)
		v.length(path()+"partitionKey", e.PartitionKey, n, &shape{min: 1, max: maxKeyLength})
	}
	if e.HasHashKey {
		if _, err := hashkey.Parse(e.ExplicitHashKey); errors.Is(err, hashkey.ErrSyntax) {
			v.text(path()+"explicitHashKey", e.ExplicitHashKey, v.model.shapes["HashKey"])
		}
	}
}

// checkEntry checks a valid record against what the stream allows.
func checkEntry(e *proto.PutEntry, state *streamState, path func() string) error {
	auto := state.distribution == types.RecordDistributionStrategyAuto
	if !e.HasPartitionKey && !auto {
		v := validation{}
		v.report(path()+"partitionKey", nil, "Member must not be null")
		return v.err()
	}
	if size := len(e.Data) + len(e.PartitionKey); size > state.maxRecord {
		return fail(codeInvalidArgument, "Record size of %d bytes, data and partition key together, exceeds the maximum record size of %d KiB.",
			size, state.maxRecord>>10)
	}
	if e.HasHashKey {
		if _, err := hashkey.Parse(e.ExplicitHashKey); err != nil {
			return fail(codeInvalidArgument, "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "+
				"Specified value was %s", e.ExplicitHashKey)
		}
	}
	return nil
}

// placing stores the records of one call.
type placing struct {
	server  *Server
	call    *call
	stream  *stream
	state   *streamState
	arrival int64      // of the last record, in milliseconds
	gone    bool       // the stream was deleted meanwhile: nothing is stored
	placed  []appended // for the journal, if there is one
}

// place stores a record that was checked.
func (p *placing) place(e *proto.PutEntry) proto.PutResult {
	auto := p.state.distribution == types.RecordDistributionStrategyAuto
	entry := shardlog.Entry{
		Data:    e.Data,
		Key:     e.PartitionKey,
		HasKey:  e.HasPartitionKey,
		HashKey: e.ExplicitHashKey,
		KMS:     p.state.encryption == types.EncryptionTypeKms,
	}
	for {
		sh := p.shard(e, auto)
		if p.call.protocol != direct && !sh.limits.write(p.call.now, len(e.Data)+len(e.PartitionKey)) {
			return proto.PutResult{ErrorCode: codeThroughput, ErrorMessage: shardRateExceeded(p.stream.key, sh.id)}
		}
		counter, arrival, ok := sh.log.Append(&entry, p.call.now.UnixMilli(), p.state.horizon(p.call.now).UnixMilli())
		if ok {
			p.arrival = arrival
			if p.server.journal != nil {
				p.placed = append(p.placed, appended{sh, counter, arrival, entry})
			}
			return proto.PutResult{ShardID: sh.id, Seq: sh.log.Identity().Number(counter, arrival)}
		}
		// The shard was closed after the state was read. Its children are in the next
		// state, which is published before the stream's lock is free.
		p.stream.wait()
		state := p.stream.at(p.call.now)
		if state == nil {
			p.gone = true
			return proto.PutResult{}
		}
		p.state = state
	}
}

// shard is the open shard that a record goes to.
func (p *placing) shard(e *proto.PutEntry, auto bool) *shard {
	switch {
	case auto:
		return p.state.open[p.stream.spread.Add(1)%uint64(len(p.state.open))]
	case e.HasHashKey:
		key, _ := hashkey.Parse(e.ExplicitHashKey)
		return p.state.route(key)
	default:
		return p.state.route(hashkey.Of(e.PartitionKey))
	}
}

// done tells the journal.
func (p *placing) done() error {
	if p.gone {
		return notFound(p.stream.key)
	}
	if len(p.placed) == 0 {
		return nil
	}
	if err := p.server.journal.appended(p.stream, p.placed); err != nil {
		return internalFailure(err)
	}
	return nil
}
