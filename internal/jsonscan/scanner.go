package jsonscan

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"strconv"
)

// MaxDepth is how many arrays and objects may enclose a value that
// [Scanner.Skip] passes.
const MaxDepth = 1024

// Errors of [Scanner] methods. They carry no position: [Scanner.Offset] tells it.
var (
	// ErrTruncated is returned when the input ends inside a value.
	ErrTruncated = errors.New("json: unexpected end of the input")

	// ErrSyntax is returned for bytes that are not JSON.
	ErrSyntax = errors.New("json: malformed value")

	// ErrType is returned when the value is of another type than the one asked
	// for. The cursor has moved over white space at most.
	ErrType = errors.New("json: value of another type")

	// ErrRange is returned when a number does not fit into the type asked for.
	ErrRange = errors.New("json: number out of range")

	// ErrBase64 is returned when a string is not base64 with padding.
	ErrBase64 = errors.New("json: malformed base64")

	// ErrDepth is returned when values are nested deeper than [MaxDepth].
	ErrDepth = errors.New("json: nested too deeply")
)

// Scanner is a cursor over JSON in memory. Make one with [New]. It owns its
// buffer and decodes strings over it, so each byte can be read only once.
type Scanner struct {
	buf []byte
	off int
}

// New returns a scanner at the start of buf, which it will change.
func New(buf []byte) Scanner { return Scanner{buf: buf} }

// Offset is the number of bytes read.
func (s *Scanner) Offset() int { return s.off }

// Len is the number of bytes left.
func (s *Scanner) Len() int { return len(s.buf) - s.off }

// Peek passes white space and returns the byte that the next token begins with,
// or 0 at the end: '{', '[', '"', 't', 'f', 'n', '-' or a digit begin values.
func (s *Scanner) Peek() byte {
	for i := s.off; i < len(s.buf); i++ {
		switch c := s.buf[i]; c {
		case ' ', '\t', '\n', '\r':
		default:
			s.off = i
			return c
		}
	}
	s.off = len(s.buf)
	return 0
}

// expect reads the token c.
func (s *Scanner) expect(c byte) error {
	if s.Peek() != c {
		return s.mismatch()
	}
	s.off++
	return nil
}

// mismatch says what is wrong with the byte at the cursor when it does not begin
// what was asked for.
func (s *Scanner) mismatch() error {
	if s.off >= len(s.buf) {
		return ErrTruncated
	}
	switch c := s.buf[s.off]; {
	case c == '{', c == '[', c == '"', c == 't', c == 'f', c == 'n', c == '-', '0' <= c && c <= '9':
		return ErrType
	}
	return ErrSyntax
}

// Object reads the beginning of an object. Iterate with [Scanner.Key].
func (s *Scanner) Object() error { return s.expect('{') }

// Array reads the beginning of an array. Iterate with [Scanner.Next].
func (s *Scanner) Array() error { return s.expect('[') }

// Key reads the next key of an object and the colon after it, or the end of the
// object, for which it returns false. first says that no member of the object has been read yet.
func (s *Scanner) Key(first bool) (key []byte, more bool, err error) {
	c := s.Peek()
	if c == '}' {
		s.off++
		return nil, false, nil
	}
	if !first {
		if c != ',' {
			return nil, false, s.unexpected()
		}
		s.off++
		c = s.Peek()
	}
	if c != '"' {
		return nil, false, s.unexpected()
	}
	if key, err = s.String(); err != nil {
		return nil, false, err
	}
	if s.Peek() != ':' {
		return nil, false, s.unexpected()
	}
	s.off++
	return key, true, nil
}

// Next reports whether another element of an array follows, and reads the comma
// before it or the end of the array. first says that no element has been read yet.
func (s *Scanner) Next(first bool) (more bool, err error) {
	c := s.Peek()
	if c == ']' {
		s.off++
		return false, nil
	}
	if first {
		return true, nil
	}
	if c != ',' {
		return false, s.unexpected()
	}
	s.off++
	return true, nil
}

// unexpected says what is wrong where only punctuation may stand.
func (s *Scanner) unexpected() error {
	if s.off >= len(s.buf) {
		return ErrTruncated
	}
	return ErrSyntax
}

// Null reads null if it is the next value, and reports whether it was.
func (s *Scanner) Null() bool { return s.Peek() == 'n' && s.literal("null") == nil }

// Bool reads true or false.
func (s *Scanner) Bool() (bool, error) {
	switch s.Peek() {
	case 't':
		return true, s.literal("true")
	case 'f':
		return false, s.literal("false")
	}
	return false, s.mismatch()
}

func (s *Scanner) literal(word string) error {
	rest := s.buf[s.off:]
	if len(rest) >= len(word) && string(rest[:len(word)]) == word {
		s.off += len(word)
		return nil
	}
	if len(rest) < len(word) && string(rest) == word[:len(rest)] {
		return ErrTruncated
	}
	return ErrSyntax
}

// Number reads a number and returns its text, which aliases the buffer.
func (s *Scanner) Number() ([]byte, error) {
	c := s.Peek()
	if c != '-' && (c < '0' || c > '9') {
		return nil, s.mismatch()
	}
	start, i := s.off, s.off
	if c == '-' {
		i++
	}
	switch end := s.digits(i); {
	case end == i:
		return nil, s.endsAt(end)
	case s.buf[i] == '0':
		i++ // a digit after it begins no token, so the caller's next read refuses it
	default:
		i = end
	}
	if i < len(s.buf) && s.buf[i] == '.' {
		end := s.digits(i + 1)
		if end == i+1 {
			return nil, s.endsAt(end)
		}
		i = end
	}
	if i < len(s.buf) && s.buf[i]|0x20 == 'e' {
		i++
		if i < len(s.buf) && (s.buf[i] == '+' || s.buf[i] == '-') {
			i++
		}
		end := s.digits(i)
		if end == i {
			return nil, s.endsAt(end)
		}
		i = end
	}
	s.off = i
	return s.buf[start:i:i], nil
}

// digits returns the offset of the first byte from i on that is not a digit.
func (s *Scanner) digits(i int) int {
	for i < len(s.buf) && '0' <= s.buf[i] && s.buf[i] <= '9' {
		i++
	}
	return i
}

func (s *Scanner) endsAt(i int) error {
	if i >= len(s.buf) {
		return ErrTruncated
	}
	return ErrSyntax
}

// Int reads a number without fraction and exponent.
func (s *Scanner) Int() (int64, error) {
	text, err := s.Number()
	if err != nil {
		return 0, err
	}
	digits, negative := text, text[0] == '-'
	if negative {
		digits = text[1:]
	}
	if len(digits) > 19 {
		return 0, ErrRange
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, ErrRange
		}
		n = n*10 + uint64(c-'0')
	}
	switch {
	case negative && n <= -math.MinInt64:
		return -int64(n), nil
	case !negative && n <= math.MaxInt64:
		return int64(n), nil
	}
	return 0, ErrRange
}

// Float reads a number.
func (s *Scanner) Float() (float64, error) {
	text, err := s.Number()
	if err != nil {
		return 0, err
	}
	if f, ok := simpleFloat(text); ok {
		return f, nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, ErrRange
	}
	return f, nil
}

var powersOf10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// simpleFloat computes a number of up to 15 digits with up to 9 of them after the
// point. Digits and power of ten are exact in a float64, so their quotient is the
// number that strconv gives.
func simpleFloat(text []byte) (float64, bool) {
	if len(text) > 15 {
		return 0, false
	}
	var n int64
	point := len(text) - 1
	for i, c := range text {
		switch {
		case '0' <= c && c <= '9':
			n = n*10 + int64(c-'0')
		case c == '.':
			point = i
		default:
			return 0, false
		}
	}
	places := len(text) - 1 - point
	if places >= len(powersOf10) {
		return 0, false
	}
	return float64(n) / powersOf10[places], true
}

const (
	everyByte = 0x0101010101010101
	everyTop  = 0x8080808080808080
)

// special marks the top bit of each byte of v that ends the plain part of a
// string: a quote, a backslash or a control character. Bytes after the first
// marked one may be marked wrongly.
func special(v uint64) uint64 {
	quote := v ^ everyByte*'"'
	slash := v ^ everyByte*'\\'
	return ((v-everyByte*' ')&^v | (quote-everyByte)&^quote | (slash-everyByte)&^slash) & everyTop
}

// plainEnd returns the offset of the first byte from i on that is a quote, a
// backslash or a control character, or the end of the buffer.
func plainEnd(buf []byte, i int) int {
	for i+8 <= len(buf) {
		if m := special(binary.LittleEndian.Uint64(buf[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
		i += 8
	}
	for i < len(buf) && buf[i] >= ' ' && buf[i] != '"' && buf[i] != '\\' {
		i++
	}
	return i
}

// String reads a string and decodes its escapes. The result aliases the buffer,
// unless it has both escapes and invalid UTF-8. It is never nil without an error.
func (s *Scanner) String() ([]byte, error) {
	if s.Peek() != '"' {
		return nil, s.mismatch()
	}
	start := s.off + 1
	end := plainEnd(s.buf, start)
	if end < len(s.buf) && s.buf[end] == '"' {
		s.off = end + 1
		return s.buf[start:end:end], nil
	}
	end, err := s.stringEnd(end)
	if err != nil {
		return nil, err
	}
	s.off = end + 1
	return unescape(s.buf[start:end:end]), nil
}

// stringEnd returns the offset of the quote that ends a string, from a byte
// inside it on, and checks its escapes.
func (s *Scanner) stringEnd(i int) (int, error) {
	for {
		i = plainEnd(s.buf, i)
		if i >= len(s.buf) {
			return 0, ErrTruncated
		}
		switch s.buf[i] {
		case '"':
			return i, nil
		case '\\':
			n, err := escapeLen(s.buf[i:])
			if err != nil {
				return 0, err
			}
			i += n
		default:
			return 0, ErrSyntax
		}
	}
}
