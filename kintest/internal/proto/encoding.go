package proto

import (
	"mime"
	"strings"

	"github.com/aws/smithy-go"
)

// Encoding is how bodies are written: the two that the service speaks.
type Encoding uint8

// The encodings.
const (
	JSON Encoding = iota // AWS JSON 1.1
	CBOR                 // its CBOR twin, which the Java SDK prefers
)

// Content types, as answers name them.
const (
	typeJSON = "application/x-amz-json-1.1"
	typeCBOR = "application/x-amz-cbor-1.1"
)

// EncodingOf says which encoding a request's Content-Type names. ok is false for one that the service doesn't speak.
func EncodingOf(contentType string) (e Encoding, ok bool) {
	switch contentType { // what clients send, without a look into it
	case typeJSON:
		return JSON, true
	case typeCBOR:
		return CBOR, true
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
	}
	switch strings.ToLower(strings.TrimSpace(media)) {
	case typeJSON, "application/x-amz-json-1.0", "application/json":
		return JSON, true
	case typeCBOR:
		return CBOR, true
	}
	return 0, false
}

// String returns "json" or "cbor".
func (e Encoding) String() string {
	if e == CBOR {
		return "cbor"
	}
	return "json"
}

// ContentType is what an answer in the encoding is labelled with.
func (e Encoding) ContentType() string {
	if e == CBOR {
		return typeCBOR
	}
	return typeJSON
}

// Unmarshal reads body into in, a pointer to one of the SDK's input structs. Members that in doesn't have are passed over, as
// the service does. What was read doesn't alias body, which may have been changed. Every error is an [*Error].
func (e Encoding) Unmarshal(body []byte, in any) error {
	return bind(e.newReader(body), in)
}

// Append appends out, one of the SDK's output structs. An output without any member is written as no body at all.
func (e Encoding) Append(dst []byte, out smithy.Serializable) []byte {
	if out == nil {
		return dst
	}
	if e == CBOR {
		w := cborWriter{buf: dst}
		out.Serialize(&w)
		if len(w.buf) == len(dst)+2 {
			return dst
		}
		return w.buf
	}
	w := jsonWriter{buf: dst}
	out.Serialize(&w)
	if len(w.buf) == len(dst)+2 {
		return dst
	}
	return w.buf
}

// AppendError appends the body of an error answer.
func (e Encoding) AppendError(dst []byte, code, message string) []byte {
	if e == CBOR {
		return appendErrorCBOR(dst, code, message)
	}
	return appendErrorJSON(dst, code, message)
}

// Error says that a body can't be understood: the service's SerializationException.
type Error struct{ Message string }

// Error implements error.
func (e *Error) Error() string { return e.Message }
