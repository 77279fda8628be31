package aggregate_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kinstream/kin/aggregate"
)

// golden holds the records (pk-1, "hello") and (pk-2, explicit hash key 7, "world!").
const golden = "f3899ac2 0a04706b2d31 0a04706b2d32 120137 1a090800 1a0568656c6c6f" +
	" 1a0c0801 1000 1a06776f726c6421 53857ecbe0e9f47a1000aa0a89bd78f2"

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frame makes an aggregated record of a message, whatever that is.
func frame(message []byte) []byte {
	sum := md5.Sum(message)
	return bytes.Join([][]byte{{0xF3, 0x89, 0x9A, 0xC2}, message, sum[:]}, nil)
}

// collect writes what an aggregate yields as text, one line per record.
func collect(t testing.TB, data []byte) []string {
	t.Helper()
	a, ok := aggregate.Parse(data)
	if !ok {
		t.Fatalf("%x is not taken for aggregated", data)
	}
	var lines []string
	for rec, err := range a.Records() {
		if err != nil {
			lines = append(lines, err.Error())
			continue
		}
		lines = append(lines, fmt.Sprintf("%d %s/%s %q", rec.Index, rec.PartitionKey, rec.ExplicitHashKey, rec.Data))
	}
	if a.Len() != len(lines) {
		t.Errorf("Len() = %d, but %d records came", a.Len(), len(lines))
	}
	return lines
}

func wantLines(t testing.TB, got []string, want ...string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()

	t.Run("reads the golden vector", func(t *testing.T) {
		t.Parallel()
		wantLines(t, collect(t, unhex(t, golden)), `0 pk-1/ "hello"`, `1 pk-2/7 "world!"`)
	})

	t.Run("takes what is not an aggregate for plain data", func(t *testing.T) {
		t.Parallel()
		good := unhex(t, golden)
		for name, data := range map[string][]byte{
			"nothing":             nil,
			"text":                []byte("hello, this is more than 20 bytes of text"),
			"magic only":          good[:4],
			"empty message":       frame(nil),
			"cut":                 good[:len(good)-1],
			"one byte more":       append(bytes.Clone(good), 0),
			"truncated field":     frame(unhex(t, "0a04706b2d")),
			"length out of range": frame(unhex(t, "0affffffffffffffffff01")),
			"number too long":     frame(unhex(t, "08ffffffffffffffffff02")),
			"field number 0":      frame(unhex(t, "0200")),
			"field number 2^29":   frame(unhex(t, "808080801000")),
			"group":               frame(unhex(t, "0b0c")),
			"short fixed64":       frame(unhex(t, "0901020304050607")),
			"short fixed32":       frame(unhex(t, "0d010203")),
			"half a number":       frame(unhex(t, "0880")),
		} {
			if _, ok := aggregate.Parse(data); ok {
				t.Errorf("%s is taken for aggregated", name)
			}
		}
	})

	t.Run("takes data with any single bit flipped for plain", func(t *testing.T) {
		t.Parallel()
		data := unhex(t, golden)
		for bit := range len(data) * 8 {
			data[bit/8] ^= 1 << (bit % 8)
			if _, ok := aggregate.Parse(data); ok || aggregate.Is(data) {
				t.Errorf("with bit %d flipped it is taken for aggregated", bit)
			}
			data[bit/8] ^= 1 << (bit % 8)
		}
		if !aggregate.Is(data) {
			t.Error("without a flipped bit it is not taken for aggregated")
		}
	})

	t.Run("ignores fields, wire types and tags that it does not know", func(t *testing.T) {
		t.Parallel()
		data := frame(unhex(t, "2001 290102030405060708 2d01020304 7a0161"+ // fields 4, 5, 5, 15
			"0801 1001 1801"+ // the known fields as numbers
			"0a016b"+
			"1a15 0800 1a0161 22050a01611200 0a00 1801 2d00000000"))
		wantLines(t, collect(t, data), `0 k/ "a"`)
	})

	t.Run("accepts fields in any order and lets the last of several count", func(t *testing.T) {
		t.Parallel()
		data := frame(unhex(t, "1a0e 1a0178 1a0179 0800 0801 10001001"+
			"0a0161 120131 0a0162 120132"))
		wantLines(t, collect(t, data), `0 b/2 "y"`)
	})

	t.Run("knows an aggregate without records", func(t *testing.T) {
		t.Parallel()
		wantLines(t, collect(t, frame(unhex(t, "0a0161"))))
	})
}

func TestBadRecordsDoNotCostTheirNeighbours(t *testing.T) {
	t.Parallel()
	good := "1a0508001a0161"
	for _, tc := range []struct {
		name, record string
		want         error
		text         string
	}{
		{"partition key index outside", "1a0508011a0162", aggregate.ErrNoPartitionKey, "no partition key in the table: index 1 of 1"},
		{"huge partition key index", "1a0e08ffffffffffffffffff011a0162", aggregate.ErrNoPartitionKey, "no partition key in the table: index 18446744073709551615 of 1"},
		{"no partition key index", "1a031a0162", aggregate.ErrNoPartitionKey, "no partition key in the table: the record has no index"},
		{"hash key index outside", "1a07080010021a0162", aggregate.ErrNoHashKey, "no explicit hash key in the table: index 2 of 1"},
		{"no data", "1a020800", aggregate.ErrNoData, "no data field"},
		{"empty", "1a00", aggregate.ErrNoPartitionKey, "no partition key in the table: the record has no index"},
		{"truncated inside", "1a0408001a05", aggregate.ErrMalformed, "malformed protobuf message"},
		{"a group inside", "1a020b0c", aggregate.ErrMalformed, "malformed protobuf message"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			data := frame(unhex(t, "0a016b 120139"+good+tc.record+good+tc.record+good))
			bad := func(i int) string { return fmt.Sprintf("user record %d of an aggregated record: %s", i, tc.text) }
			wantLines(t, collect(t, data), `0 k/ "a"`, bad(1), `2 k/ "a"`, bad(3), `4 k/ "a"`)

			a, _ := aggregate.Parse(data)
			for rec, err := range a.Records() {
				if err == nil {
					continue
				}
				bad, ok := errors.AsType[*aggregate.RecordError](err)
				if !ok || bad.Index != rec.Index || !errors.Is(err, tc.want) {
					t.Errorf("error of record %d = %v, want a RecordError with that index and %v", rec.Index, err, tc.want)
				}
				if rec.Data != nil || rec.PartitionKey != "" {
					t.Errorf("record %d has an error and contents %v", rec.Index, rec)
				}
			}
		})
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()

	t.Run("alias the data, which appending to them does not change", func(t *testing.T) {
		t.Parallel()
		data := unhex(t, golden)
		before := bytes.Clone(data)
		a, _ := aggregate.Parse(data)
		for rec := range a.Records() {
			_ = append(rec.Data, "overwritten"...)
		}
		if !bytes.Equal(data, before) {
			t.Errorf("data = %x, want %x", data, before)
		}
		for rec := range a.Records() {
			rec.Data[0] = 'X'
		}
		if !bytes.Contains(data, []byte("Xello")) || !bytes.Contains(data, []byte("Xorld")) {
			t.Errorf("data %q was copied", data)
		}
	})

	t.Run("have keys that do not alias the data", func(t *testing.T) {
		t.Parallel()
		data := unhex(t, golden)
		a, _ := aggregate.Parse(data)
		var keys []string
		for rec := range a.Records() {
			keys = append(keys, rec.PartitionKey, rec.ExplicitHashKey)
		}
		clear(data)
		if got, want := strings.Join(keys, ","), "pk-1,,pk-2,7"; got != want {
			t.Errorf("keys = %q, want %q", got, want)
		}
	})

	t.Run("end when the loop does, and can be ranged again", func(t *testing.T) {
		t.Parallel()
		a, _ := aggregate.Parse(unhex(t, golden))
		for range 2 {
			for rec := range a.Records() {
				if rec.Index != 0 {
					t.Fatalf("index = %d after break", rec.Index)
				}
				break
			}
		}
	})

	t.Run("of the zero Aggregate are none", func(t *testing.T) {
		t.Parallel()
		for rec := range (aggregate.Aggregate{}).Records() {
			t.Errorf("got %v", rec)
		}
	})
}
