// Package sdkjson is the SDK's own protocol for Kinesis, AWS JSON 1.1, without a race
// that it has: its decoder of event streams is one per client, so that two
// subscriptions that are read at the same time write to the same memory. Here each
// message gets a decoder of its own, which costs less than decoding it does.
//
// It is a package because wire and kintest both need it, and wire has to know it when
// it sees it: as good as the SDK's, to be replaced.
package sdkjson

import (
	"io"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// Protocol implements [smithyhttp.ClientProtocol]. It is safe for concurrent use.
type Protocol struct{ *awsjson.Protocol }

var _ smithyhttp.ClientProtocol = Protocol{}

// New returns a Protocol.
func New() Protocol { return Protocol{awsjson.New11(schemas.Kinesis_20131202)} }

// DeserializeEventMessage decodes one event of an event stream.
func (Protocol) DeserializeEventMessage(schema *smithy.Schema, types *smithy.TypeRegistry, r io.Reader) (smithy.Deserializable, error) {
	return New().Protocol.DeserializeEventMessage(schema, types, r)
}

// DeserializeInitialResponse decodes the first message of an event stream.
func (Protocol) DeserializeInitialResponse(schema *smithy.Schema, r io.Reader, out smithy.Deserializable) error {
	return New().Protocol.DeserializeInitialResponse(schema, r, out)
}
