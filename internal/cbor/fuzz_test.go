package cbor_test

import (
	"bytes"
	"testing"

	"github.com/kinstream/kin/internal/cbor"
)

// walk reads one item by the typed methods, as a decoder does, and writes it
// again in the form that this package prefers.
func walk(r *cbor.Reader, dst []byte, depth int) ([]byte, error) {
	if depth > cbor.MaxDepth {
		return nil, cbor.ErrDepth
	}
	switch r.Kind() {
	case cbor.KindInt:
		v, err := r.Int()
		return cbor.AppendInt(dst, v), err
	case cbor.KindBytes:
		v, err := r.Bytes()
		return cbor.AppendBytes(dst, v), err
	case cbor.KindText:
		v, err := r.Text()
		return cbor.AppendText(dst, v), err
	case cbor.KindBool:
		v, err := r.Bool()
		return cbor.AppendBool(dst, v), err
	case cbor.KindNull:
		r.Null()
		return cbor.AppendNull(dst), nil
	case cbor.KindFloat:
		v, err := r.Float()
		return cbor.AppendFloat64(dst, v), err
	case cbor.KindTag:
		v, err := r.Tag()
		if err != nil {
			return nil, err
		}
		return walk(r, cbor.AppendTag(dst, v), depth+1)
	case cbor.KindArray:
		n, err := r.Array()
		if err != nil {
			return nil, err
		}
		return walkItems(r, cbor.AppendArrayStart(dst), n, depth, 1)
	case cbor.KindMap:
		n, err := r.Map()
		if err != nil {
			return nil, err
		}
		return walkItems(r, cbor.AppendMapStart(dst), n, depth, 2)
	default:
		return nil, cbor.ErrSyntax
	}
}

func walkItems(r *cbor.Reader, dst []byte, n, depth, each int) ([]byte, error) {
	var err error
	for r.Next(&n) {
		for range each {
			if dst, err = walk(r, dst, depth+1); err != nil {
				return nil, err
			}
		}
	}
	return cbor.AppendBreak(dst), nil
}

// FuzzReader proves that no input makes a method panic or read outside the
// buffer, that Skip accepts whatever the typed methods accept and reads exactly
// as far, and that what was read and written again reads the same.
func FuzzReader(f *testing.F) {
	record := cbor.AppendMap(nil, 3)
	record = cbor.AppendBytes(cbor.AppendText(record, "Data"), []byte("payload"))
	record = cbor.AppendText(cbor.AppendText(record, "PartitionKey"), "k")
	record = cbor.AppendTime(cbor.AppendText(record, "ApproximateArrivalTimestamp"), 1_700_000_000_123)
	f.Add(record)
	f.Add([]byte{0xbf, 0x61, 'a', 0x9f, 0x7f, 0x61, 'b', 0xff, 0xf9, 0x3c, 0, 0xff, 0xff})
	f.Add([]byte{0xc1, 0xfb, 0x41, 0xd4, 0x52, 0xd9, 0xeb, 0x20, 0, 0})
	f.Add([]byte{0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add(bytes.Repeat([]byte{0x81}, 300))
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		typed, skipped := cbor.NewReader(in), cbor.NewReader(in)
		out, err := walk(&typed, nil, 0)
		skipErr := skipped.Skip()
		if !bytes.Equal(in, before) {
			t.Fatalf("reading changed the input from %x to %x", before, in)
		}
		if typed.Len() < 0 || skipped.Len() < 0 {
			t.Fatalf("read beyond the end: %d, %d", typed.Len(), skipped.Len())
		}
		if err != nil {
			return
		}
		if skipErr != nil || skipped.Offset() != typed.Offset() {
			t.Fatalf("Skip = %v at %d, the typed methods read to %d of %x", skipErr, skipped.Offset(), typed.Offset(), in)
		}
		again := cbor.NewReader(out)
		twice, err := walk(&again, nil, 0)
		if err != nil || !bytes.Equal(twice, out) {
			t.Fatalf("%x was written as %x, which reads as %x, %v", in, out, twice, err)
		}
	})
}

// FuzzTime proves that Time neither panics nor moves beyond its item.
func FuzzTime(f *testing.F) {
	f.Add(cbor.AppendTime(nil, 1_700_000_000_123))
	f.Add(cbor.AppendFloat64(cbor.AppendTag(nil, 1), 1.7e9))
	f.Add([]byte{0xc1, 0xf9, 0x7e, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		r, skip := cbor.NewReader(in), cbor.NewReader(in)
		if _, err := r.Time(); err != nil {
			return
		}
		if err := skip.Skip(); err != nil || skip.Offset() != r.Offset() {
			t.Fatalf("Time read %d bytes of %x, Skip %d with %v", r.Offset(), in, skip.Offset(), err)
		}
	})
}
