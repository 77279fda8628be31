package wire_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/encoding/cbor"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// The encoders of this file are the SDK's own serialization of its types, into
// JSON by its own protocol and into CBOR by smithy-go's CBOR package. Nothing of
// this module has a part in them.

var sdkProtocol = awsjson.New11(schemas.Kinesis_20131202)

// encodeJSON lets the SDK write v as AWS JSON.
func encodeJSON(v smithy.Serializable) []byte {
	req := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	schema := smithy.NewOperationSchema(schemas.GetRecords, schemas.GetRecordsInput, schemas.GetRecordsOutput)
	err := sdkProtocol.SerializeRequest(context.Background(), schema, v, req)
	body, readErr := io.ReadAll(req.GetStream())
	if err = errors.Join(err, readErr); err != nil {
		panic(err)
	}
	return body
}

// decodeBySDK lets the SDK read AWS JSON.
func decodeBySDK(body []byte, out smithy.Deserializable) error {
	schema := smithy.NewOperationSchema(schemas.GetRecords, schemas.GetRecordsInput, schemas.GetRecordsOutput)
	return sdkProtocol.DeserializeResponse(context.Background(), schema, kinesis.TypeRegistry, response(200, "", body), out)
}

func response(status int, contentType string, body []byte) *smithyhttp.Response {
	return &smithyhttp.Response{Response: httpResponse(status, contentType, body)}
}

func httpResponse(status int, contentType string, body []byte) *http.Response {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: io.NopCloser(&slowReader{rest: body}), ContentLength: int64(len(body)),
	}
}

// slowReader gives less than it is asked for, and its end together with data, as
// network connections may.
type slowReader struct{ rest []byte }

func (r *slowReader) Read(p []byte) (int, error) {
	n := copy(p[:min(len(p), 1+len(p)/2)], r.rest)
	r.rest = r.rest[n:]
	if len(r.rest) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// tree builds a CBOR value from what a type of the SDK says of itself. Methods
// that no Kinesis shape calls are those of the nil interface.
type tree struct {
	smithy.ShapeSerializer
	open []func(name string, v cbor.Value) // of the containers that are open
	end  []func() cbor.Value
	name []string // member names of these, in the container around them
	root cbor.Value
}

func (t *tree) put(s *smithy.Schema, v cbor.Value) {
	if len(t.open) == 0 {
		t.root = v
		return
	}
	t.open[len(t.open)-1](s.MemberName(), v)
}

func (t *tree) push(s *smithy.Schema, put func(string, cbor.Value), end func() cbor.Value) {
	t.open, t.end, t.name = append(t.open, put), append(t.end, end), append(t.name, s.MemberName())
}

func (t *tree) pop() {
	last := len(t.open) - 1
	v, name := t.end[last](), t.name[last]
	t.open, t.end, t.name = t.open[:last], t.end[:last], t.name[:last]
	if last == 0 {
		t.root = v
		return
	}
	t.open[last-1](name, v)
}

func (t *tree) WriteStruct(s *smithy.Schema) {
	m := cbor.Map{}
	t.push(s, func(name string, v cbor.Value) { m[name] = v }, func() cbor.Value { return m })
}

func (t *tree) WriteList(s *smithy.Schema) {
	list := cbor.List{}
	t.push(s, func(_ string, v cbor.Value) { list = append(list, v) }, func() cbor.Value { return list })
}

func (t *tree) CloseStruct()                            { t.pop() }
func (t *tree) CloseList()                              { t.pop() }
func (t *tree) WriteString(s *smithy.Schema, v string)  { t.put(s, cbor.String(v)) }
func (t *tree) WriteBlob(s *smithy.Schema, v []byte)    { t.put(s, cbor.Slice(v)) }
func (t *tree) WriteBool(s *smithy.Schema, v bool)      { t.put(s, cbor.Bool(v)) }
func (t *tree) WriteInt32(s *smithy.Schema, v int32)    { t.put(s, cborInt(int64(v))) }
func (t *tree) WriteInt64(s *smithy.Schema, v int64)    { t.put(s, cborInt(v)) }
func (t *tree) WriteTime(s *smithy.Schema, v time.Time) { t.put(s, cborTime(v)) }
func (t *tree) WriteNil(s *smithy.Schema)               { t.put(s, &cbor.Nil{}) }
func cborTime(v time.Time) *cbor.Tag                    { return &cbor.Tag{ID: 1, Value: cborInt(v.UnixMilli())} }

func treeOf(v smithy.Serializable) cbor.Value              { t := &tree{}; v.Serialize(t); return t.root }
func encodeCBOR(v smithy.Serializable, s cborStyle) []byte { return s.append(nil, treeOf(v)) }

func cborInt(v int64) cbor.Value {
	if v < 0 {
		return cbor.NegInt(-v)
	}
	return cbor.Uint(v)
}

// cborStyle says how to write CBOR. The zero value is smithy-go's encoder. With a
// source of randomness, it takes the liberties that the format gives: lengths
// left open, strings in chunks, numbers wider than needed, members in any order,
// members that nobody knows, null for what is absent.
type cborStyle struct{ rand *rand.Rand }

func (s cborStyle) maybe() bool { return s.rand.IntN(4) == 0 }

func (s cborStyle) append(dst []byte, v cbor.Value) []byte {
	if s.rand == nil {
		return append(dst, cbor.Encode(v)...)
	}
	switch v := v.(type) {
	case cbor.Map:
		return s.appendMap(dst, v)
	case cbor.List:
		dst, end := s.appendHead(dst, 4, len(v))
		for _, e := range v {
			dst = s.append(dst, e)
		}
		return append(dst, end...)
	case cbor.String:
		return s.appendString(dst, 3, []byte(v))
	case cbor.Slice:
		return s.appendString(dst, 2, v)
	case *cbor.Tag:
		return s.appendTime(dst, v)
	case cbor.Uint:
		if s.maybe() {
			return binary.BigEndian.AppendUint64(append(dst, 0x1b), uint64(v))
		}
	}
	return append(dst, cbor.Encode(v)...)
}

func (s cborStyle) appendTime(dst []byte, v *cbor.Tag) []byte {
	millis, _ := v.Value.(cbor.Uint)
	switch s.rand.IntN(3) {
	case 0:
		dst = append(dst, 0xc1, 0xfb)
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(float64(millis)/1000))
	case 1:
		return s.append(dst, v.Value)
	}
	return s.append(append(dst, 0xc1), v.Value)
}

func (s cborStyle) appendMap(dst []byte, m cbor.Map) []byte {
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	})
	s.rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	strangers := 0
	if s.maybe() {
		strangers = 1 + s.rand.IntN(3)
	}
	dst, end := s.appendHead(dst, 5, len(names)+strangers)
	for _, name := range names {
		if strangers > 0 && s.maybe() {
			strangers--
			dst = s.appendStranger(dst)
		}
		dst = s.append(s.append(dst, cbor.String(name)), m[name])
	}
	for range strangers {
		dst = s.appendStranger(dst)
	}
	return append(dst, end...)
}

// appendStranger appends a member that no shape has.
func (s cborStyle) appendStranger(dst []byte) []byte {
	dst = s.append(dst, cbor.String([]string{"Datum", "records", "New", ""}[s.rand.IntN(4)]))
	return s.append(dst, []cbor.Value{
		&cbor.Nil{}, cbor.Bool(true), cbor.Float64(1.5), cbor.String("x"),
		cbor.Slice{1, 2},
		cbor.List{cbor.Map{"a": cbor.Uint(1)}, cbor.List{}},
		&cbor.Tag{ID: 32, Value: cbor.String("u")}, cbor.NegInt(7),
	}[s.rand.IntN(8)])
}

func (s cborStyle) appendHead(dst []byte, major byte, n int) (_, end []byte) {
	switch way := s.rand.IntN(4); {
	case way == 0:
		return append(dst, major<<5|31), []byte{0xff}
	case way == 1:
		return binary.BigEndian.AppendUint32(append(dst, major<<5|26), uint32(n)), nil
	case n < 24:
		return append(dst, major<<5|byte(n)), nil
	default:
		return binary.BigEndian.AppendUint16(append(dst, major<<5|25), uint16(n)), nil
	}
}

func (s cborStyle) appendString(dst []byte, major byte, v []byte) []byte {
	if !s.maybe() {
		dst = binary.BigEndian.AppendUint32(append(dst, major<<5|26), uint32(len(v)))
		return append(dst, v...)
	}
	dst = append(dst, major<<5|31)
	for len(v) > 0 {
		n := min(len(v), s.rand.IntN(24))
		dst = append(append(dst, major<<5|byte(n)), v[:n]...)
		v = v[n:]
	}
	return append(dst, 0xff)
}
