package aggregate_test

import (
	"bytes"
	"crypto/md5"
	"errors"
	"testing"

	"github.com/kinstream/kin/aggregate"
)

// FuzzParse compares Parse with the naive twin, on the input as it is.
func FuzzParse(f *testing.F) {
	f.Add(unhex(f, golden))
	f.Add([]byte("plain"))
	f.Add(frame(nil))
	f.Fuzz(func(t *testing.T, data []byte) { compareWithTwin(t, data) })
}

// FuzzParseFramed gives the fuzzer the message alone and puts a good frame around
// it, so that it gets past the checksum.
func FuzzParseFramed(f *testing.F) {
	good := unhex(f, golden)
	f.Add(good[4 : len(good)-md5.Size])
	f.Add(unhex(f, "0a016b1a0508001a0161 1a0508011a0162 1a031a0162 1a0208001a00"))
	f.Add(unhex(f, "0801100118010d010203042901020304050607080b0c"))
	f.Fuzz(func(t *testing.T, message []byte) { compareWithTwin(t, frame(message)) })
}

func compareWithTwin(t *testing.T, data []byte) {
	t.Helper()
	before := bytes.Clone(data)
	a, ok := aggregate.Parse(data)
	twin, twinOK := twinDecode(data)
	if ok != twinOK {
		t.Fatalf("aggregated: %v, twin %v", ok, twinOK)
	}
	i := 0
	for rec, err := range a.Records() {
		if i >= len(twin) {
			t.Fatalf("record %d, but the twin has only %d", i, len(twin))
		}
		want := twin[i]
		if !errors.Is(err, want.err) || (err == nil) != (want.err == nil) || !equal(rec, want.rec) {
			t.Fatalf("record %d = %v, %v; twin %v, %v", i, rec, err, want.rec, want.err)
		}
		i++
	}
	if i != len(twin) || a.Len() != i {
		t.Fatalf("%d records, Len %d, twin %d", i, a.Len(), len(twin))
	}
	if !bytes.Equal(data, before) {
		t.Fatal("reading changed the data")
	}
}

// FuzzRoundTrip packs records that the fuzzer cuts out of its input, and reads them
// back.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz"), []byte{3, 0, 5, 2, 1, 4})
	f.Add(unhex(f, golden), []byte{0, 0, 60})
	f.Fuzz(func(t *testing.T, text, cuts []byte) {
		take := func(n byte) []byte {
			part := text[:min(int(n), len(text))]
			text = text[len(part):]
			return part
		}
		var b aggregate.Builder
		var records []aggregate.UserRecord
		for ; len(cuts) >= 3; cuts = cuts[3:] {
			rec := aggregate.UserRecord{
				PartitionKey:    string(take(cuts[0])),
				ExplicitHashKey: string(take(cuts[1])),
				Data:            take(cuts[2]),
			}
			size := b.SizeWith(rec)
			b.Add(rec)
			if b.Size() != size {
				t.Fatalf("Size %d, SizeWith said %d", b.Size(), size)
			}
			records = append(records, rec)
		}
		if len(records) == 0 {
			return
		}
		p := b.Pack(nil)
		if len(p.Data) != b.Size() {
			t.Fatalf("%d bytes, Size said %d", len(p.Data), b.Size())
		}
		checkRoundTrip(t, records, p)
	})
}
