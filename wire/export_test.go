package wire

import "github.com/aws/smithy-go"

// DecodeCBOR and DecodeJSON decode the body of a successful answer. DecodeJSON
// changes it.
func DecodeCBOR(body []byte, out smithy.Deserializable) error {
	return decodeOutput(formCBOR, body, out)
}

func DecodeJSON(body []byte, out smithy.Deserializable) error {
	return decodeOutput(formJSON, body, out)
}

// Encode encodes a request.
func Encode(format Format, in any) ([]byte, bool) { return encode(format, in) }

// DoubtFor is how long an endpoint is doubted.
const DoubtFor = doubtFor

// FallbackID is the name of the middleware that makes calls again.
const FallbackID = fallbackID
