package outbox_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

func TestMapAgreesWithItsNaiveTwin(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4))
		ranges := []hashkey.Range{hashkey.Full()}
		for range r.IntN(200) {
			i := r.IntN(len(ranges))
			if r.IntN(2) == 0 {
				i = len(ranges) - 1 // very uneven
			}
			at := hashkey.Key{Hi: r.Uint64(), Lo: r.Uint64()}
			if r.IntN(3) == 0 {
				at, _ = ranges[i].Middle()
			}
			if low, high, ok := ranges[i].Split(at); ok {
				ranges[i] = low
				ranges = append(ranges, high)
			}
		}
		r.Shuffle(len(ranges), func(i, j int) { ranges[i], ranges[j] = ranges[j], ranges[i] })
		var listing []outbox.Shard
		for i, keys := range ranges {
			listing = append(listing, outbox.Shard{ID: fmt.Sprint(i), Range: keys})
		}
		listing = append(listing, outbox.Shard{ID: "parent", Range: hashkey.Full(), Closed: true})
		m, err := outbox.NewMap(listing)
		if err != nil {
			t.Fatal(err)
		}
		check := func(k hashkey.Key) {
			if s := m.Open(m.Index(k)); !s.Range.Contains(k) || s.Closed {
				t.Fatalf("seed %d: shard of %v = %v, which does not hold it", seed, k, s)
			}
		}
		for _, keys := range ranges {
			check(keys.Start)
			check(keys.End)
		}
		for range 1000 {
			check(hashkey.Key{Hi: r.Uint64(), Lo: r.Uint64()})
		}
		if m.Len() != len(ranges) {
			t.Errorf("open shards = %d, want %d", m.Len(), len(ranges))
		}
		if got, ok := m.Range("parent"); !ok || got != hashkey.Full() {
			t.Errorf("range of a closed shard = %v, %v, want all keys", got, ok)
		}
		if _, ok := m.Range("unknown"); ok {
			t.Error("a shard that is not listed has a range")
		}
	}
}

func TestMapIsOnlyMadeOfCompleteListings(t *testing.T) {
	t.Parallel()
	low, high, _ := hashkey.Full().Split(hashkey.Key{Hi: 1 << 63})
	left, right, _ := low.Split(hashkey.Key{Hi: 1 << 62})
	shard := func(r hashkey.Range, closed bool) outbox.Shard {
		return outbox.Shard{ID: r.String(), Range: r, Closed: closed}
	}
	for name, test := range map[string]struct {
		listing  []outbox.Shard
		complete bool
	}{
		"nothing":               {nil, false},
		"all":                   {[]outbox.Shard{shard(high, false), shard(low, false)}, true},
		"one of all keys":       {[]outbox.Shard{shard(hashkey.Full(), false)}, true},
		"a hole at the start":   {[]outbox.Shard{shard(high, false)}, false},
		"a hole at the end":     {[]outbox.Shard{shard(low, false)}, false},
		"a hole inside":         {[]outbox.Shard{shard(left, false), shard(high, false)}, false},
		"an overlap":            {[]outbox.Shard{shard(low, false), shard(right, false), shard(high, false)}, false},
		"all twice":             {[]outbox.Shard{shard(hashkey.Full(), false), shard(hashkey.Full(), false)}, false},
		"all, and a part":       {[]outbox.Shard{shard(hashkey.Full(), false), shard(low, false)}, false},
		"closed ones only":      {[]outbox.Shard{shard(hashkey.Full(), true)}, false},
		"children of a closed":  {[]outbox.Shard{shard(low, true), shard(left, false), shard(right, false), shard(high, false)}, true},
		"a range without a key": {[]outbox.Shard{{Range: hashkey.Range{Start: hashkey.Max()}}, shard(hashkey.Full(), false)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := outbox.NewMap(test.listing)
			if (err == nil) != test.complete || err != nil && !errors.Is(err, outbox.ErrIncomplete) {
				t.Errorf("NewMap = %v, %v, want complete: %v", m, err, test.complete)
			}
		})
	}
}
