package jsonscan

import (
	"encoding/base64"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

const (
	del                = 0x7f
	lineSeparator      = 0x2028
	paragraphSeparator = 0x2029
)

// AppendString appends s as a JSON string, quotes included, escaped as the SDK
// does it: quote, backslash and control characters, DEL, U+2028 and U+2029. Bytes
// that are not UTF-8 become U+FFFD.
func AppendString[S ~string | ~[]byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	plain := plainPrefix(s)
	dst = append(dst, s[:plain]...)
	if plain < len(s) {
		dst = appendEscaped(dst, s[plain:])
	}
	return append(dst, '"')
}

// plainPrefix returns how many bytes of s are ASCII that needs no escape.
func plainPrefix[S ~string | ~[]byte](s S) int {
	i := 0
	for i+8 <= len(s) {
		v := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		isDel := v ^ everyByte*del
		if m := special(v) | (v|(isDel-everyByte)&^isDel)&everyTop; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
		i += 8
	}
	for i < len(s) && isPlain(s[i]) {
		i++
	}
	return i
}

func isPlain(c byte) bool { return c >= ' ' && c < del && c != '"' && c != '\\' }

func appendEscaped[S ~string | ~[]byte](dst []byte, s S) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			dst = appendASCII(dst, c)
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		i += size
		if r == lineSeparator || r == paragraphSeparator {
			dst = append(dst, '\\', 'u', '2', '0', '2', hexDigits[r&0xf])
			continue
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func appendASCII(dst []byte, c byte) []byte {
	switch {
	case isPlain(c):
		return append(dst, c)
	case c == '"', c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c == '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}

// AppendBase64 appends b as a JSON string in base64 with padding, quotes
// included. A nil slice is an empty string, not null.
func AppendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// AppendTime appends a point in time, given in milliseconds since 1970, as AWS
// JSON writes it: seconds, with as many decimals as are not zero.
func AppendTime(dst []byte, millis int64) []byte {
	seconds, part := millis/1000, millis%1000
	if millis < 0 {
		dst = append(dst, '-')
		seconds, part = -seconds, -part
	}
	dst = strconv.AppendInt(dst, seconds, 10)
	if part == 0 {
		return dst
	}
	dst = append(dst, '.', '0'+byte(part/100), '0'+byte(part/10%10), '0'+byte(part%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}
