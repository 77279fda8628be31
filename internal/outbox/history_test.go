package outbox_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

var (
	histories = flag.Int("histories", 150, "how many random histories to run")
	firstSeed = flag.Uint64("seed", 1, "the first of them")
)

// TestRandomHistories drives whole engines through splits, merges, stale maps, throttling,
// failures after success, calls that are lost, poison, flushes, a switch to a stream that shares
// records out itself, and a close at any moment. Every record must be answered once and truly.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	for i := range *histories {
		seed := *firstSeed + uint64(i)
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, seed)
			h.play()
			h.judge()
		})
	}
}

// history is one run of the engine with everything that a seed decides.
type history struct {
	*sim
	cfg   outbox.Config
	o     *outbox.Outbox[int]
	left  int // records to offer
	keys  int
	close bool
}

func newHistory(tb testing.TB, seed uint64) *history {
	s := newSim(tb, seed, 1, outbox.SpaceLimits{Bytes: 1 << 20, Calls: 4})
	r := s.random
	s.service = newService(r, 1+r.IntN(8))
	s.exact = true
	s.limits = outbox.SpaceLimits{Bytes: 200_000 + r.IntN(1<<20), Calls: 1 + r.IntN(6), Fail: r.IntN(4) == 0}
	s.space = outbox.NewSpace[int](s.limits)
	s.latency = time.Duration(1+r.IntN(50)) * time.Millisecond
	some := func(p float64) float64 {
		if r.IntN(2) == 0 {
			return 0
		}
		return p * r.Float64()
	}
	s.service.throttle = some(0.3)
	s.trouble = trouble{
		lost: some(0.1), internal: some(0.1), cut: some(0.1), noRoute: some(0.1), torn: some(0.7), unlearned: some(0.5),
		noMap: r.IntN(8) == 0, slowCalls: r.IntN(2) == 0, slowView: time.Duration(some(4) * float64(time.Second)),
	}
	cfg := config()
	cfg.MaxRecordBytes = 50_000
	cfg.MaxCallRecords = []int{1, 7, 500}[r.IntN(3)]
	cfg.MaxCallBytes = cfg.MaxRecordBytes + r.IntN(1<<20)
	cfg.Linger = time.Duration(r.IntN(3)) * 50 * time.Millisecond
	cfg.RecordTTL = []time.Duration{outbox.Never, 2 * time.Second, 30 * time.Second}[r.IntN(3)]
	cfg.Aggregation = outbox.Aggregation(r.IntN(3))
	cfg.AggregateMaxBytes = 64 + r.IntN(20_000)
	cfg.AggregateMaxRecords = []int{0, 1, 5}[r.IntN(3)]
	cfg.Ordered = r.IntN(2) == 0
	cfg.RetryAmbiguous = r.IntN(4) > 0
	cfg.RefreshEvery = time.Duration(1+r.IntN(20)) * time.Second
	s.callBytes = cfg.MaxCallBytes
	h := &history{sim: s, cfg: cfg, left: 200 + r.IntN(3000), keys: 1 + r.IntN(60), close: r.IntN(2) == 0}
	h.o = s.box(cfg)
	return h
}

// play offers the records, makes trouble, and ends the engine.
func (h *history) play() {
	h.feed()
	h.meddle()
	h.run(time.Duration(h.random.IntN(20_000)) * time.Millisecond)
	if h.close {
		h.settle(h.space.Close())
		h.run(h.now + time.Duration(h.random.IntN(3000))*time.Millisecond)
		h.space.GiveUp(errThrottled)
		h.left = 0
	}
	// A calm time, in which everything must come to its end.
	h.trouble = trouble{noMap: h.trouble.noMap}
	h.service.throttle = 0
	for range 60 {
		h.run(h.now + 10*time.Second)
	}
	if h.left > 0 {
		h.tb.Fatalf("records not even offered = %d", h.left)
	}
}

// feed offers records in bursts.
func (h *history) feed() {
	if h.left == 0 {
		return
	}
	n := min(h.left, 1+h.random.IntN(100))
	h.left -= n
	for range n {
		key, explicit := fmt.Sprint("k", h.random.IntN(h.keys)), ""
		size := h.random.IntN(300)
		switch h.random.IntN(300) {
		case 0:
			key = "poison"
		case 1, 2, 3:
			size = h.random.IntN(h.cfg.MaxRecordBytes - 100)
		case 4, 5, 6, 7, 8, 9, 10:
			explicit = fmt.Sprint(h.random.IntN(3))
		}
		data := make([]byte, size)
		if size > 20 && h.random.IntN(20) == 0 {
			copy(data, "\xf3\x89\x9a\xc2")
		}
		h.offer(h.o, key, explicit, data)
	}
	h.after(time.Duration(h.random.IntN(200))*time.Millisecond, h.feed)
}

// meddle changes the stream, flushes, and withdraws callers.
func (h *history) meddle() {
	switch r := h.random; r.IntN(8) {
	case 0, 1:
		h.service.split(h.now)
	case 2:
		h.service.merge(h.now)
	case 3:
		if done := h.space.Flush(); done != nil {
			h.flushes[done] = true
		}
	case 4:
		for _, w := range slices.SortedFunc(maps.Keys(h.waiting), func(a, b *outbox.Waiter[int]) int { return a.Item().Owner - b.Item().Owner }) {
			if w.Item().Owner%3 == 0 && h.waiting[w] { // it may have been admitted meanwhile
				h.withdraw(w)
			}
		}
	case 5:
		if r.IntN(20) == 0 && !h.trouble.noMap {
			h.service.auto = !h.service.auto
		}
	}
	if h.now < 20*time.Second {
		h.after(time.Duration(h.random.IntN(2000))*time.Millisecond, h.meddle)
	}
}

func (h *history) withdraw(w *outbox.Waiter[int]) {
	withdrawn, admitted := h.space.Withdraw(w, h.now)
	if !withdrawn {
		h.tb.Fatalf("a caller that waits can't be withdrawn")
	}
	delete(h.waiting, w)
	h.settle(admitted)
}

// judge holds what was answered against what is in the stream.
func (h *history) judge() {
	h.tb.Helper()
	stored, good := map[int]int{}, map[int]int{} // how often each record is in the stream
	for _, e := range h.service.log {
		for _, owner := range e.items {
			stored[owner]++
			if e.good {
				good[owner]++
			}
		}
	}
	for owner := range h.records {
		if problem := h.judgeRecord(owner, stored[owner], good[owner]); problem != "" {
			h.tb.Errorf("record %d: %s: %+v", owner, problem, h.records[owner])
		}
	}
	if most := h.limits.Bytes + h.cfg.MaxRecordBytes + 1000; h.highest > most {
		h.tb.Errorf("bytes held = %d, want at most %d", h.highest, most)
	}
	if g := h.space.Gauges(); g != (outbox.Gauges{}) {
		h.tb.Errorf("left at the end: %+v", g)
	}
	if len(h.waiting)+len(h.flushes) > 0 {
		h.tb.Errorf("callers left waiting = %d, for flushes = %d, want none", len(h.waiting), len(h.flushes))
	}
	if h.cfg.Ordered {
		h.judgeOrder(false)
		h.judgeOrder(true)
	}
	h.judgeCounts()
}

func (h *history) judgeRecord(owner, stored, good int) string {
	r := &h.records[owner]
	switch {
	case !r.accepted && (r.answers > 0 || stored > 0):
		return "was not accepted, but sent or answered"
	case !r.accepted:
		return ""
	case r.answers != 1:
		return fmt.Sprintf("answers = %d, want 1", r.answers)
	case r.verdict != outbox.Stored && !r.maybe && stored > 0:
		return "answered as not stored, but it is"
	case r.verdict != outbox.Stored:
		return ""
	case good == 0:
		return "answered as stored, but a consumer that checks hash keys never sees it"
	case !r.maybe && stored != 1:
		return fmt.Sprintf("answered as stored once, but is there %d times", stored)
	}
	at, err := strconv.Atoi(r.place.Sequence)
	if err != nil || at >= len(h.service.log) {
		return "place is none of the stream's"
	}
	e := h.service.log[at]
	if e.shard.id != r.place.Shard || r.sub >= len(e.items) || e.items[r.sub] != owner || !e.good {
		return fmt.Sprintf("is not at the place that it got: %+v", e)
	}
	return ""
}

// judgeOrder looks at the first occurrences of the records of each key.
func (h *history) judgeOrder(onlyGood bool) {
	h.tb.Helper()
	first := map[int]int{}
	n := 0
	for _, e := range h.service.log {
		for _, owner := range e.items {
			if _, seen := first[owner]; !seen && (e.good || !onlyGood) {
				first[owner] = n
			}
			n++
		}
	}
	for key, owners := range h.byKey {
		got := slices.DeleteFunc(slices.Clone(owners), func(owner int) bool { _, ok := first[owner]; return !ok })
		if !slices.IsSortedFunc(got, func(a, b int) int { return first[a] - first[b] }) {
			h.tb.Errorf("key %v (only what checking consumers see: %v): out of order", key, onlyGood)
		}
	}
}

func (h *history) judgeCounts() {
	h.tb.Helper()
	var accepted, stored, failed uint64
	for _, r := range h.records {
		if !r.accepted {
			continue
		}
		accepted++
		if r.verdict == outbox.Stored {
			stored++
		} else {
			failed++
		}
	}
	s := h.o.Stats(h.now)
	if s.Accepted != accepted || s.Stored != stored || s.Failed != failed {
		h.tb.Errorf("counted accepted, stored, failed = %d, %d, %d, want %d, %d, %d", s.Accepted, s.Stored, s.Failed, accepted, stored, failed)
	}
	if s.Queued+s.Calls+s.Landed != 0 {
		h.tb.Errorf("queued, calls, landed at the end = %d, %d, %d, want none", s.Queued, s.Calls, s.Landed)
	}
}
