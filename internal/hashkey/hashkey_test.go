package hashkey_test

import (
	"crypto/fips140"
	"crypto/md5"
	"errors"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/kinstream/kin/internal/hashkey"
)

const maxText = "340282366920938463463374607431768211455"

// toBig is the naive twin of a key.
func toBig(k hashkey.Key) *big.Int {
	n := new(big.Int).SetUint64(k.Hi)
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(k.Lo))
}

func fromBig(t testing.TB, n *big.Int) hashkey.Key {
	t.Helper()
	k, err := hashkey.Parse(n.String())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// randomKey prefers the edges: keys near 0, near 2^64 and near the end.
func randomKey(r *rand.Rand) hashkey.Key {
	word := func() uint64 {
		switch r.IntN(4) {
		case 0:
			return r.Uint64N(4)
		case 1:
			return ^r.Uint64N(4)
		case 2:
			return r.Uint64() >> r.UintN(64)
		default:
			return r.Uint64()
		}
	}
	return hashkey.Key{Hi: word(), Lo: word()}
}

func newRand(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestOf(t *testing.T) {
	t.Parallel()

	t.Run("is the MD5 of the partition key as a big-endian number", func(t *testing.T) {
		t.Parallel()
		for _, key := range []string{"", "a", "pk-1", "Schlüssel", strings.Repeat("ü", 256), strings.Repeat("x", 5000)} {
			sum := md5.Sum([]byte(key))
			want := new(big.Int).SetBytes(sum[:]).String()
			if got := hashkey.Of(key).String(); got != want {
				t.Errorf("Of(%.20q) = %s, want %s", key, got, want)
			}
		}
	})

	t.Run("gives the known number for a", func(t *testing.T) {
		t.Parallel()
		if got, want := hashkey.Of("a").String(), "16955237001963240173058271559858726497"; got != want {
			t.Errorf("Of(a) = %s, want %s", got, want)
		}
	})
}

// Not parallel: AllocsPerRun counts the whole process.
func TestOfDoesNotAllocate(t *testing.T) {
	for _, size := range []int{0, 15, 64, 256, 1024} {
		key := strings.Repeat("k", size)
		if n := testing.AllocsPerRun(100, func() { hashkey.Of(key) }); n != 0 {
			t.Errorf("allocations per call with a key of %d bytes = %v, want 0", size, n)
		}
	}
	whereMD5IsForbidden(t)
}

func TestOfWorksWhereMD5IsForbidden(t *testing.T) {
	t.Parallel()
	if got, want := hashkey.Of("a").Hi, uint64(0x0cc175b9c0f1b6a8); got != want {
		t.Errorf("Of(a).Hi = %#x, want %#x", got, want)
	}
	whereMD5IsForbidden(t)
}

// whereMD5IsForbidden runs the test that calls it once more, in a process that
// forbids MD5.
func whereMD5IsForbidden(t *testing.T) {
	t.Helper()
	const mark = "KIN_HASHKEY_FIPS"
	if os.Getenv(mark) != "" {
		if !fips140.Enforced() {
			t.Error("MD5 is not forbidden here")
		}
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1", "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: "+t.Name()) {
		t.Fatalf("with GODEBUG=fips140=only: %v\n%s", err, out)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()

	t.Run("refuses what the service refuses", func(t *testing.T) {
		t.Parallel()
		for _, tc := range []struct {
			text string
			want error
		}{
			{"", hashkey.ErrSyntax},
			{"00", hashkey.ErrSyntax},
			{"01", hashkey.ErrSyntax},
			{"-1", hashkey.ErrSyntax},
			{"+1", hashkey.ErrSyntax},
			{" 1", hashkey.ErrSyntax},
			{"1 ", hashkey.ErrSyntax},
			{"0x10", hashkey.ErrSyntax},
			{"1e3", hashkey.ErrSyntax},
			{"1:", hashkey.ErrSyntax}, // the character behind 9
			{"١", hashkey.ErrSyntax},
			{"340282366920938463463374607431768211456", hashkey.ErrRange},
			{strings.Repeat("9", 39), hashkey.ErrRange},
			{strings.Repeat("9", 38) + "x", hashkey.ErrSyntax},
			{strings.Repeat("9", 40), hashkey.ErrSyntax},
			{strings.Repeat("1", 1000), hashkey.ErrSyntax},
		} {
			k, err := hashkey.Parse(tc.text)
			if !errors.Is(err, tc.want) || k != (hashkey.Key{}) {
				t.Errorf("Parse(%.50q) = %v, %v; want 0 and %v", tc.text, k, err, tc.want)
			}
			if err != nil && len(err.Error()) > 200 {
				t.Errorf("Parse of %d bytes gives an error of %d bytes", len(tc.text), len(err.Error()))
			}
		}
	})

	t.Run("accepts both ends", func(t *testing.T) {
		t.Parallel()
		for text, want := range map[string]hashkey.Key{"0": {}, maxText: hashkey.Max()} {
			if got, err := hashkey.Parse(text); err != nil || got != want {
				t.Errorf("Parse(%s) = %v, %v; want %v", text, got, err, want)
			}
		}
	})

	t.Run("agrees with big numbers both ways", func(t *testing.T) {
		t.Parallel()
		r := newRand(t)
		for range 20_000 {
			k := randomKey(r)
			if got, want := k.String(), toBig(k).String(); got != want {
				t.Fatalf("%#v.String() = %s, want %s", k, got, want)
			}
			if got := fromBig(t, toBig(k)); got != k {
				t.Fatalf("Parse(%s) = %#v, want %#v", k, got, k)
			}
		}
	})
}

func TestKeyArithmeticAgreesWithBigNumbers(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	mod := new(big.Int).Lsh(big.NewInt(1), 128)
	one := big.NewInt(1)
	for range 20_000 {
		k, l := randomKey(r), randomKey(r)
		a, b := toBig(k), toBig(l)
		if got, want := k.Compare(l), a.Cmp(b); got != want {
			t.Fatalf("%s.Compare(%s) = %d, want %d", k, l, got, want)
		}
		next := new(big.Int).Add(a, one)
		if got, want := toBig(k.Next()), next.Mod(next, mod); got.Cmp(want) != 0 {
			t.Fatalf("%s.Next() = %s, want %s", k, got, want)
		}
		prev := new(big.Int).Sub(a, one)
		if got, want := toBig(k.Prev()), prev.Mod(prev, mod); got.Cmp(want) != 0 {
			t.Fatalf("%s.Prev() = %s, want %s", k, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "7", maxText, "340282366920938463463374607431768211456", "00", "-1", strings.Repeat("9", 39)} {
		f.Add(s)
	}
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	f.Fuzz(func(t *testing.T, s string) {
		k, err := hashkey.Parse(s)
		canonical := s != "" && strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
		n, _ := new(big.Int).SetString(s, 10)
		if want := canonical && n.Cmp(limit) < 0; (err == nil) != want {
			t.Fatalf("Parse(%q): %v, want accepted = %v", s, err, want)
		}
		if err == nil && k.String() != s {
			t.Fatalf("Parse(%q).String() = %q", s, k)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		hashkey.Of("user-0000123456")
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := hashkey.Parse(maxText); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendDecimal(b *testing.B) {
	b.ReportAllocs()
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = hashkey.Max().AppendDecimal(buf[:0])
	}
}
