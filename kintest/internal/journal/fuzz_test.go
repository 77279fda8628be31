package journal_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/kinstream/kin/kintest/internal/journal"
)

func fuzzSeed() []byte {
	return journal.WriteFrames(5, text(0, "state"), journal.HeadEnd(), text(1, "entry"), text(2, ""))
}

// FuzzReadFrames reads any bytes as a segment. What it accepts must be what writing
// the same entries gives.
func FuzzReadFrames(f *testing.F) {
	good := fuzzSeed()
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Add(append(bytes.Clone(good), make([]byte, 100)...))
	f.Add([]byte("kinjrnl\x01"))
	f.Fuzz(func(t *testing.T, data []byte) { checkFrames(t, data) })
}

// FuzzDamagedFrames damages a good segment at two places, so that the fuzzer does not have
// to find the checksums.
func FuzzDamagedFrames(f *testing.F) {
	f.Add([]byte("payload"), 20, byte(1), 70, byte(0), 10)
	f.Fuzz(func(t *testing.T, payload []byte, at1 int, xor1 byte, at2 int, xor2 byte, cut int) {
		data := journal.WriteFrames(5, journal.HeadEnd(), journal.Entry{Kind: 3, Group: 4, Stamp: 5, Payload: payload}, text(1, "after"))
		whole := len(data)
		if at1 >= 0 && at1 < len(data) {
			data[at1] ^= xor1
		}
		if at2 >= 0 && at2 < len(data) {
			data[at2] ^= xor2
		}
		if cut >= 0 && cut < len(data) {
			data = data[:len(data)-cut]
		}
		checkFrames(t, data)
		_, torn, err := journal.ReadFrames(data, 5, func(journal.Entry) error { return nil })
		intact := journal.WriteFrames(5, journal.HeadEnd(), journal.Entry{Kind: 3, Group: 4, Stamp: 5, Payload: payload}, text(1, "after"))
		if len(data) == whole && !bytes.Equal(data, intact) && err == nil && !torn {
			t.Fatal("damage was not found")
		}
	})
}

func checkFrames(t *testing.T, data []byte) {
	t.Helper()
	var entries []journal.Entry
	end, torn, err := journal.ReadFrames(data, 5, func(e journal.Entry) error {
		e.Payload = bytes.Clone(e.Payload)
		entries = append(entries, e)
		return nil
	})
	if _, corrupt := errors.AsType[*journal.CorruptError](err); err != nil && !corrupt {
		t.Fatalf("error = %v, want a CorruptError or none", err)
	}
	if err == nil && torn != (end < int64(len(data))) {
		t.Fatalf("%d of %d bytes are good, torn: %v", end, len(data), torn)
	}
	if want := journal.WriteFrames(5, entries...); end > 0 && !bytes.Equal(data[:end], want) {
		t.Fatalf("accepted %x, which is not what writing gives: %x", data[:end], want)
	}
}

func TestReadErrorsAreNotTakenForDamage(t *testing.T) {
	t.Parallel()
	data := fuzzSeed()
	for n := range data {
		r := io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(io.ErrClosedPipe))
		if err := journal.ReadFramesFrom(r, 5, int64(len(data))); !errors.Is(err, io.ErrClosedPipe) {
			t.Fatalf("reading fails after %d bytes: error = %v, want %v", n, err, io.ErrClosedPipe)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, bc := range []struct {
		name string
		size int
		sync bool
	}{{"1KiB", 1 << 10, false}, {"500KiB", 500 << 10, false}, {"1KiB/sync", 1 << 10, true}} {
		b.Run(bc.name, func(b *testing.B) {
			j := open(b, b.TempDir(), journal.Options{Sync: bc.sync, Alive: func(uint64, int64) bool { return false }})
			payload := make([]byte, bc.size)
			b.SetBytes(int64(bc.size))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := j.Append(journal.Entry{Group: 1, Payload: payload}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
