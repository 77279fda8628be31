package seqnum_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/kinstream/kin/kintest/internal/seqnum"
)

func TestNumberHasTheKnownLayout(t *testing.T) {
	t.Parallel()
	p := seqnum.Parts{Created: 0x065504321, Shard: 0x1a2b3c4d, Counter: 0x0123456789abcdef, Time: 0x165504399}
	// 2, creation, last digit of the shard, counter, zero byte, time, shard, version.
	want, _ := new(big.Int).SetString("2"+"065504321"+"d"+"0123456789abcdef"+"00"+"165504399"+"1a2b3c4d"+"2", 16)
	n := seqnum.Make(p)
	if got := n.String(); got != want.String() {
		t.Errorf("number = %s, want %s", got, want)
	}
	if got, ok := n.Parts(); !ok || got != p {
		t.Errorf("parts = %+v %v, want %+v", got, ok, p)
	}
}

func TestNumbersHave56DigitsInOurTime(t *testing.T) {
	t.Parallel()
	n := seqnum.Make(seqnum.Parts{Created: 1_795_000_000, Counter: 1, Time: 1_795_000_000})
	if got := len(n.String()); got != 56 {
		t.Errorf("%s has %d digits, want 56", n, got)
	}
}

func TestOrderFollowsCreationThenCounter(t *testing.T) {
	t.Parallel()
	at := func(created int64, counter uint64, secs int64) seqnum.Number {
		return seqnum.Make(seqnum.Parts{Created: created, Shard: 7, Counter: counter, Time: secs})
	}
	ascending := []seqnum.Number{{}, at(100, 0, 900), at(100, 1, 5), at(100, 2, 0), at(100, seqnum.MaxCounter, 0), at(101, 0, 0), at(101, 1, 0)}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := a.Compare(b); got != want {
				t.Errorf("Compare(%s, %s) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestTextIsWhatBigIntegersSay(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		v := new(big.Int)
		for range 1 + r.IntN(3) {
			v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(r.Uint64()>>r.IntN(64)))
		}
		n, ok := seqnum.Parse(v.String())
		if !ok || n.String() != v.String() {
			t.Fatalf("Parse(%s) = %s %v", v, n, ok)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tooLarge := new(big.Int).Lsh(big.NewInt(1), 192).String()
	for _, text := range []string{"", "-1", "+1", "01", "00", "1a", " 1", tooLarge, tooLarge + "0"} {
		if n, ok := seqnum.Parse(text); ok {
			t.Errorf("Parse(%q) = %s, want it refused", text, n)
		}
	}
	largest := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 192), big.NewInt(1)).String()
	if n, ok := seqnum.Parse(largest); !ok || n.String() != largest {
		t.Errorf("Parse(%s) = %s %v", largest, n, ok)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("49590338271490256608559692538361571095921575989136588898")
	f.Add("0")
	f.Fuzz(func(t *testing.T, text string) {
		if n, ok := seqnum.Parse(text); ok && n.String() != text {
			t.Errorf("Parse(%q).String() = %q", text, n)
		}
	})
}

func BenchmarkAppendDecimal(b *testing.B) {
	n := seqnum.Make(seqnum.Parts{Created: 1_795_000_000, Shard: 12, Counter: 123456789, Time: 1_795_001_000})
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = n.AppendDecimal(buf[:0])
	}
}
