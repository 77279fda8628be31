package proto_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/encoding/cbor"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"github.com/kinstream/kin/kintest/internal/proto"
)

// sdkCodec is the SDK's own codec, which ours is held against.
var sdkCodec = awsjson.New11(smithy.NewServiceSchema(schemas.Kinesis_20131202.Schema, "2013-12-02"))

// shapes returns the input and output types of all operations of the SDK's client.
func shapes() map[string][2]reflect.Type {
	client := reflect.TypeFor[*kinesis.Client]()
	found := map[string][2]reflect.Type{}
	for method := range client.Methods() {
		t := method.Type
		if t.NumIn() == 4 && t.NumOut() == 2 && strings.HasSuffix(t.In(2).String(), method.Name+"Input") {
			found[method.Name] = [2]reflect.Type{t.In(2).Elem(), t.Out(0).Elem()}
		}
	}
	return found
}

func TestShapes(t *testing.T) {
	t.Parallel()
	if n := len(shapes()); n != 45 {
		t.Fatalf("the SDK has %d operations, the tests know of 45", n)
	}
	for name, pair := range shapes() {
		t.Run("input_of_"+name+"_is_read_as_the_SDK_wrote_it", func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(20) {
				want := reflect.New(pair[0])
				fill(rand.New(rand.NewPCG(seed, 1)), want.Elem())
				body := sdkRequest(t, name, want.Interface().(smithy.Serializable))
				checkBind(t, proto.JSON, body, want)
				checkBind(t, proto.CBOR, proto.CBOR.Append(nil, want.Interface().(smithy.Serializable)), want)
			}
		})
		if name == "SubscribeToShard" {
			continue // its output is an event stream
		}
		t.Run("output_of_"+name+"_is_read_by_the_SDK_as_we_wrote_it", func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(20) {
				want := reflect.New(pair[1])
				fill(rand.New(rand.NewPCG(seed, 2)), want.Elem())
				out := want.Interface().(smithy.Serializable)
				got := reflect.New(pair[1])
				sdkAnswer(t, proto.JSON.Append(nil, out), got.Interface().(smithy.Deserializable))
				if !reflect.DeepEqual(got.Interface(), want.Interface()) {
					t.Fatalf("seed %d: SDK read\n%+v, want\n%+v", seed, got.Elem(), want.Elem())
				}
				body := proto.CBOR.Append(nil, out)
				if len(body) > 0 {
					if _, err := cbor.Decode(body); err != nil {
						t.Fatalf("seed %d: SDK can't read our CBOR: %v", seed, err)
					}
					checkBind(t, proto.CBOR, body, want)
				}
			}
		})
	}
}

// checkBind reads body and compares the result with want.
func checkBind(t *testing.T, e proto.Encoding, body []byte, want reflect.Value) {
	t.Helper()
	if len(body) == 0 {
		return
	}
	got := reflect.New(want.Type().Elem())
	if err := e.Unmarshal(bytes.Clone(body), got.Interface()); err != nil {
		t.Fatalf("%s: %v\n%q", e, err, body)
	}
	if !reflect.DeepEqual(got.Interface(), want.Interface()) {
		t.Fatalf("%s: read\n%+v, want\n%+v\n%q", e, got.Elem(), want.Elem(), body)
	}
}

// sdkRequest lets the SDK write in.
func sdkRequest(t *testing.T, name string, in smithy.Serializable) []byte {
	t.Helper()
	req := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	if err := sdkCodec.SerializeRequest(context.Background(), operationSchema(name), in, req); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(req.GetStream())
	if err != nil {
		t.Fatal(err)
	}
	var theirs, ours any
	if err := json.Unmarshal(body, &theirs); err != nil {
		t.Fatal(err)
	}
	if own := proto.JSON.Append(nil, in); len(own) > 0 {
		if err := json.Unmarshal(own, &ours); err != nil {
			t.Fatalf("we wrote %q: %v", own, err)
		}
		if !reflect.DeepEqual(ours, theirs) {
			t.Fatalf("we wrote\n%s, the SDK\n%s", own, body)
		}
	}
	return body
}

// sdkAnswer lets the SDK read the body of an answer into out.
func sdkAnswer(t *testing.T, body []byte, out smithy.Deserializable) {
	t.Helper()
	resp := &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}}
	if err := sdkCodec.DeserializeResponse(context.Background(), operationSchema("X"), nil, resp, out); err != nil {
		t.Fatalf("the SDK can't read our answer: %v\n%s", err, body)
	}
}

func operationSchema(name string) *smithy.OperationSchema {
	schema := smithy.NewSchema(smithy.ShapeID{Name: name}, smithy.ShapeTypeStructure, 0)
	return smithy.NewOperationSchema(schema, schema, schema)
}

// fill sets the members of an SDK struct to random values, and leaves out some that may be left out.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if r.IntN(8) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem())
		}
	case reflect.String:
		v.SetString(text(r))
	case reflect.Int32:
		v.SetInt(int64(int32(r.Uint32())))
	case reflect.Int64:
		v.SetInt(r.Int64() >> r.IntN(64))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Struct:
		fillStruct(r, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(text(r)))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(4), 4))
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(4) {
			item := reflect.New(v.Type().Elem()).Elem()
			fill(r, item)
			v.SetMapIndex(reflect.ValueOf(text(r)).Convert(v.Type().Key()), item)
		}
	default:
		panic(fmt.Sprintf("BUG: an SDK struct has a member of type %s", v.Type()))
	}
}

func fillStruct(r *rand.Rand, v reflect.Value) {
	if at, ok := v.Addr().Interface().(*time.Time); ok {
		// After 1973, where CBOR's milliseconds can't be taken for seconds; in eighths of a second, which a float64 holds
		// exactly: the SDK cuts off what is less than a millisecond.
		*at = time.UnixMilli(100_000_000_000 + 125*r.Int64N(30_000_000_000)).UTC()
		return
	}
	for field, member := range v.Fields() {
		if field.IsExported() && field.Name != "ResultMetadata" {
			fill(r, member)
		}
	}
}

// text returns a string that is not empty, with characters that need care.
func text(r *rand.Rand) string {
	alphabet := []rune("abcXYZ019-_/+= \"\\\n\t\r\x00\x1f\x7fäß€\u2028😀")
	var b strings.Builder
	for range 1 + r.IntN(20) {
		b.WriteRune(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}
