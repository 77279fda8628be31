package jsonscan

import (
	"bytes"
	"encoding/base64"
)

// Base64 reads a string and decodes it as base64 with padding, in place. The
// result aliases the buffer and is never nil without an error.
func (s *Scanner) Base64() ([]byte, error) {
	if s.Peek() != '"' {
		return nil, s.mismatch()
	}
	start := s.off + 1
	n := bytes.IndexByte(s.buf[start:], '"')
	if n < 0 {
		// Find out what is wrong with the string before its end is missed.
		_, err := s.stringEnd(start)
		return nil, err
	}
	text := s.buf[start : start+n : start+n]
	if bytes.IndexByte(text, '\\') >= 0 {
		return s.escapedBase64()
	}
	s.off += n + 2
	return decodeBase64(text)
}

// escapedBase64 reads a base64 string whose text is not plain: escapes such as
// \/ are legal, and so are escaped line breaks, which the SDK passes over.
func (s *Scanner) escapedBase64() ([]byte, error) {
	text, err := s.String()
	if err != nil {
		return nil, err
	}
	n, err := base64.StdEncoding.Decode(text, text)
	if err != nil {
		return nil, ErrBase64
	}
	return text[:n:n], nil
}

// decodeBase64 decodes text, which has no escapes, in place.
func decodeBase64(text []byte) ([]byte, error) {
	size := len(text)
	n, err := base64.StdEncoding.Decode(text, text)
	if err != nil {
		return nil, ErrBase64
	}
	// The decoder passes over line breaks, which JSON does not allow inside a
	// string. They show as an output that is too short for its input.
	if base64.StdEncoding.EncodedLen(n) != size {
		return nil, ErrSyntax
	}
	return text[:n:n], nil
}
