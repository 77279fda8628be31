package proto

import (
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"

	"github.com/kinstream/kin/internal/jsonscan"
)

// jsonWriter writes the SDK's structs as the service's JSON: points in time in seconds with a fraction, blobs in base64.
type jsonWriter struct {
	buf  []byte
	open levels
}

var _ smithy.ShapeSerializer = (*jsonWriter)(nil)

// Bytes returns what was written.
func (w *jsonWriter) Bytes() []byte { return w.buf }

// member begins a value: with a comma if it is not the first of its level, and with its name if the level is a structure.
func (w *jsonWriter) member(s *smithy.Schema) {
	level := w.open.top()
	if level == nil || level.keyed {
		if level != nil {
			level.keyed = false
		}
		return
	}
	w.separate(level)
	if level.named {
		w.buf = jsonscan.AppendString(w.buf, s.MemberName())
		w.buf = append(w.buf, ':')
	}
}

func (w *jsonWriter) separate(level *level) {
	if level.items > 0 {
		w.buf = append(w.buf, ',')
	}
	level.items++
}

func (w *jsonWriter) begin(s *smithy.Schema, bracket byte, named bool) {
	w.member(s)
	w.buf = append(w.buf, bracket)
	w.open.push(named)
}

func (w *jsonWriter) end(bracket byte) {
	w.open.pop()
	w.buf = append(w.buf, bracket)
}

func (w *jsonWriter) writeInt(s *smithy.Schema, v int64) {
	w.member(s)
	w.buf = strconv.AppendInt(w.buf, v, 10)
}

// WriteInt8 writes an integer.
func (w *jsonWriter) WriteInt8(s *smithy.Schema, v int8) { w.writeInt(s, int64(v)) }

// WriteInt16 writes an integer.
func (w *jsonWriter) WriteInt16(s *smithy.Schema, v int16) { w.writeInt(s, int64(v)) }

// WriteInt32 writes an integer.
func (w *jsonWriter) WriteInt32(s *smithy.Schema, v int32) { w.writeInt(s, int64(v)) }

// WriteInt64 writes an integer.
func (w *jsonWriter) WriteInt64(s *smithy.Schema, v int64) { w.writeInt(s, v) }

// WriteFloat32 writes a number.
func (w *jsonWriter) WriteFloat32(s *smithy.Schema, v float32) { w.writeFloat(s, float64(v), 32) }

// WriteFloat64 writes a number.
func (w *jsonWriter) WriteFloat64(s *smithy.Schema, v float64) { w.writeFloat(s, v, 64) }

func (w *jsonWriter) writeFloat(s *smithy.Schema, v float64, bits int) {
	w.member(s)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		w.buf = append(w.buf, "null"...)
		return
	}
	w.buf = strconv.AppendFloat(w.buf, v, 'g', -1, bits)
}

// WriteBool writes true or false.
func (w *jsonWriter) WriteBool(s *smithy.Schema, v bool) {
	w.member(s)
	w.buf = strconv.AppendBool(w.buf, v)
}

// WriteString writes a string.
func (w *jsonWriter) WriteString(s *smithy.Schema, v string) {
	w.member(s)
	w.buf = jsonscan.AppendString(w.buf, v)
}

// WriteBigInt writes a number.
func (w *jsonWriter) WriteBigInt(s *smithy.Schema, v *big.Int) {
	w.member(s)
	w.buf = v.Append(w.buf, 10)
}

// WriteBigFloat writes a number.
func (w *jsonWriter) WriteBigFloat(s *smithy.Schema, v *big.Float) {
	w.member(s)
	w.buf = v.Append(w.buf, 'g', -1)
}

// WriteBlob writes a blob in base64.
func (w *jsonWriter) WriteBlob(s *smithy.Schema, v []byte) {
	w.member(s)
	w.buf = jsonscan.AppendBase64(w.buf, v)
}

// WriteTime writes a point in time.
func (w *jsonWriter) WriteTime(s *smithy.Schema, v time.Time) {
	w.member(s)
	w.buf = jsonscan.AppendTime(w.buf, v.UnixMilli())
}

// WriteUnion begins a union: a structure with one member.
func (w *jsonWriter) WriteUnion(s, _ *smithy.Schema) { w.begin(s, '{', true) }

// CloseUnion ends it.
func (w *jsonWriter) CloseUnion() { w.end('}') }

// WriteDocument writes null: the service has no documents.
func (w *jsonWriter) WriteDocument(s *smithy.Schema, _ document.Value) { w.WriteNil(s) }

// WriteNil writes null.
func (w *jsonWriter) WriteNil(s *smithy.Schema) {
	w.member(s)
	w.buf = append(w.buf, "null"...)
}

// WriteStruct begins a structure.
func (w *jsonWriter) WriteStruct(s *smithy.Schema) { w.begin(s, '{', true) }

// CloseStruct ends it.
func (w *jsonWriter) CloseStruct() { w.end('}') }

// WriteList begins a list.
func (w *jsonWriter) WriteList(s *smithy.Schema) { w.begin(s, '[', false) }

// CloseList ends it.
func (w *jsonWriter) CloseList() { w.end(']') }

// WriteMap begins a map.
func (w *jsonWriter) WriteMap(s *smithy.Schema) { w.begin(s, '{', false) }

// WriteKey writes a key of a map; its value is next.
func (w *jsonWriter) WriteKey(_ *smithy.Schema, key string) {
	level := w.open.top()
	w.separate(level)
	level.keyed = true
	w.buf = jsonscan.AppendString(w.buf, key)
	w.buf = append(w.buf, ':')
}

// CloseMap ends it.
func (w *jsonWriter) CloseMap() { w.end('}') }

// level is one structure, list or map that is being written.
type level struct {
	named bool // a structure: members have names
	keyed bool // a map whose key was just written
	items int
}

// levels is the way from the outermost level to the one that is being written.
type levels struct {
	stack []level
	first [8]level // spares the allocation: nothing in the service is deeper
}

func (l *levels) top() *level {
	if len(l.stack) == 0 {
		return nil
	}
	return &l.stack[len(l.stack)-1]
}

func (l *levels) push(named bool) {
	if l.stack == nil {
		l.stack = l.first[:0]
	}
	l.stack = append(l.stack, level{named: named})
}

func (l *levels) pop() { l.stack = l.stack[:len(l.stack)-1] }
