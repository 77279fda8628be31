package jsonscan

import (
	"unicode/utf16"
	"unicode/utf8"
)

// escapeLen checks the escape that b begins with and returns its length.
func escapeLen(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, ErrTruncated
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
	default:
		return 0, ErrSyntax
	}
	for _, c := range b[2:min(6, len(b))] {
		if hexValue(c) < 0 {
			return 0, ErrSyntax
		}
	}
	if len(b) < 6 {
		return 0, ErrTruncated
	}
	return 6, nil
}

func hexValue(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// codeUnit returns the code unit of the \u escape that b begins with, or -1 if it
// begins with none.
func codeUnit(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range b[2:6] {
		v := hexValue(c)
		if v < 0 {
			return -1
		}
		r = r<<4 | v
	}
	return r
}

// unescape decodes the inside of a string whose escapes have been checked. It
// writes over s, and moves to a buffer of its own when invalid UTF-8 makes the
// result longer than what has been read.
func unescape(s []byte) []byte {
	out := s[:0]
	inPlace := true
	for i := 0; i < len(s); {
		if c := s[i]; c != '\\' && c < utf8.RuneSelf {
			out = append(out, c)
			i++
			continue
		}
		r, size := decodeOne(s[i:])
		i += size
		if inPlace && len(out)+utf8.RuneLen(r) > i {
			out = append(make([]byte, 0, len(s)+2*utf8.UTFMax), out...)
			inPlace = false
		}
		out = utf8.AppendRune(out, r)
	}
	return out[:len(out):len(out)]
}

// decodeOne decodes the escape or the UTF-8 sequence that s begins with, and
// returns how many bytes it took.
func decodeOne(s []byte) (rune, int) {
	if s[0] != '\\' {
		return utf8.DecodeRune(s) // U+FFFD and 1 for an invalid byte
	}
	switch c := s[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(c), 2
	}
	r := codeUnit(s)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if pair := utf16.DecodeRune(r, codeUnit(s[6:])); pair != utf8.RuneError {
		return pair, 12
	}
	return utf8.RuneError, 6
}
