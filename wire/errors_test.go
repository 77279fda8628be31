package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/kinstream/kin/wire"
)

// canned answers every request with the same bytes.
type canned reply

func (c canned) Do(req *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, req.Body)
	resp := httpResponse(c.status, c.contentType, c.body)
	for name, value := range c.header {
		resp.Header.Set(name, value)
	}
	resp.Header.Set("X-Amzn-Requestid", "request-1")
	return resp, nil
}

// asCBOR turns JSON into CBOR by the standard library and smithy-go.
func asCBOR(t *testing.T, text string) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	var convert func(v any) cbor.Value
	convert = func(v any) cbor.Value {
		switch v := v.(type) {
		case map[string]any:
			m := cbor.Map{}
			for name, e := range v {
				m[name] = convert(e)
			}
			return m
		case []any:
			list := cbor.List{}
			for _, e := range v {
				list = append(list, convert(e))
			}
			return list
		case string:
			return cbor.String(v)
		case float64:
			return cbor.Float64(v)
		case bool:
			return cbor.Bool(v)
		}
		return &cbor.Nil{}
	}
	return cbor.Encode(convert(v))
}

func TestErrorsAreTheSDKs(t *testing.T) {
	t.Parallel()
	type errorCase struct {
		name   string
		body   string
		header string // X-Amzn-ErrorType
	}
	cases := []errorCase{
		{"lower case message", `{"__type":"ResourceNotFoundException","message":"no stream"}`, ""},
		{"upper case message", `{"__type":"ResourceNotFoundException","Message":"no stream"}`, ""},
		{"both messages", `{"__type":"ResourceNotFoundException","message":"a","Message":"a"}`, ""},
		{"no message", `{"__type":"ResourceNotFoundException"}`, ""},
		{"null message", `{"__type":"ResourceNotFoundException","message":null}`, ""},
		{"empty message", `{"__type":"ResourceNotFoundException","message":""}`, ""},
		{"name space", `{"__type":"com.amazonaws.kinesis.v20131202#ExpiredIteratorException","message":"old"}`, ""},
		{"address after the type", `{"__type":"ExpiredIteratorException:http://internal/","message":"old"}`, ""},
		{"type in the header", `{"message":"slow down"}`, "ProvisionedThroughputExceededException"},
		{"header against body", `{"__type":"ResourceNotFoundException","message":"m"}`, "LimitExceededException:http://x/"},
		{"code instead of type", `{"code":"AccessDeniedException","message":"no"}`, ""},
		{"a code that is a number", `{"code":17,"message":"no"}`, ""},
		{"not modelled", `{"__type":"UnrecognizedClientException","message":"who are you"}`, ""},
		{"neither type nor message", `{}`, ""},
		{"members that nobody knows", `{"__type":"KMSThrottlingException","message":"m","x":[1,{"y":true}],"z":1.5}`, ""},
		{"hard text", `{"__type":"InvalidArgumentException","message":"a \"b\"\n\u2028 é 😀"}`, ""},
	}
	for name := range kinesis.TypeRegistry.Entries {
		cases = append(cases, errorCase{"registered " + name, fmt.Sprintf(`{"__type":%q,"message":"m"}`, name), ""})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []int{400, 500} {
				header := map[string]string{}
				if c.header != "" {
					header["X-Amzn-Errortype"] = c.header
				}
				want := getRecords(t, newClient("http://unused", withHTTP(canned{status, typeJSON, header, []byte(c.body), false})))
				for form, answer := range map[string]canned{
					"JSON":          {status, typeJSON, header, []byte(c.body), false},
					"CBOR":          {status, typeCBOR, header, asCBOR(t, c.body), false},
					"CBOR unnamed":  {status, "", header, asCBOR(t, c.body), false},
					"JSON misnamed": {status, typeCBOR, header, []byte(c.body), false},
				} {
					got := getRecords(t, newClient("http://unused", withHTTP(answer), wire.Enable))
					sameError(t, form, got, want)
				}
			}
		})
	}
}

func withHTTP(c kinesis.HTTPClient) func(*kinesis.Options) {
	return func(o *kinesis.Options) { o.HTTPClient = c }
}

func getRecords(t *testing.T, c *kinesis.Client) error {
	t.Helper()
	_, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: new("AAA")})
	return err
}

// sameError compares errors by text, and the service's error in it by type and content.
func sameError(t *testing.T, name string, got, want error) {
	t.Helper()
	if got == nil || want == nil || got.Error() != want.Error() {
		t.Errorf("%s: got  %v\nwant %v", name, got, want)
		return
	}
	g, _ := errors.AsType[smithy.APIError](got)
	w, _ := errors.AsType[smithy.APIError](want)
	if !reflect.DeepEqual(g, w) {
		t.Errorf("%s: got %#v, want %#v", name, g, w)
	}
}

func TestModelledErrorsAreFoundByType(t *testing.T) {
	t.Parallel()
	body := asCBOR(t, `{"__type":"ProvisionedThroughputExceededException","message":"Rate exceeded for shard"}`)
	err := getRecords(t, newClient("http://unused", withHTTP(canned{400, typeCBOR, nil, body, false}), wire.Enable))
	e, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err)
	if !ok || e.ErrorMessage() != "Rate exceeded for shard" {
		t.Errorf("err = %v, want a ProvisionedThroughputExceededException with its message", err)
	}
}

func TestErrorsThatAreNoErrorsOfTheService(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]canned{
		"HTML":             {503, "text/html", nil, []byte("<html>no backend</html>"), false},
		"nothing":          {502, "", nil, nil, false},
		"text":             {400, "text/plain", nil, []byte("Bad Request"), false},
		"half of JSON":     {400, typeJSON, nil, []byte(`{"__type":"Res`), false},
		"a list":           {400, typeJSON, nil, []byte(`[]`), false},
		"a type as number": {400, typeJSON, nil, []byte(`{"__type":1}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := getRecords(t, newClient("http://unused", withHTTP(answer)))
			sameError(t, name, getRecords(t, newClient("http://unused", withHTTP(answer), wire.Enable)), want)
		})
	}
	broken := canned{400, typeCBOR, nil, bytes.Repeat([]byte{0xbf, 0x61, 'a'}, 200), false}
	err := getRecords(t, newClient("http://unused", withHTTP(broken), wire.Enable))
	if _, ok := errors.AsType[*smithy.DeserializationError](err); !ok {
		t.Errorf("broken CBOR: %v, want a DeserializationError", err)
	}
}
