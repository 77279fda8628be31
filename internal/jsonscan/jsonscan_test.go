package jsonscan_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/jsonscan"
)

func TestObjectsAndArraysAreWalked(t *testing.T) {
	t.Parallel()
	const in = " { \"a\" : [ 1 , -2.5e3 , true ] ,\t\"b\\u0063\" : \"x\\ny\" , \"skip\":{\"x\":[{},[],\"]\"]},\r\n\"data\":\"AQID\" , \"n\" : null } "
	s := jsonscan.New([]byte(in))
	got := map[string]any{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("at offset %d: %v", s.Offset(), err)
		}
	}
	must(s.Object())
	for first := true; ; first = false {
		key, more, err := s.Key(first)
		must(err)
		if !more {
			break
		}
		switch name := string(key); name {
		case "a":
			must(s.Array())
			_, err = s.Next(true)
			must(err)
			n, err := s.Int()
			must(err)
			_, err = s.Next(false)
			must(err)
			f, err := s.Float()
			must(err)
			_, err = s.Next(false)
			must(err)
			b, err := s.Bool()
			must(err)
			more, err := s.Next(false)
			must(err)
			got[name] = []any{n, f, b, more}
		case "bc":
			v, err := s.String()
			must(err)
			got[name] = string(v)
		case "data":
			v, err := s.Base64()
			must(err)
			got[name] = string(v)
		case "n":
			got[name] = s.Null()
		default:
			must(s.Skip())
		}
	}
	if s.Peek() != 0 {
		t.Errorf("Peek() = %q after the last value, want the end", s.Peek())
	}
	if g, w := toJSON(t, got), `{"a":[1,-2500,true,false],"bc":"x\ny","data":"\u0001\u0002\u0003","n":true}`; g != w {
		t.Errorf("read %s, want %s", g, w)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStringsAreDecodedInPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{`""`, ""},
		{`"plain text of some length"`, "plain text of some length"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"tail after eight bytes\n"`, "tail after eight bytes\n"},
		{`"\u00e9\u20AC\ud83d\ude00"`, "é€😀"},
		{`"é€😀\n"`, "é€😀\n"},
		{`"\ud83d"`, "\ufffd"},
		{`"\ud83d\u0041"`, "\ufffdA"},
		{`"\ude00\ud83d"`, "\ufffd\ufffd"},
		{"\"\xff\"", "\xff"},
		{"\"\\n\xff\xfe\xfd\xfc\"", "\n\ufffd\ufffd\ufffd\ufffd"},
	} {
		buf := []byte(c.in)
		s := jsonscan.New(buf)
		got, err := s.String()
		if string(got) != c.want || err != nil || s.Len() != 0 {
			t.Errorf("String(%s) = %q, %v with %d left, want %q", c.in, got, err, s.Len(), c.want)
		}
		if len(got) > 0 && !strings.Contains(c.in, "\xfe") && &got[0] != &buf[1] {
			t.Errorf("String(%s) was copied, want an alias of the buffer", c.in)
		}
	}
}

func TestBase64IsDecodedInPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, want string
		err      error
	}{
		{`""`, "", nil},
		{`"TQ=="`, "M", nil},
		{`"TWE="`, "Ma", nil},
		{`"TWFu"`, "Man", nil},
		{`"//+/"`, "\xff\xff\xbf", nil},
		{`"\/\/+\u002f"`, "\xff\xff\xbf", nil},
		{`"TW\nFu"`, "Man", nil}, // an escaped line break: the SDK passes over it
		{"\"TW\nFu\"", "", jsonscan.ErrSyntax},
		{`"TQ"`, "", jsonscan.ErrBase64},
		{`"TWFu!"`, "", jsonscan.ErrBase64},
		{`"TQ==TQ=="`, "", jsonscan.ErrBase64},
		{`"TW\"Fu"`, "", jsonscan.ErrBase64},
		{`"TWFu`, "", jsonscan.ErrTruncated},
		{`"TW\xFu`, "", jsonscan.ErrSyntax},
		{`12`, "", jsonscan.ErrType},
		{``, "", jsonscan.ErrTruncated},
	} {
		s := jsonscan.New([]byte(c.in))
		got, err := s.Base64()
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("Base64(%s) = %q, %v, want %q, %v", c.in, got, err, c.want, c.err)
		}
		if err == nil && got == nil {
			t.Errorf("Base64(%s) = nil, want a slice that is not nil", c.in)
		}
	}
}

func TestNumbersAreReadInEveryForm(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"0", "-0", "7", "-12", "9223372036854775807", "-9223372036854775808", "1.5", "-0.25", "1e3", "1E+3",
		"1.25e-2", "1700000000.123", "1700000000.999", "123456789012345", "1234567890123456789.5", "0.000000001",
		"0.0000000001", "1e308",
	} {
		want, err := strconv.ParseFloat(in, 64)
		if err != nil {
			t.Fatal(err)
		}
		s := jsonscan.New([]byte(in))
		if got, err := s.Float(); got != want || err != nil {
			t.Errorf("Float(%s) = %v, %v, want %v", in, got, err, want)
		}
		s = jsonscan.New([]byte(in))
		n, err := s.Int()
		wantInt, wantErr := strconv.ParseInt(in, 10, 64)
		if (err != nil) != (wantErr != nil) || err == nil && n != wantInt {
			t.Errorf("Int(%s) = %d, %v, want %d, %v", in, n, err, wantInt, wantErr)
		}
	}
	for in, want := range map[string]error{
		"9223372036854775808": jsonscan.ErrRange, "-9223372036854775809": jsonscan.ErrRange,
		"99999999999999999999": jsonscan.ErrRange, "1.0": jsonscan.ErrRange, "-": jsonscan.ErrTruncated,
		"": jsonscan.ErrTruncated, "+1": jsonscan.ErrSyntax, ".5": jsonscan.ErrSyntax, "1.": jsonscan.ErrTruncated,
		"1.x": jsonscan.ErrSyntax, "1e": jsonscan.ErrTruncated, "1ex": jsonscan.ErrSyntax, `"1"`: jsonscan.ErrType,
		"true": jsonscan.ErrType,
	} {
		s := jsonscan.New([]byte(in))
		if n, err := s.Int(); !errors.Is(err, want) {
			t.Errorf("Int(%s) = %d, %v, want %v", in, n, err, want)
		}
	}
	s := jsonscan.New([]byte("1e999"))
	if f, err := s.Float(); !errors.Is(err, jsonscan.ErrRange) {
		t.Errorf("Float(1e999) = %v, %v, want %v", f, err, jsonscan.ErrRange)
	}
}

func TestTimesAreWrittenInSeconds(t *testing.T) {
	t.Parallel()
	for millis, want := range map[int64]string{
		0: "0", 1: "0.001", 120: "0.12", 1_700_000_000_000: "1700000000", 1_700_000_000_123: "1700000000.123",
		1_700_000_000_500: "1700000000.5", -1500: "-1.5", -1: "-0.001",
	} {
		got := string(jsonscan.AppendTime(nil, millis))
		if got != want {
			t.Errorf("AppendTime(%d) = %s, want %s", millis, got, want)
		}
		s := jsonscan.New([]byte(got))
		f, err := s.Float()
		if back := int64(f * 1000); back != millis || err != nil {
			t.Errorf("%s reads as %d ms, %v, want %d", got, back, err, millis)
		}
	}
}

func TestTheMillisecondsOfADaySurviveJSON(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC).UnixMilli()
	buf := make([]byte, 0, 32)
	for millis := day; millis < day+86_400_000; millis += 97 {
		buf = jsonscan.AppendTime(buf[:0], millis)
		s := jsonscan.New(buf)
		if f, err := s.Float(); int64(f*1000) != millis || err != nil {
			t.Fatalf("%d was written as %s and read as %d, %v", millis, buf, int64(f*1000), err)
		}
	}
}

func TestSkipRefusesWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]error{
		"": jsonscan.ErrTruncated, "[": jsonscan.ErrTruncated, `{"a"`: jsonscan.ErrTruncated, `{"a":`: jsonscan.ErrTruncated,
		`{"a":1`: jsonscan.ErrTruncated, `"ab`: jsonscan.ErrTruncated, `"a\`: jsonscan.ErrTruncated, `"\u00`: jsonscan.ErrTruncated,
		"tru": jsonscan.ErrTruncated, "[1,]": jsonscan.ErrSyntax, "[1 2]": jsonscan.ErrSyntax, `{"a":1,}`: jsonscan.ErrSyntax,
		`{"a" 1}`: jsonscan.ErrSyntax, `{1:2}`: jsonscan.ErrSyntax, `[}`: jsonscan.ErrSyntax, `{]`: jsonscan.ErrSyntax,
		"trux": jsonscan.ErrSyntax, "nul!": jsonscan.ErrSyntax, "[01]": jsonscan.ErrSyntax, "\"\x01\"": jsonscan.ErrSyntax,
		`"\x"`: jsonscan.ErrSyntax, `"\u00g0"`: jsonscan.ErrSyntax, "]": jsonscan.ErrSyntax, "#": jsonscan.ErrSyntax,
	} {
		s := jsonscan.New([]byte(in))
		if err := s.Skip(); !errors.Is(err, want) {
			t.Errorf("Skip(%s) = %v, want %v", in, err, want)
		}
	}
}

func TestSkipStopsAtItsDepthAndNotBefore(t *testing.T) {
	t.Parallel()
	for open, end := range map[string]string{"[": "]", `{"a":`: "}"} {
		in := strings.Repeat(open, jsonscan.MaxDepth) + "1" + strings.Repeat(end, jsonscan.MaxDepth)
		s := jsonscan.New([]byte(in))
		if err := s.Skip(); err != nil || s.Len() != 0 {
			t.Errorf("Skip(%d levels of %s) = %v with %d left, want all read", jsonscan.MaxDepth, open, err, s.Len())
		}
		s = jsonscan.New([]byte(open + in + end))
		if err := s.Skip(); !errors.Is(err, jsonscan.ErrDepth) {
			t.Errorf("Skip(%d levels of %s) = %v, want %v", jsonscan.MaxDepth+1, open, err, jsonscan.ErrDepth)
		}
	}
}

func TestStringsAreEscapedAsTheSDKDoes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                        `""`,
		"partition-key-000000001": `"partition-key-000000001"`,
		"a\"b\\c/d":               `"a\"b\\c/d"`,
		"\n\r\t\b\f\x00\x1f\x7f":  `"\n\r\t\u0008\u000c\u0000\u001f\u007f"`,
		"12345678\x7f":            `"12345678\u007f"`,
		"é€😀 <&>":                 `"é€😀 <&>"`,
		"\u2028\u2029":            `"\u2028\u2029"`,
		"a\xffb":                  "\"a\ufffdb\"",
	} {
		if got := string(jsonscan.AppendString(nil, in)); got != want {
			t.Errorf("AppendString(%q) = %s, want %s", in, got, want)
		}
		if got := string(jsonscan.AppendString(nil, []byte(in))); got != want {
			t.Errorf("AppendString([]byte(%q)) = %s, want %s", in, got, want)
		}
	}
}
