package wire

import (
	"encoding/base64"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/cbor"
	"github.com/kinstream/kin/internal/jsonscan"
)

// writer writes the members of a structure in one format. A member whose value is
// nil is not written.
type writer interface {
	begin()
	end()
	text(name string, v *string)
	boolean(name string, v *bool)
	integer(name string, v *int32)
	blob(name string, v []byte)
	entries(name string, v []types.PutRecordsRequestEntry)
	bytes() []byte
}

// The functions below name the members of each shape in the order in which the
// SDK writes them, so that the JSON of both is the same to the byte.

func writeGetRecords(w writer, in *kinesis.GetRecordsInput) {
	w.begin()
	w.boolean("DryRun", in.DryRun)
	w.integer("Limit", in.Limit)
	w.text("ShardIterator", in.ShardIterator)
	w.text("StreamARN", in.StreamARN)
	w.text("StreamId", in.StreamId)
	w.end()
}

func writePutRecord(w writer, in *kinesis.PutRecordInput) {
	w.begin()
	w.blob("Data", in.Data)
	w.boolean("DryRun", in.DryRun)
	w.text("ExplicitHashKey", in.ExplicitHashKey)
	w.text("PartitionKey", in.PartitionKey)
	w.text("SequenceNumberForOrdering", in.SequenceNumberForOrdering)
	w.text("StreamARN", in.StreamARN)
	w.text("StreamId", in.StreamId)
	w.text("StreamName", in.StreamName)
	w.end()
}

func writePutRecords(w writer, in *kinesis.PutRecordsInput) {
	w.begin()
	w.boolean("DryRun", in.DryRun)
	w.entries("Records", in.Records)
	w.text("StreamARN", in.StreamARN)
	w.text("StreamId", in.StreamId)
	w.text("StreamName", in.StreamName)
	w.end()
}

func writeEntry(w writer, e *types.PutRecordsRequestEntry) {
	w.begin()
	w.blob("Data", e.Data)
	w.text("ExplicitHashKey", e.ExplicitHashKey)
	w.text("PartitionKey", e.PartitionKey)
	w.end()
}

// encode returns the body of a hot operation, and false for any other input. The
// buffer is large enough from the start, so that payloads are copied once. That one copy is
// needed: the caller may change its payloads as soon as its call has returned, when
// net/http may still be reading the body.
func encode(format Format, input any, from *buffers) (body []byte, ok bool) {
	const fixed = 512 // the members of the request itself, without its payload
	var w writer
	start := func(size, payload int) {
		if format == JSON {
			w = &jsonWriter{buf: from.get(size + base64.StdEncoding.EncodedLen(payload))}
			return
		}
		w = &cborWriter{buf: from.get(size + payload)}
	}
	switch in := input.(type) {
	case *kinesis.GetRecordsInput:
		start(fixed+textLen(in.ShardIterator), 0)
		writeGetRecords(w, in)
	case *kinesis.PutRecordInput:
		start(fixed+textLen(in.PartitionKey), len(in.Data))
		writePutRecord(w, in)
	case *kinesis.PutRecordsInput:
		start(entriesSize(in.Records))
		writePutRecords(w, in)
	default:
		return nil, false
	}
	return w.bytes(), true
}

// entriesSize returns how many bytes entries take without their payload, in the
// larger of the formats, and how many the payload has.
func entriesSize(entries []types.PutRecordsRequestEntry) (size, payload int) {
	const fixed, perEntry = 512, len(`,{"Data":"====","ExplicitHashKey":"","PartitionKey":""}`)
	size = fixed + len(entries)*perEntry
	for i := range entries {
		size += textLen(entries[i].PartitionKey) + textLen(entries[i].ExplicitHashKey)
		payload += len(entries[i].Data)
	}
	return size, payload
}

func textLen(s *string) int {
	if s == nil {
		return 0
	}
	return len(*s)
}

// cborWriter writes maps of known size. It puts the size in when the map ends,
// which works because no shape has more than the 23 members that the one-byte
// header holds.
type cborWriter struct {
	buf   []byte
	start int // where the header of the open map is
	n     int // its members so far
}

func (w *cborWriter) begin() {
	w.start, w.n = len(w.buf), 0
	w.buf = cbor.AppendMap(w.buf, 0)
}

func (w *cborWriter) end() { cbor.AppendMap(w.buf[:w.start], w.n) }

func (w *cborWriter) name(name string) {
	w.n++
	w.buf = cbor.AppendText(w.buf, name)
}

func (w *cborWriter) text(name string, v *string) {
	if v != nil {
		w.name(name)
		w.buf = cbor.AppendText(w.buf, *v)
	}
}

func (w *cborWriter) boolean(name string, v *bool) {
	if v != nil {
		w.name(name)
		w.buf = cbor.AppendBool(w.buf, *v)
	}
}

func (w *cborWriter) integer(name string, v *int32) {
	if v != nil {
		w.name(name)
		w.buf = cbor.AppendInt(w.buf, int64(*v))
	}
}

func (w *cborWriter) blob(name string, v []byte) {
	if v != nil {
		w.name(name)
		w.buf = cbor.AppendBytes(w.buf, v)
	}
}

func (w *cborWriter) entries(name string, v []types.PutRecordsRequestEntry) {
	if v == nil {
		return
	}
	w.name(name)
	w.buf = cbor.AppendArray(w.buf, len(v))
	outer := *w
	for i := range v {
		writeEntry(w, &v[i])
	}
	w.start, w.n = outer.start, outer.n
}

func (w *cborWriter) bytes() []byte { return w.buf }

// jsonWriter writes objects. Each member brings the comma after it, and the last
// one's is taken back when the object ends.
type jsonWriter struct{ buf []byte }

func (w *jsonWriter) begin() { w.buf = append(w.buf, '{') }

func (w *jsonWriter) end() { w.close('}') }

// close replaces the comma after the last member by the end of what has them.
func (w *jsonWriter) close(end byte) {
	if last := len(w.buf) - 1; w.buf[last] == ',' {
		w.buf[last] = end
		return
	}
	w.buf = append(w.buf, end)
}

func (w *jsonWriter) name(name string) {
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

func (w *jsonWriter) text(name string, v *string) {
	if v != nil {
		w.name(name)
		w.buf = append(jsonscan.AppendString(w.buf, *v), ',')
	}
}

func (w *jsonWriter) boolean(name string, v *bool) {
	if v != nil {
		w.name(name)
		w.buf = append(strconv.AppendBool(w.buf, *v), ',')
	}
}

func (w *jsonWriter) integer(name string, v *int32) {
	if v != nil {
		w.name(name)
		w.buf = append(strconv.AppendInt(w.buf, int64(*v), 10), ',')
	}
}

func (w *jsonWriter) blob(name string, v []byte) {
	if v != nil {
		w.name(name)
		w.buf = append(jsonscan.AppendBase64(w.buf, v), ',')
	}
}

func (w *jsonWriter) entries(name string, v []types.PutRecordsRequestEntry) {
	if v == nil {
		return
	}
	w.name(name)
	w.buf = append(w.buf, '[')
	for i := range v {
		writeEntry(w, &v[i])
		w.buf = append(w.buf, ',')
	}
	w.close(']')
	w.buf = append(w.buf, ',')
}

func (w *jsonWriter) bytes() []byte { return w.buf }
