package kin

import (
	"errors"
	"net"
	"strings"
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
		return hintWithoutCode(err)
	case code == "ResourceNotFoundException":
		return "check the name of the stream, the region and the account"
	case strings.HasPrefix(code, "KMS"):
		return "the stream is encrypted: the caller needs " + needed.key + ", and the key must be enabled"
	case strings.HasPrefix(code, "AccessDenied"), code == "OptInRequired":
		return "the caller needs " + needed.stream + " on the stream"
	case strings.HasPrefix(code, "ExpiredToken"):
		return "the credentials have expired"
	case code == "UnrecognizedClientException", code == "InvalidClientTokenId", code == "IncompleteSignature",
		code == "InvalidSignatureException", code == "SignatureDoesNotMatch", strings.HasPrefix(code, "MissingAuthenticationToken"):
		return "check the credentials, the region and the clock of this machine"
	case code == "UnknownOperationException":
		return "the endpoint does not know this operation: is it Kinesis Data Streams?"
	}
	return ""
}

func hintWithoutCode(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "no such host: check the region and the endpoint"
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return "check the endpoint and the network"
	}
	switch text := strings.ToLower(err.Error()); {
	case strings.Contains(text, "region"):
		return "set a region, for example with AWS_REGION"
	case strings.Contains(text, "credentials"):
		return "no credentials were found"
	}
	return ""
}
