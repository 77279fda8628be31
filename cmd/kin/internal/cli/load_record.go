package cli

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"time"

	"github.com/kinstream/kin"
)

// A record of a load says which one it is, in JSON, so that any reader can check what came and when:
//
//	{"load":"k3f9x2ab","n":17,"t":1763752203123456789,"pad":"..."}
//
// load names the run, n counts its records from 1 without a gap, and t is when the record was made,
// in nanoseconds since 1970. The records of a partition key are put in the order of n, so that it can be
// checked too.
const (
	loadHead = `{"load":"`
	loadN    = `","n":`
	loadT    = `,"t":`
	loadPad  = `,"pad":"`
	loadTail = `"}`

	runLetters   = 8
	loadMinBytes = len(loadHead) + runLetters + len(loadN) + loadDigits + len(loadT) + loadDigits + len(loadPad) + len(loadTail)
	loadDigits   = 19 // of the largest number
)

// loadSource makes the records of a run. It is for one goroutine.
type loadSource struct {
	run     string
	size    int // bytes of data
	keys    *loadKeys
	n       int64 // records so far
	arena   []byte
	padding []byte
}

func newLoadSource(size int, keys *loadKeys) *loadSource {
	s := &loadSource{run: randomLetters(runLetters), size: size, keys: keys}
	s.padding = []byte(randomLetters(size))
	return s
}

// randomLetters are good in JSON, and no compression makes much of them.
func randomLetters(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rand.N(len(letters))]
	}
	return string(b)
}

// next makes the next record. Its data is not used again.
func (s *loadSource) next(now time.Time) kin.UserRecord {
	const arenaBytes = 64 << 10
	if cap(s.arena)-len(s.arena) < s.size {
		s.arena = make([]byte, 0, max(arenaBytes, s.size))
	}
	s.n++
	start := len(s.arena)
	b := s.arena
	b = append(b, loadHead...)
	b = append(b, s.run...)
	b = append(b, loadN...)
	b = strconv.AppendInt(b, s.n, 10)
	b = append(b, loadT...)
	b = strconv.AppendInt(b, now.UnixNano(), 10)
	b = append(b, loadPad...)
	b = append(b, s.padding[:s.size-(len(b)-start)-len(loadTail)]...)
	b = append(b, loadTail...)
	s.arena = b
	return kin.UserRecord{PartitionKey: s.keys.pick(), Data: s.arena[start:len(s.arena):len(s.arena)]}
}

// loadMark is what a record of a load says.
type loadMark struct {
	run  []byte // in the record
	n    int64
	made time.Time
}

// parseLoad reads what a record of a load says. ok is false for any other record.
func parseLoad(data []byte) (m loadMark, ok bool) {
	rest, ok := bytes.CutPrefix(data, []byte(loadHead))
	if !ok || len(rest) < runLetters {
		return m, false
	}
	m.run, rest = rest[:runLetters], rest[runLetters:]
	var nanos int64
	if m.n, rest, ok = cutNumber(rest, loadN); !ok {
		return m, false
	}
	if nanos, rest, ok = cutNumber(rest, loadT); !ok {
		return m, false
	}
	m.made = time.Unix(0, nanos)
	return m, m.n > 0 && bytes.HasPrefix(rest, []byte(loadPad))
}

func cutNumber(b []byte, name string) (n int64, rest []byte, ok bool) {
	if b, ok = bytes.CutPrefix(b, []byte(name)); !ok {
		return 0, b, false
	}
	digits := 0
	for digits < len(b) && digits < loadDigits && b[digits] >= '0' && b[digits] <= '9' {
		n = n*10 + int64(b[digits]-'0') // 19 digits may come to less than nothing, which no caller takes
		digits++
	}
	return n, b[digits:], digits > 0
}

// loadKeys are the partition keys of a run. Key i is picked in proportion to 1/i^skew, as keys are in
// the world; with a skew of 0 all alike.
type loadKeys struct {
	names []string
	upTo  []float64 // shares added up; nil if all are alike
}

const (
	maxLoadKeys = 1_000_000
	maxSkew     = 10
)

func newLoadKeys(n int, skew float64) *loadKeys {
	k := &loadKeys{names: make([]string, n)}
	for i := range k.names {
		k.names[i] = fmt.Sprintf("key-%06d", i+1)
	}
	if skew > 0 {
		k.upTo = make([]float64, n)
		sum := 0.0
		for i := range k.upTo {
			sum += math.Pow(float64(i+1), -skew)
			k.upTo[i] = sum
		}
	}
	return k
}

func (k *loadKeys) pick() string {
	if k.upTo == nil {
		return k.names[rand.IntN(len(k.names))]
	}
	last := len(k.upTo) - 1
	return k.names[min(sort.SearchFloat64s(k.upTo, rand.Float64()*k.upTo[last]), last)]
}
