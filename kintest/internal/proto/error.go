package proto

import (
	"github.com/kinstream/kin/internal/cbor"
	"github.com/kinstream/kin/internal/jsonscan"
)

func appendErrorJSON(dst []byte, code, message string) []byte {
	dst = append(dst, `{"__type":`...)
	dst = jsonscan.AppendString(dst, code)
	dst = append(dst, `,"message":`...)
	dst = jsonscan.AppendString(dst, message)
	return append(dst, '}')
}

func appendErrorCBOR(dst []byte, code, message string) []byte {
	dst = cbor.AppendMap(dst, 2)
	dst = cbor.AppendText(dst, "__type")
	dst = cbor.AppendText(dst, code)
	dst = cbor.AppendText(dst, "message")
	return cbor.AppendText(dst, message)
}
