package cli

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// delayBits says how fine a delays is: a power of two is divided into 2^delayBits steps, so that a
// value is off by 6 % at most.
const delayBits = 4

// delays counts durations in steps that grow with them. The zero value is ready; its methods may be
// called from several goroutines.
type delays struct {
	counts [64 << delayBits]atomic.Uint64 // of microseconds
	most   atomic.Int64                   // the longest
}

func (d *delays) add(t time.Duration) {
	t = max(t, 0)
	d.counts[delayStep(uint64(t/time.Microsecond))].Add(1)
	for old := d.most.Load(); int64(t) > old && !d.most.CompareAndSwap(old, int64(t)); old = d.most.Load() {
	}
}

// delayStep returns the step of a value: values below 2^delayBits have one each.
func delayStep(v uint64) int {
	shift := max(bits.Len64(v)-1-delayBits, 0)
	return shift<<delayBits + int(v>>shift)
}

// delayBound returns the greatest value of a step.
func delayBound(step int) uint64 {
	if step < 2<<delayBits {
		return uint64(step)
	}
	shift := step>>delayBits - 1
	return uint64(step-shift<<delayBits+1)<<shift - 1
}

// delaySummary is how long things took, in milliseconds.
type delaySummary struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

func (d *delays) summary() delaySummary {
	var counts [len(d.counts)]uint64
	var all uint64
	for i := range d.counts {
		counts[i] = d.counts[i].Load()
		all += counts[i]
	}
	most := float64(d.most.Load()) / float64(time.Millisecond)
	at := func(q float64) float64 {
		rest := uint64(q*float64(all) + 0.5)
		for i, n := range counts {
			if n >= rest && n > 0 {
				return min(float64(delayBound(i))/1000, most)
			}
			rest -= min(n, rest)
		}
		return most
	}
	return delaySummary{P50: at(0.5), P99: at(0.99), P999: at(0.999), Max: most}
}
