package proto

import (
	"errors"
	"math"

	"github.com/kinstream/kin/internal/cbor"
	"github.com/kinstream/kin/internal/jsonscan"
)

// reader walks a body in either encoding. What it returns aliases the body.
//
// Containers are walked with a count that the reader keeps for the caller:
//
//	n, err := r.object()
//	for err == nil {
//		key, more, err := r.member(&n)
//		...
//	}
type reader interface {
	object() (n int, err error)
	member(n *int) (key []byte, more bool, err error)
	array() (n int, err error)
	element(n *int) (more bool, err error)

	null() bool // reads null if it is next
	text() ([]byte, error)
	blob() ([]byte, error)
	boolean() (bool, error)
	integer() (int64, error)
	millis() (int64, error) // a point in time, in milliseconds since 1970
	skip() error            // reads one value of any type

	token() string // names what is next, in the service's words for errors
	rest() int     // bytes after the last value, white space aside
}

// newReader returns a reader of body, which it may change.
func (e Encoding) newReader(body []byte) reader {
	if e == CBOR {
		return &cborReader{cbor.NewReader(body)}
	}
	return &jsonReader{jsonscan.New(body)}
}

// Names of tokens, as the service's errors have them.
const (
	tokenObject = "Start of structure or map" //nolint:gosec // no credential: what a parser sees
	tokenArray  = "Start of list"
	tokenString = "STRING_VALUE"
	tokenNumber = "NUMBER_VALUE"
	tokenTrue   = "TRUE_VALUE"
	tokenFalse  = "FALSE_VALUE"
	tokenNull   = "NULL_VALUE"
	tokenBytes  = "BYTES_VALUE" //nolint:gosec // same
)

// errUnlike says that what is next can't become what the member is, or that the body is malformed.
func errUnlike(r reader, want string, err error) error {
	isType := errors.Is(err, jsonscan.ErrType) || errors.Is(err, cbor.ErrType)
	isRange := errors.Is(err, jsonscan.ErrRange) || errors.Is(err, cbor.ErrRange)
	switch {
	case errors.Is(err, jsonscan.ErrBase64):
		return &Error{Message: "STRING_VALUE cannot be converted to Blob: it is not base64"}
	case isRange:
		return &Error{Message: tokenNumber + " cannot be converted to " + want}
	case !isType:
		return errMalformed()
	}
	switch token := r.token(); token {
	case tokenObject, tokenArray:
		return &Error{Message: token + " found where not expected"}
	default:
		return &Error{Message: token + " cannot be converted to " + want}
	}
}

func errMalformed() error { return &Error{Message: "The request body is malformed"} }

// maxSeconds is the last second of the year 9999, as far from 1970 as a point in time may be.
const maxSeconds = 253_402_300_799

// jsonReader reads JSON. A count is 0 before the first member and 1 after it.
type jsonReader struct{ s jsonscan.Scanner }

func (r *jsonReader) object() (int, error) { return 0, r.s.Object() }

func (r *jsonReader) member(n *int) ([]byte, bool, error) {
	first := *n == 0
	*n = 1
	return r.s.Key(first)
}

func (r *jsonReader) array() (int, error) { return 0, r.s.Array() }

func (r *jsonReader) element(n *int) (bool, error) {
	first := *n == 0
	*n = 1
	return r.s.Next(first)
}

func (r *jsonReader) null() bool             { return r.s.Null() }
func (r *jsonReader) text() ([]byte, error)  { return r.s.String() }
func (r *jsonReader) blob() ([]byte, error)  { return r.s.Base64() }
func (r *jsonReader) boolean() (bool, error) { return r.s.Bool() }
func (r *jsonReader) skip() error            { return r.s.Skip() }
func (r *jsonReader) integer() (int64, error) {
	look := r.s
	n, err := look.Int()
	if errors.Is(err, jsonscan.ErrRange) { // also 1.0 and 1e3, which other clients may send
		var f float64
		if f, err = r.s.Float(); err == nil {
			return wholeNumber(f, jsonscan.ErrRange)
		}
		return 0, err
	}
	r.s = look
	return n, err
}

func (r *jsonReader) millis() (int64, error) {
	seconds, err := r.s.Float()
	if err != nil {
		return 0, err
	}
	if !(math.Abs(seconds) <= maxSeconds) {
		return 0, jsonscan.ErrRange
	}
	return int64(math.Round(seconds * 1000)), nil
}

func (r *jsonReader) token() string {
	switch r.s.Peek() {
	case '{':
		return tokenObject
	case '[':
		return tokenArray
	case '"':
		return tokenString
	case 't':
		return tokenTrue
	case 'f':
		return tokenFalse
	case 'n':
		return tokenNull
	}
	return tokenNumber
}

func (r *jsonReader) rest() int {
	r.s.Peek()
	return r.s.Len()
}

// cborReader reads CBOR. A count is what cbor.Reader.Next takes.
type cborReader struct{ r cbor.Reader }

func (r *cborReader) object() (int, error) { return r.r.Map() }

func (r *cborReader) member(n *int) ([]byte, bool, error) {
	if !r.r.Next(n) {
		return nil, false, nil
	}
	key, err := r.r.Text()
	if errors.Is(err, cbor.ErrType) {
		err = cbor.ErrSyntax // keys are text, and nothing says what another one means
	}
	return key, true, err
}

func (r *cborReader) array() (int, error)          { return r.r.Array() }
func (r *cborReader) element(n *int) (bool, error) { return r.r.Next(n), nil }
func (r *cborReader) null() bool                   { return r.r.Null() }
func (r *cborReader) text() ([]byte, error)        { return r.r.Text() }
func (r *cborReader) blob() ([]byte, error)        { return r.r.Bytes() }
func (r *cborReader) boolean() (bool, error)       { return r.r.Bool() }
func (r *cborReader) skip() error                  { return r.r.Skip() }

func (r *cborReader) integer() (int64, error) {
	if r.r.Kind() == cbor.KindFloat {
		f, err := r.r.Float()
		if err != nil {
			return 0, err
		}
		return wholeNumber(f, cbor.ErrRange)
	}
	return r.r.Int()
}

func (r *cborReader) millis() (int64, error) {
	millis, err := r.r.Time()
	if err == nil && (millis < -maxSeconds*1000 || millis > maxSeconds*1000) {
		err = cbor.ErrRange
	}
	return millis, err
}

func (r *cborReader) token() string {
	switch r.r.Kind() { //nolint:exhaustive // the rest is numbers, or nothing that a body may have
	case cbor.KindMap:
		return tokenObject
	case cbor.KindArray:
		return tokenArray
	case cbor.KindText:
		return tokenString
	case cbor.KindBytes:
		return tokenBytes
	case cbor.KindNull:
		return tokenNull
	case cbor.KindBool:
		look := r.r
		if v, err := look.Bool(); err == nil && v {
			return tokenTrue
		}
		return tokenFalse
	}
	return tokenNumber
}

func (r *cborReader) rest() int { return r.r.Len() }

// wholeNumber turns f into an integer that it equals exactly, or says why not.
func wholeNumber(f float64, outOfRange error) (int64, error) {
	if math.Trunc(f) != f || math.Abs(f) > 1<<53 {
		return 0, outOfRange
	}
	return int64(f), nil
}
