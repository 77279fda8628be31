// Package awshint says what may help against errors that calls of all AWS services have in common.
package awshint

import (
	"errors"
	"net"
	"strings"
)

// OfCode says what may help against an error that a service has named and that is about the
// caller's credentials. It is empty if the error is about something else.
func OfCode(code string) string {
	switch {
	case strings.HasPrefix(code, "ExpiredToken"):
		return "the credentials have expired"
	case code == "UnrecognizedClientException", code == "InvalidClientTokenId", code == "IncompleteSignature",
		code == "InvalidSignatureException", code == "SignatureDoesNotMatch", strings.HasPrefix(code, "MissingAuthenticationToken"):
		return "check the credentials, the region and the clock of this machine"
	}
	return ""
}

// WithoutCode says what may help against an error that no service has named, because none was
// reached.
func WithoutCode(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "no such host: check the region and the endpoint"
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return "check the endpoint and the network"
	}
	switch text := strings.ToLower(err.Error()); {
	case strings.Contains(text, "failed to parse uri"):
		return "the endpoint must be a URL, such as http://127.0.0.1:4567"
	case strings.Contains(text, "region"):
		return "set a region, for example with AWS_REGION"
	case strings.Contains(text, "credentials"):
		return "no credentials were found"
	}
	return ""
}
