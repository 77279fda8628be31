package wire

import (
	"net/http"
	"strings"
)

// form is what an answer is written in.
type form uint8

const (
	formOther form = iota // HTML, plain text, nothing
	formCBOR
	formJSON
)

// formOf tells the form of an answer: by its first byte where that leaves no
// doubt, because no JSON object and no CBOR map begin alike, and by its Content-Type
// otherwise.
func formOf(contentType string, body []byte) form {
	switch {
	case len(body) == 0:
		return formOther
	case body[0] >= 0xa0 && body[0] <= 0xbf:
		return formCBOR
	case body[0] == '{':
		return formJSON
	case strings.Contains(contentType, "cbor"):
		return formCBOR
	case strings.Contains(contentType, "json"):
		return formJSON
	}
	return formOther
}

// verdict is what an answer to a CBOR request says about the endpoint and about
// the call.
type verdict uint8

const (
	// neutral: nothing, or nothing that counts against what is known.
	neutral verdict = iota
	// spoke: the endpoint speaks CBOR.
	spoke
	// refusal: not done, because of the format.
	refusal
	// doubtful: not done, and the reason may be the format.
	doubtful
	// suspicious: may have been done, and the format may be why it failed.
	suspicious
	// broken: done, but its CBOR can't be used.
	broken
)

func (v verdict) String() string {
	return [...]string{"neutral", "spoke", "refusal", "doubtful", "suspicious", "broken"}[v]
}

// answer is what counts of an answer.
type answer struct {
	status    int
	form      form
	code      string // of the error, if it has one
	decoded   bool   // a 2xx answer that could be decoded
	cut       bool   // it ends too early, and nothing had said how long it is
	payload   bool   // it holds the payload of a record
	announced bool   // its header says that requests may be CBOR
}

// isSafeForPuts reports whether an answer shows that its endpoint stores payloads
// that come as CBOR.
func isSafeForPuts(a answer) bool { return a.announced || a.form == formCBOR && a.payload }

// judge is the table of doc.go, row by row. spoken says that the endpoint has
// answered in CBOR before.
func judge(a answer, spoken bool) verdict {
	switch {
	case a.status >= 200 && a.status < 300:
		return judgeSuccess(a, spoken)
	case a.status == http.StatusUnsupportedMediaType, refusesFormat(a.code):
		return refusal
	case a.status < 400:
		return neutral
	case a.form == formCBOR:
		return spoke
	case spoken:
		return neutral
	case a.status >= 500:
		return suspicious
	case provesUnderstanding(a.code):
		return neutral
	}
	return doubtful
}

func judgeSuccess(a answer, spoken bool) verdict {
	switch {
	case a.form == formCBOR && a.decoded:
		return spoke
	case a.form == formCBOR && a.cut:
		return neutral
	case a.form == formCBOR:
		return broken
	case a.decoded, spoken:
		return neutral
	}
	return suspicious
}

// runAgain reports whether a call is made again in JSON. read says that it
// changes nothing; untouched, that every attempt of it was answered with 4xx.
func runAgain(v verdict, read, untouched bool) bool {
	switch v {
	case refusal, doubtful:
		return read || untouched
	case suspicious, broken:
		return read
	default:
		return false
	}
}

// refusesFormat reports whether an error says that the request could not be read.
func refusesFormat(code string) bool {
	switch code {
	case "SerializationException", "UnknownOperationException", "UnsupportedMediaType", "UnsupportedMediaTypeException":
		return true
	}
	return false
}

// provesUnderstanding reports whether an error can only come from a server that
// has read the request, or from one that did not look at its body at all.
func provesUnderstanding(code string) bool {
	switch code {
	case "ProvisionedThroughputExceededException", "ExpiredIteratorException", "LimitExceededException",
		"ResourceInUseException", "DryRunOperationException",
		"ThrottlingException", "Throttling", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException",
		"AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure",
		"ExpiredTokenException", "ExpiredToken", "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired",
		"MissingAuthenticationTokenException", "MissingAuthenticationToken", "IncompleteSignature", "OptInRequired":
		return true
	}
	return strings.HasPrefix(code, "KMS")
}
