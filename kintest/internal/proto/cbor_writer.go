package proto

import (
	"math/big"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"

	"github.com/kinstream/kin/internal/cbor"
)

// cborWriter writes the SDK's structs as the service's CBOR: points in time as tag 1 with milliseconds, blobs as byte strings.
// The number of members is not known beforehand, so maps and arrays end with a break.
type cborWriter struct {
	buf  []byte
	open levels
}

var _ smithy.ShapeSerializer = (*cborWriter)(nil)

// Bytes returns what was written.
func (w *cborWriter) Bytes() []byte { return w.buf }

// member begins a value: with its name if the level is a structure.
func (w *cborWriter) member(s *smithy.Schema) {
	if level := w.open.top(); level != nil && level.named {
		w.buf = cbor.AppendText(w.buf, s.MemberName())
	}
}

func (w *cborWriter) beginMap(s *smithy.Schema, named bool) {
	w.member(s)
	w.buf = cbor.AppendMapStart(w.buf)
	w.open.push(named)
}

func (w *cborWriter) end() {
	w.open.pop()
	w.buf = cbor.AppendBreak(w.buf)
}

func (w *cborWriter) writeInt(s *smithy.Schema, v int64) {
	w.member(s)
	w.buf = cbor.AppendInt(w.buf, v)
}

// WriteInt8 writes an integer.
func (w *cborWriter) WriteInt8(s *smithy.Schema, v int8) { w.writeInt(s, int64(v)) }

// WriteInt16 writes an integer.
func (w *cborWriter) WriteInt16(s *smithy.Schema, v int16) { w.writeInt(s, int64(v)) }

// WriteInt32 writes an integer.
func (w *cborWriter) WriteInt32(s *smithy.Schema, v int32) { w.writeInt(s, int64(v)) }

// WriteInt64 writes an integer.
func (w *cborWriter) WriteInt64(s *smithy.Schema, v int64) { w.writeInt(s, v) }

// WriteFloat32 writes a number.
func (w *cborWriter) WriteFloat32(s *smithy.Schema, v float32) { w.WriteFloat64(s, float64(v)) }

// WriteFloat64 writes a number.
func (w *cborWriter) WriteFloat64(s *smithy.Schema, v float64) {
	w.member(s)
	w.buf = cbor.AppendFloat64(w.buf, v)
}

// WriteBool writes true or false.
func (w *cborWriter) WriteBool(s *smithy.Schema, v bool) {
	w.member(s)
	w.buf = cbor.AppendBool(w.buf, v)
}

// WriteString writes a text string.
func (w *cborWriter) WriteString(s *smithy.Schema, v string) {
	w.member(s)
	w.buf = cbor.AppendText(w.buf, v)
}

// WriteBigInt writes null: the service has no such numbers.
func (w *cborWriter) WriteBigInt(s *smithy.Schema, _ *big.Int) { w.WriteNil(s) }

// WriteBigFloat writes null: the service has no such numbers.
func (w *cborWriter) WriteBigFloat(s *smithy.Schema, _ *big.Float) { w.WriteNil(s) }

// WriteBlob writes a byte string.
func (w *cborWriter) WriteBlob(s *smithy.Schema, v []byte) {
	w.member(s)
	w.buf = cbor.AppendBytes(w.buf, v)
}

// WriteTime writes a point in time.
func (w *cborWriter) WriteTime(s *smithy.Schema, v time.Time) {
	w.member(s)
	w.buf = cbor.AppendTime(w.buf, v.UnixMilli())
}

// WriteUnion begins a union: a structure with one member.
func (w *cborWriter) WriteUnion(s, _ *smithy.Schema) { w.beginMap(s, true) }

// CloseUnion ends it.
func (w *cborWriter) CloseUnion() { w.end() }

// WriteDocument writes null: the service has no documents.
func (w *cborWriter) WriteDocument(s *smithy.Schema, _ document.Value) { w.WriteNil(s) }

// WriteNil writes null.
func (w *cborWriter) WriteNil(s *smithy.Schema) {
	w.member(s)
	w.buf = cbor.AppendNull(w.buf)
}

// WriteStruct begins a structure.
func (w *cborWriter) WriteStruct(s *smithy.Schema) { w.beginMap(s, true) }

// CloseStruct ends it.
func (w *cborWriter) CloseStruct() { w.end() }

// WriteList begins a list.
func (w *cborWriter) WriteList(s *smithy.Schema) {
	w.member(s)
	w.buf = cbor.AppendArrayStart(w.buf)
	w.open.push(false)
}

// CloseList ends it.
func (w *cborWriter) CloseList() { w.end() }

// WriteMap begins a map.
func (w *cborWriter) WriteMap(s *smithy.Schema) { w.beginMap(s, false) }

// WriteKey writes a key of a map; its value is next.
func (w *cborWriter) WriteKey(_ *smithy.Schema, key string) {
	w.buf = cbor.AppendText(w.buf, key)
}

// CloseMap ends it.
func (w *cborWriter) CloseMap() { w.end() }
