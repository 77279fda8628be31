package hashkey_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/kinstream/kin/internal/hashkey"
)

func parse(t testing.TB, s string) hashkey.Key {
	t.Helper()
	k, err := hashkey.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func randomRange(r *rand.Rand) hashkey.Range {
	a, b := randomKey(r), randomKey(r)
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	return hashkey.Range{Start: a, End: b}
}

func TestEven(t *testing.T) {
	t.Parallel()

	t.Run("gives the boundaries that the service gives", func(t *testing.T) {
		t.Parallel()
		for n, want := range map[int][]string{
			1: {"0-" + maxText},
			3: {
				"0-113427455640312821154458202477256070484",
				"113427455640312821154458202477256070485-226854911280625642308916404954512140969",
				"226854911280625642308916404954512140970-" + maxText,
			},
			4: {
				"0-85070591730234615865843651857942052863",
				"85070591730234615865843651857942052864-170141183460469231731687303715884105727",
				"170141183460469231731687303715884105728-255211775190703847597530955573826158591",
				"255211775190703847597530955573826158592-" + maxText,
			},
			// 2^128 is 4 more than a multiple of 6: the width is rounded once, not each boundary.
			6: {
				"0-56713727820156410577229101238628035241",
				"56713727820156410577229101238628035242-113427455640312821154458202477256070483",
				"113427455640312821154458202477256070484-170141183460469231731687303715884105725",
				"170141183460469231731687303715884105726-226854911280625642308916404954512140967",
				"226854911280625642308916404954512140968-283568639100782052886145506193140176209",
				"283568639100782052886145506193140176210-" + maxText,
			},
		} {
			got := hashkey.Even(n)
			if len(got) != len(want) {
				t.Fatalf("Even(%d) has %d ranges, want %d", n, len(got), len(want))
			}
			for i := range got {
				if got[i].String() != want[i] {
					t.Errorf("Even(%d)[%d] = %s, want %s", n, i, got[i], want[i])
				}
			}
		}
	})

	t.Run("agrees with big numbers and leaves no hole", func(t *testing.T) {
		t.Parallel()
		all := new(big.Int).Lsh(big.NewInt(1), 128)
		r := newRand(t)
		for range 300 {
			n := 1 + r.IntN(1<<r.IntN(15))
			ranges := hashkey.Even(n)
			width := new(big.Int).Div(all, big.NewInt(int64(n)))
			for i, got := range ranges {
				start := new(big.Int).Mul(width, big.NewInt(int64(i)))
				if toBig(got.Start).Cmp(start) != 0 || !got.Valid() {
					t.Fatalf("Even(%d)[%d] = %s, want start %s", n, i, got, start)
				}
				if i > 0 && !ranges[i-1].Adjacent(got) {
					t.Fatalf("Even(%d): hole before range %d", n, i)
				}
			}
			if last := ranges[n-1].End; last != hashkey.Max() {
				t.Fatalf("Even(%d) ends at %s, want %s", n, last, hashkey.Max())
			}
		}
	})

	t.Run("gives nothing for no shards", func(t *testing.T) {
		t.Parallel()
		for _, n := range []int{0, -1} {
			if got := hashkey.Even(n); got != nil {
				t.Errorf("Even(%d) = %v, want nil", n, got)
			}
		}
	})
}

func TestRangeAgreesWithBigNumbers(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	for range 20_000 {
		a, b, k := randomRange(r), randomRange(r), randomKey(r)
		if r.IntN(3) == 0 { // make neighbours likely
			b.Start = a.End.Next()
			if b.Start.Compare(b.End) > 0 {
				b.End = b.Start
			}
		}
		as, ae, bs, be, bk := toBig(a.Start), toBig(a.End), toBig(b.Start), toBig(b.End), toBig(k)

		if got, want := a.Contains(k), as.Cmp(bk) <= 0 && bk.Cmp(ae) <= 0; got != want {
			t.Fatalf("%s contains %s: %v, want %v", a, k, got, want)
		}
		if got, want := a.Overlaps(b), as.Cmp(be) <= 0 && bs.Cmp(ae) <= 0; got != want {
			t.Fatalf("%s overlaps %s: %v, want %v", a, b, got, want)
		}
		adjacent := isNext(ae, bs) || isNext(be, as)
		if got := a.Adjacent(b); got != adjacent || b.Adjacent(a) != adjacent {
			t.Fatalf("%s adjacent to %s: %v, want %v", a, b, got, adjacent)
		}
		merged, ok := a.Merge(b)
		other, _ := b.Merge(a)
		if ok != adjacent || merged != other {
			t.Fatalf("%s merged with %s: %s, %v; other way round %s; want ok %v", a, b, merged, ok, other, adjacent)
		}
		if ok && (!merged.Contains(a.Start) || !merged.Contains(b.End) || !merged.Valid()) {
			t.Fatalf("%s merged with %s = %s", a, b, merged)
		}
	}
}

func isNext(end, start *big.Int) bool {
	return new(big.Int).Add(end, big.NewInt(1)).Cmp(start) == 0
}

func TestSplitIsUndoneByMerge(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	for range 20_000 {
		a, at := randomRange(r), randomKey(r)
		low, high, ok := a.Split(at)
		if want := a.Contains(at) && at != a.Start; ok != want {
			t.Fatalf("%s split at %s: %v, want %v", a, at, ok, want)
		}
		if !ok {
			continue
		}
		if merged, ok := low.Merge(high); !ok || merged != a || high.Start != at || !low.Valid() || !high.Valid() {
			t.Fatalf("%s split at %s = %s and %s", a, at, low, high)
		}
	}
}

func TestMiddle(t *testing.T) {
	t.Parallel()

	t.Run("cuts into halves that differ by at most one key", func(t *testing.T) {
		t.Parallel()
		r := newRand(t)
		for range 20_000 {
			a := randomRange(r)
			at, ok := a.Middle()
			if ok != (a.Start != a.End) {
				t.Fatalf("%s has a middle: %v", a, ok)
			}
			if !ok {
				continue
			}
			low, high, ok := a.Split(at)
			if !ok {
				t.Fatalf("%s can not be split at its middle %s", a, at)
			}
			odd := new(big.Int).Sub(width(low), width(high)).Int64()
			if odd != 0 && odd != 1 {
				t.Fatalf("%s: halves differ by %d keys", a, odd)
			}
		}
	})

	t.Run("of all keys is where the second of two shards starts", func(t *testing.T) {
		t.Parallel()
		at, _ := hashkey.Full().Middle()
		if want := hashkey.Even(2)[1].Start; at != want {
			t.Errorf("middle = %s, want %s", at, want)
		}
	})
}

func width(r hashkey.Range) *big.Int {
	return new(big.Int).Sub(toBig(r.End), toBig(r.Start))
}

func TestAdjacentDoesNotWrapAround(t *testing.T) {
	t.Parallel()
	low := hashkey.Range{End: parse(t, "9")}
	high := hashkey.Range{Start: parse(t, "10"), End: hashkey.Max()}
	if !low.Adjacent(high) {
		t.Error("0-9 is not adjacent to 10-max")
	}
	top := hashkey.Range{Start: hashkey.Max(), End: hashkey.Max()}
	if low.Adjacent(top) {
		t.Error("the highest key is adjacent to 0")
	}
}
