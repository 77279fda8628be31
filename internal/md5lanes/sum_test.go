package md5lanes_test

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kinstream/kin/internal/md5lanes"
)

func check(t *testing.T, messages [][]byte) {
	t.Helper()
	sums := make([][md5.Size]byte, len(messages))
	md5lanes.Sum(sums, messages)
	for i, m := range messages {
		if want := md5.Sum(m); sums[i] != want {
			t.Fatalf("message %d of %d, %d bytes: %x, want %x", i, len(messages), len(m), sums[i], want)
		}
	}
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, r.Uint64())
	}
	return b[:n]
}

func TestSum(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d, on a processor with lanes: %v", seed, md5lanes.Wide())

	t.Run("is that of crypto/md5 for every length", func(t *testing.T) {
		t.Parallel()
		r := rand.New(rand.NewPCG(seed, 1))
		for n := range 400 {
			messages := make([][]byte, md5lanes.Lanes)
			for i := range messages {
				messages[i] = randomBytes(r, n)
			}
			check(t, messages)
		}
	})

	t.Run("is that of crypto/md5 for any number of messages of any length", func(t *testing.T) {
		t.Parallel()
		r := rand.New(rand.NewPCG(seed, 2))
		for range 200 {
			messages := make([][]byte, r.IntN(30))
			most := 1 << r.IntN(19)
			for i := range messages {
				messages[i] = randomBytes(r, r.IntN(most))
				if r.IntN(3) > 0 { // alike, so that they are worth a group
					messages[i] = randomBytes(r, most-r.IntN(1+most/8))
				}
			}
			check(t, messages)
		}
	})

	t.Run("reads messages that overlap and start anywhere", func(t *testing.T) {
		t.Parallel()
		data := randomBytes(rand.New(rand.NewPCG(seed, 3)), 100_000)
		var messages [][]byte
		for i := range 20 {
			messages = append(messages, data[i:50_000+7*i])
		}
		check(t, messages)
	})
}

// FuzzSum cuts messages out of its input.
func FuzzSum(f *testing.F) {
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz"), uint16(3), uint16(1))
	f.Add(make([]byte, 1000), uint16(100), uint16(2))
	f.Fuzz(func(t *testing.T, data []byte, size, less uint16) {
		var messages [][]byte
		n := int(size)
		for len(data) > 0 && len(messages) < 100 {
			n = min(n, len(data))
			messages = append(messages, data[:n])
			data = data[max(n, 1):]
			n = max(n-int(less), 0)
		}
		check(t, messages)
	})
}

func BenchmarkSum(b *testing.B) {
	for _, shape := range []struct{ count, size int }{
		{1, 50 << 10}, {3, 50 << 10}, {8, 50 << 10}, {100, 50 << 10}, {100, 1000}, {100, 200},
	} {
		messages := make([][]byte, shape.count)
		for i := range messages {
			messages[i] = make([]byte, shape.size-i)
		}
		sums := make([][md5.Size]byte, shape.count)
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%dx%dB/%s", shape.count, shape.size, name), func(b *testing.B) {
				b.SetBytes(int64(shape.count * shape.size))
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
		run("together", func() { md5lanes.Sum(sums, messages) })
		run("one by one", func() {
			for i := range messages {
				sums[i] = md5.Sum(messages[i])
			}
		})
	}
}
