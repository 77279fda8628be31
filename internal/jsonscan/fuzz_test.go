package jsonscan_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/kinstream/kin/internal/jsonscan"
)

// read builds a value from the typed methods, as encoding/json would.
func read(s *jsonscan.Scanner, depth int) (any, error) {
	if depth > jsonscan.MaxDepth {
		return nil, jsonscan.ErrDepth
	}
	switch s.Peek() {
	case '{':
		return readObject(s, depth)
	case '[':
		return readArray(s, depth)
	case '"':
		v, err := s.String()
		return string(bytes.ToValidUTF8(v, []byte("\ufffd"))), err
	case 't', 'f':
		return s.Bool()
	case 'n':
		if !s.Null() {
			return nil, jsonscan.ErrSyntax
		}
		return nil, nil
	default:
		return s.Float()
	}
}

func readObject(s *jsonscan.Scanner, depth int) (any, error) {
	m := map[string]any{}
	err := s.Object()
	for first := true; err == nil; first = false {
		var key []byte
		var more bool
		if key, more, err = s.Key(first); err != nil || !more {
			break
		}
		name := string(bytes.ToValidUTF8(key, []byte("\ufffd")))
		m[name], err = read(s, depth+1)
	}
	return m, err
}

func readArray(s *jsonscan.Scanner, depth int) (any, error) {
	list := []any{}
	err := s.Array()
	for first := true; err == nil; first = false {
		var more bool
		if more, err = s.Next(first); err != nil || !more {
			break
		}
		var v any
		v, err = read(s, depth+1)
		list = append(list, v)
	}
	return list, err
}

// FuzzScanner proves that what is accepted, read and skipped is what
// encoding/json accepts and reads.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		`{"Records":[{"Data":"AQID","PartitionKey":"k\n","ApproximateArrivalTimestamp":1700000000.123}],"MillisBehindLatest":0}`,
		`[null,true,false,-0.5e-3,"\ud83d\ude00\ud83d"]`, "\"\xff\\n\xfe\"", "[1,]", "{\"a\":1,\"a\":2}", " \t\r\n{} ", "01", "1e400", "[[[[",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var want any
		wantErr := json.Unmarshal(in, &want)
		valid := json.Valid(in)

		skip := jsonscan.New(bytes.Clone(in))
		err := skip.Skip()
		if errors.Is(err, jsonscan.ErrDepth) {
			return
		}
		if ok := err == nil && skip.Peek() == 0 && skip.Len() == 0; ok != valid {
			t.Fatalf("Skip(%q) = %v with %d left, encoding/json says valid is %v", in, err, skip.Len(), valid)
		}

		typed := jsonscan.New(bytes.Clone(in))
		got, err := read(&typed, 0)
		if typed.Peek() != 0 || typed.Len() != 0 {
			err = errors.New("something follows")
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("read(%q) = %v, encoding/json says %v", in, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			// encoding/json replaces runs of invalid bytes in another rhythm.
			if utf8.Valid(in) {
				t.Fatalf("read(%q) = %#v, encoding/json reads %#v", in, got, want)
			}
		}
	})
}

// FuzzBase64 proves that a base64 string gives what decoding the unescaped
// string gives.
func FuzzBase64(f *testing.F) {
	for _, seed := range []string{`"AQID"`, `"TQ=="`, `"\/\/\/\/"`, "\"T\nQ==\"", `"T\nQ=="`, `"TQ`, `"TQ=\u003d"`, `"AAAAAAAAAAAAAAAAAAA="`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		plain := jsonscan.New(bytes.Clone(in))
		text, err := plain.String()
		var want []byte
		if err == nil {
			want, err = base64.StdEncoding.DecodeString(string(text))
		}
		s := jsonscan.New(bytes.Clone(in))
		got, gotErr := s.Base64()
		if (gotErr == nil) != (err == nil) {
			t.Fatalf("Base64(%q) = %v, want %v", in, gotErr, err)
		}
		if err == nil && (!bytes.Equal(got, want) || s.Offset() != plain.Offset()) {
			t.Fatalf("Base64(%q) = %x to %d, want %x to %d", in, got, s.Offset(), want, plain.Offset())
		}
	})
}

// FuzzAppendString proves that every string survives being written and read, and
// that what is written is JSON.
func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "key", "a\"b\\c\n\x7f\u2028", "é\xff", "12345678\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := jsonscan.AppendString(nil, in)
		var want string
		if err := json.Unmarshal(out, &want); err != nil {
			t.Fatalf("AppendString(%q) = %s: %v", in, out, err)
		}
		s := jsonscan.New(out)
		got, err := s.String()
		if string(got) != want || err != nil {
			t.Fatalf("%q reads as %q, %v, want %q", in, got, err, want)
		}
		if utf8.ValidString(in) && string(got) != in {
			t.Fatalf("%q became %q", in, got)
		}
	})
}
