package kin

import (
	"strings"

	"github.com/kinstream/kin/internal/awshint"
)

// permissions are what a caller needs, in the words of its policies.
type permissions struct {
	stream string // on the stream
	key    string // on the key of an encrypted stream
}

// commonHint says what may help against an error of a call, whichever call it was. code
// is that of the service, or empty if the service has not named the error.
func commonHint(code string, err error, needed permissions) string {
	switch {
	case code == "":
		return awshint.WithoutCode(err)
	case code == "ResourceNotFoundException":
		return "check the name of the stream, the region and the account"
	case strings.HasPrefix(code, "KMS"):
		return "the stream is encrypted: the caller needs " + needed.key + ", and the key must be enabled"
	case strings.HasPrefix(code, "AccessDenied"), code == "OptInRequired":
		return "the caller needs " + needed.stream + " on the stream"
	case code == "UnknownOperationException":
		return "the endpoint does not know this operation: is it Kinesis Data Streams?"
	}
	return awshint.OfCode(code)
}
