package cbor_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/kinstream/kin/internal/cbor"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Vectors of RFC 8949, appendix A.
func TestIntegersAreReadAndWrittenInTheirShortestForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v   int64
		hex string
	}{
		{0, "00"},
		{23, "17"},
		{24, "1818"},
		{255, "18ff"},
		{256, "190100"},
		{65535, "19ffff"},
		{65536, "1a00010000"},
		{math.MaxUint32, "1affffffff"},
		{math.MaxUint32 + 1, "1b0000000100000000"},
		{math.MaxInt64, "1b7fffffffffffffff"},
		{-1, "20"},
		{-24, "37"},
		{-25, "3818"},
		{-1000, "3903e7"},
		{math.MinInt64, "3b7fffffffffffffff"},
	} {
		if got, want := cbor.AppendInt(nil, c.v), unhex(t, c.hex); !bytes.Equal(got, want) {
			t.Errorf("AppendInt(%d) = %x, want %x", c.v, got, want)
		}
		r := cbor.NewReader(unhex(t, c.hex))
		if got, err := r.Int(); got != c.v || err != nil {
			t.Errorf("Int(%s) = %d, %v, want %d", c.hex, got, err, c.v)
		}
		if r.Len() != 0 {
			t.Errorf("Int(%s) left %d bytes", c.hex, r.Len())
		}
	}
}

func TestIntegersAreReadInAnyWidth(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"07", "1807", "190007", "1a00000007", "1b0000000000000007"} {
		r := cbor.NewReader(unhex(t, s))
		if got, err := r.Int(); got != 7 || err != nil {
			t.Errorf("Int(%s) = %d, %v, want 7", s, got, err)
		}
	}
}

func TestFloatsOfAllWidthsAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hex  string
		want float64
	}{
		{"f90000", 0},
		{"f93c00", 1},
		{"f93e00", 1.5},
		{"f97bff", 65504},
		{"f90001", 5.960464477539063e-8},
		{"f90400", 0.00006103515625},
		{"f9c400", -4},
		{"f97c00", math.Inf(1)},
		{"f9fc00", math.Inf(-1)},
		{"fa47c35000", 100000},
		{"fa7f7fffff", 3.4028234663852886e+38},
		{"fb3ff199999999999a", 1.1},
		{"fbc010666666666666", -4.1},
		{"1864", 100},
		{"3903e7", -1000},
	} {
		r := cbor.NewReader(unhex(t, c.hex))
		if got, err := r.Float(); got != c.want || err != nil {
			t.Errorf("Float(%s) = %v, %v, want %v", c.hex, got, err, c.want)
		}
	}
	r := cbor.NewReader(unhex(t, "f97e00"))
	if got, err := r.Float(); !math.IsNaN(got) || err != nil {
		t.Errorf("Float(f97e00) = %v, %v, want NaN", got, err)
	}
	if got, want := cbor.AppendFloat64(nil, 1.1), unhex(t, "fb3ff199999999999a"); !bytes.Equal(got, want) {
		t.Errorf("AppendFloat64(1.1) = %x, want %x", got, want)
	}
}

func TestTimesAreReadInEveryFormInUse(t *testing.T) {
	t.Parallel()
	const want = 1_700_000_000_123
	seconds := cbor.AppendTag(nil, 1)
	for name, in := range map[string][]byte{
		"tagged milliseconds":         cbor.AppendTime(nil, want),
		"bare milliseconds":           cbor.AppendInt(nil, want),
		"tagged float seconds":        cbor.AppendFloat64(bytes.Clone(seconds), want/1e3),
		"bare float seconds":          cbor.AppendFloat64(nil, want/1e3),
		"tagged float milliseconds":   cbor.AppendFloat64(bytes.Clone(seconds), want),
		"tagged integer seconds":      cbor.AppendInt(bytes.Clone(seconds), want/1000),
		"seconds in a wider encoding": append(bytes.Clone(seconds), unhex(t, "1b000000006553f100")...),
	} {
		r := cbor.NewReader(in)
		got, err := r.Time()
		wanted := int64(want)
		if strings.Contains(name, "integer seconds") || strings.Contains(name, "wider") {
			wanted = want / 1000 * 1000
		}
		if got != wanted || err != nil {
			t.Errorf("%s: Time(%x) = %d, %v, want %d", name, in, got, err, wanted)
		}
	}
}

func TestTimesThatNoTimeCanHoldAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []byte
		want error
	}{
		{cbor.AppendFloat64(nil, math.NaN()), cbor.ErrRange},
		{cbor.AppendFloat64(nil, math.Inf(1)), cbor.ErrRange},
		{cbor.AppendFloat64(nil, -1e300), cbor.ErrRange},
		{cbor.AppendTime(nil, math.MaxInt64), cbor.ErrRange},
		{cbor.AppendTime(nil, math.MinInt64), cbor.ErrRange},
		{cbor.AppendText(cbor.AppendTag(nil, 0), "2023-11-14T22:13:20Z"), cbor.ErrType},
		{cbor.AppendText(nil, "soon"), cbor.ErrType},
		{cbor.AppendTag(nil, 1), cbor.ErrTruncated},
	} {
		r := cbor.NewReader(c.in)
		if got, err := r.Time(); !errors.Is(err, c.want) {
			t.Errorf("Time(%x) = %d, %v, want %v", c.in, got, err, c.want)
		}
	}
}

func TestStringsAliasTheBuffer(t *testing.T) {
	t.Parallel()
	buf := cbor.AppendBytes(cbor.AppendText(nil, "key"), []byte{1, 2, 3})
	r := cbor.NewReader(buf)
	text, err := r.Text()
	if string(text) != "key" || err != nil {
		t.Fatalf("Text() = %q, %v, want key", text, err)
	}
	data, err := r.Bytes()
	if !bytes.Equal(data, []byte{1, 2, 3}) || err != nil {
		t.Fatalf("Bytes() = %x, %v, want 010203", data, err)
	}
	if &text[0] != &buf[1] || &data[0] != &buf[5] {
		t.Error("strings were copied, want aliases of the buffer")
	}
	if cap(text) != len(text) {
		t.Errorf("cap(text) = %d, want %d: appending to it would overwrite the buffer", cap(text), len(text))
	}
}

func TestChunkedStringsAreJoinedWithoutTouchingTheBuffer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ hex, want string }{
		{"7fff", ""},
		{"7f60ff", ""},
		{"7f657374726561ff", "strea"},
		{"7f657374726561646d696e67ff", "streaming"},
		{"7f61616162606163ff", "abc"},
	} {
		in := unhex(t, c.hex)
		r := cbor.NewReader(in)
		got, err := r.Text()
		if string(got) != c.want || err != nil || r.Len() != 0 {
			t.Errorf("Text(%s) = %q, %v with %d left, want %q", c.hex, got, err, r.Len(), c.want)
		}
		if !bytes.Equal(in, unhex(t, c.hex)) {
			t.Errorf("Text(%s) changed the input to %x", c.hex, in)
		}
	}
	r := cbor.NewReader(unhex(t, "5fff"))
	if got, err := r.Bytes(); got == nil || len(got) != 0 || err != nil {
		t.Errorf("Bytes(5fff) = %v, %v, want an empty slice that is not nil", got, err)
	}
}

func TestMapsAndArraysAreIteratedWithAndWithoutLength(t *testing.T) {
	t.Parallel()
	definite := cbor.AppendMap(nil, 2)
	open := cbor.AppendMapStart(nil)
	body := cbor.AppendText(nil, "a")
	body = cbor.AppendInt(body, 1)
	body = cbor.AppendText(body, "b")
	body = cbor.AppendArrayStart(body)
	body = cbor.AppendBool(body, true)
	body = cbor.AppendNull(body)
	body = cbor.AppendBreak(body)
	for name, in := range map[string][]byte{
		"definite":   append(definite, body...),
		"indefinite": cbor.AppendBreak(append(open, body...)),
	} {
		r := cbor.NewReader(in)
		n, err := r.Map()
		if err != nil {
			t.Fatalf("%s: Map() = %v", name, err)
		}
		var keys []string
		for r.Next(&n) {
			key, err := r.Text()
			if err != nil {
				t.Fatalf("%s: Text() = %v", name, err)
			}
			keys = append(keys, string(key))
			if err := r.Skip(); err != nil {
				t.Fatalf("%s: Skip() = %v", name, err)
			}
		}
		if got := strings.Join(keys, ","); got != "a,b" || r.Len() != 0 {
			t.Errorf("%s: keys = %s with %d bytes left, want a,b with 0", name, got, r.Len())
		}
	}
}

func TestLengthsAreNeverTrusted(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"9a7fffffff",         // array of 2^31-1
		"9bffffffffffffffff", // array of 2^64-1
		"bb7fffffffffffffff", // map
		"a26161",             // map of 2 with 2 bytes left
		"5b7fffffffffffffff", // bytes
		"7bffffffffffffffff", // text
		"5affffffff00",
		"1b00", "19ff", "18", "fb00", "f9", "",
		"7f6161", "9f", "bf", "bf6161",
	} {
		in := unhex(t, s)
		for name, read := range map[string]func(*cbor.Reader) error{
			"Array": func(r *cbor.Reader) error { _, err := r.Array(); return err },
			"Map":   func(r *cbor.Reader) error { _, err := r.Map(); return err },
			"Text":  func(r *cbor.Reader) error { _, err := r.Text(); return err },
			"Bytes": func(r *cbor.Reader) error { _, err := r.Bytes(); return err },
			"Skip":  (*cbor.Reader).Skip,
		} {
			r := cbor.NewReader(in)
			err := read(&r)
			open := name != "Skip" && (s == "9f" || strings.HasPrefix(s, "bf"))
			if err == nil && !open {
				t.Errorf("%s(%s) = nil, want an error", name, s)
			}
		}
		r := cbor.NewReader(in)
		if err := r.Skip(); !errors.Is(err, cbor.ErrTruncated) {
			t.Errorf("Skip(%s) = %v, want %v", s, err, cbor.ErrTruncated)
		}
	}
}

func TestSkipRefusesWhatIsMalformed(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"1c", "3d", "5e", "7c", "9d", "be", "dc", // reserved arguments
		"1f", "3f", "df", // indefinite where there is none
		"ff",         // a break alone
		"81ff",       // a break in a definite array
		"bf6161ff",   // a break between key and value
		"f800",       // a simple value below 32 in two bytes
		"7f4161ff",   // a chunk of another type
		"5f5f4100ff", // a chunk of indefinite length
	} {
		r := cbor.NewReader(unhex(t, s))
		if err := r.Skip(); !errors.Is(err, cbor.ErrSyntax) {
			t.Errorf("Skip(%s) = %v, want %v", s, err, cbor.ErrSyntax)
		}
	}
}

func TestSkipStopsAtItsDepthAndNotBefore(t *testing.T) {
	t.Parallel()
	nested := func(depth int, open string) []byte {
		return append(bytes.Repeat(unhex(t, open), depth), 0)
	}
	for _, open := range []string{"81", "a100", "c1"} {
		r := cbor.NewReader(nested(cbor.MaxDepth, open))
		if err := r.Skip(); err != nil || r.Len() != 0 {
			t.Errorf("Skip(%d levels of %s) = %v with %d left, want all read", cbor.MaxDepth, open, err, r.Len())
		}
		r = cbor.NewReader(nested(cbor.MaxDepth+1, open))
		if err := r.Skip(); !errors.Is(err, cbor.ErrDepth) {
			t.Errorf("Skip(%d levels of %s) = %v, want %v", cbor.MaxDepth+1, open, err, cbor.ErrDepth)
		}
	}
}

func TestReadingTheWrongTypeDoesNotMove(t *testing.T) {
	t.Parallel()
	r := cbor.NewReader(cbor.AppendText(nil, "x"))
	_, errInt := r.Int()
	_, errBytes := r.Bytes()
	_, errMap := r.Map()
	_, errBool := r.Bool()
	_, errFloat := r.Float()
	_, errTag := r.Tag()
	for _, err := range []error{errInt, errBytes, errMap, errBool, errFloat, errTag} {
		if !errors.Is(err, cbor.ErrType) {
			t.Errorf("err = %v, want %v", err, cbor.ErrType)
		}
	}
	if r.Null() || r.Offset() != 0 {
		t.Errorf("offset = %d, want 0", r.Offset())
	}
	if got, err := r.Text(); string(got) != "x" || err != nil {
		t.Errorf("Text() = %q, %v, want x", got, err)
	}
}

func TestHeadSizeIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 23, 24, 255, 256, 65535, 65536, math.MaxInt32} {
		if got, want := cbor.HeadSize(n), len(cbor.AppendBytesHead(nil, n)); got != want {
			t.Errorf("HeadSize(%d) = %d, want %d", n, got, want)
		}
	}
}
