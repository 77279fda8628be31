package shardlog_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/kinstream/kin/kintest/internal/seqnum"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

var identity = shardlog.Identity{Created: 1_795_000_000, Shard: 3}

const startMillis = 1_795_000_000_000

func appendText(tb testing.TB, l *shardlog.Log, at int64, text string) uint64 {
	tb.Helper()
	counter, _, ok := l.Append(&shardlog.Entry{Data: []byte(text), Key: "k", HasKey: true}, at, 0)
	if !ok {
		tb.Fatalf("append %q: the log is closed", text)
	}
	return counter
}

// twin is the naive log that the real one is compared with.
type twin struct {
	records []twinRecord
	first   int
	arrival int64
}

type twinRecord struct {
	counter uint64
	arrival int64
	entry   shardlog.Entry
}

func (w *twin) at(position uint64) []twinRecord {
	for i := w.first; i < len(w.records); i++ {
		if w.records[i].counter >= position {
			return w.records[i:]
		}
	}
	return nil
}

// randomEntry makes a record, now and then a large one.
func randomEntry(r *rand.Rand) shardlog.Entry {
	size := r.IntN(300)
	switch r.IntN(40) {
	case 0:
		size = 0
	case 1:
		size = r.IntN(200_000)
	}
	e := shardlog.Entry{Data: make([]byte, size), KMS: r.IntN(2) == 0}
	for i := range e.Data {
		e.Data[i] = byte(r.Uint32())
	}
	if r.IntN(5) > 0 {
		e.HasKey = true
		e.Key = strconv.Itoa(r.IntN(1000))
	}
	if r.IntN(4) == 0 {
		e.HashKey = strconv.FormatUint(r.Uint64(), 10)
	}
	return e
}

func TestLogDoesWhatANaiveOneDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			l, w := shardlog.New(identity, nil), &twin{}
			now, counter := int64(startMillis), uint64(1)
			for range 3000 {
				now += r.Int64N(50) - 5
				switch r.IntN(20) {
				default:
					e := randomEntry(r)
					w.arrival = max(w.arrival, now)
					got, arrival, ok := l.Append(&e, now, 0)
					if !ok || got != counter || arrival != w.arrival {
						t.Fatalf("Append = %d at %d, %v; want %d at %d", got, arrival, ok, counter, w.arrival)
					}
					w.records = append(w.records, twinRecord{counter, w.arrival, e})
					counter++
				case 0:
					before := now - r.Int64N(20_000)
					l.Trim(before)
					for w.first < len(w.records) && w.records[w.first].arrival < before {
						w.first++
					}
				case 1:
					counter += uint64(r.IntN(5))
					l.Advance(counter)
					l.Advance(counter / 2) // what was given out is not given out again
				case 2, 3:
					compareRead(t, r, l, w, counter)
				case 4:
					compareSeek(t, r, l, w, counter)
				}
			}
		})
	}
}

func compareRead(t *testing.T, r *rand.Rand, l *shardlog.Log, w *twin, tip uint64) {
	t.Helper()
	position := r.Uint64N(tip + 1)
	maxRecords, maxBytes := 1+r.IntN(400), 1+r.IntN(300_000)
	want := w.at(position)
	page := l.Read(position, nil, maxRecords, maxBytes)
	size := 0
	for i, rec := range page.Records {
		e := want[i].entry
		size += len(e.Data) + len(e.Key) + len(e.HashKey)
		wantSeq := identity.Number(want[i].counter, want[i].arrival)
		if rec.Seq != wantSeq || rec.Arrival != want[i].arrival || rec.KMS != e.KMS ||
			!bytes.Equal(rec.Data, e.Data) || string(rec.Key) != e.Key || string(rec.HashKey) != e.HashKey || (rec.Key != nil) != e.HasKey {
			t.Fatalf("record %d from %d = %v %q, want counter %d %q", i, position, rec.Seq, rec.Key, want[i].counter, e.Key)
		}
	}
	n := len(page.Records)
	if n > maxRecords || (n > 1 && size > maxBytes) || page.Bytes != size {
		t.Fatalf("page of %d records, %d bytes (says %d); want at most %d, %d", n, size, page.Bytes, maxRecords, maxBytes)
	}
	if n == len(want) {
		if page.Unread != 0 || page.Next != max(tip, position) {
			t.Fatalf("at the tip: unread %d, next %d; want 0, %d", page.Unread, page.Next, tip)
		}
		return
	}
	next := want[n]
	if nextSize := len(next.entry.Data) + len(next.entry.Key) + len(next.entry.HashKey); n < maxRecords && size+nextSize <= maxBytes {
		t.Fatalf("page ends after %d records and %d bytes though %d more bytes fit", n, size, nextSize)
	}
	if page.Unread != next.arrival || page.Next > next.counter {
		t.Fatalf("unread %d, next %d; want %d, %d", page.Unread, page.Next, next.arrival, next.counter)
	}
}

func compareSeek(t *testing.T, r *rand.Rand, l *shardlog.Log, w *twin, tip uint64) {
	t.Helper()
	if w.first == len(w.records) {
		return
	}
	left := w.records[w.first:]
	pick := left[r.IntN(len(left))]
	wantTime := pick.counter
	for _, rec := range left {
		if rec.arrival >= pick.arrival {
			wantTime = rec.counter
			break
		}
	}
	if got := l.SeekTime(pick.arrival); got != wantTime {
		t.Fatalf("SeekTime(%d) = %d, want %d", pick.arrival, got, wantTime)
	}
	if got := l.SeekTime(w.arrival + 1); got != tip {
		t.Fatalf("SeekTime after everything = %d, want the tip %d", got, tip)
	}
	for _, c := range []struct {
		seq  seqnum.Number
		want uint64
	}{
		{identity.Number(pick.counter, pick.arrival), pick.counter},
		{identity.Number(pick.counter, 0), pick.counter},
		{identity.Number(pick.counter, pick.arrival+1000), pick.counter + 1},
	} {
		if got := l.SeekNumber(c.seq); got != c.want {
			t.Fatalf("SeekNumber(%s) = %d, want %d", c.seq, got, c.want)
		}
	}
}

func TestClosedLogTakesNothingAndEnds(t *testing.T) {
	t.Parallel()
	l := shardlog.New(identity, nil)
	appendText(t, l, startMillis, "a")
	if page := l.Read(0, nil, 10, 1000); page.End || len(page.Records) != 1 {
		t.Fatalf("open: %d records, end %v; want 1, false", len(page.Records), page.End)
	}
	if !l.Close() || l.Close() {
		t.Fatal("Close does not say whether the log was open")
	}
	if _, _, ok := l.Append(&shardlog.Entry{}, startMillis, 0); ok {
		t.Fatal("a closed log took a record")
	}
	for _, position := range []uint64{0, 1, 2} {
		if page := l.Read(position, nil, 10, 1000); !page.End {
			t.Errorf("position %d: end is false", position)
		}
	}
}

func TestChangedTellsOfRecordsAndOfTheEnd(t *testing.T) {
	t.Parallel()
	isClosed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	l := shardlog.New(identity, nil)
	first := l.Changed(l.Tip())
	if isClosed(first) {
		t.Fatal("told of a change before there was one")
	}
	appendText(t, l, startMillis, "a")
	if !isClosed(first) || !isClosed(l.Changed(1)) {
		t.Fatal("not told of a record")
	}
	second := l.Changed(2)
	if isClosed(second) {
		t.Fatal("told of the same record again")
	}
	l.Close()
	if !isClosed(second) || !isClosed(l.Changed(2)) {
		t.Fatal("not told of the end")
	}
}

func TestRecordsOutliveTrimming(t *testing.T) {
	t.Parallel()
	l := shardlog.New(identity, nil)
	appendText(t, l, startMillis, "first")
	page := l.Read(0, nil, 1, 100)
	l.Discard()
	if got := string(page.Records[0].Data); got != "first" {
		t.Errorf("record after Discard = %q, want %q", got, "first")
	}
	if info := l.Info(); info.Records != 0 || info.Bytes != 0 {
		t.Errorf("info after Discard = %+v, want nothing", info)
	}
}

func TestAppendTrimsWhatNobodyReads(t *testing.T) {
	t.Parallel()
	l := shardlog.New(identity, nil)
	e := shardlog.Entry{Data: make([]byte, 10_000)}
	for i := range int64(5000) {
		l.Append(&e, startMillis+i, startMillis+i-100)
	}
	if info := l.Info(); info.Records < 100 || info.Records > 300 || info.Bytes != info.Records*10_000 {
		t.Errorf("%d records and %d bytes held, want little more than the last 100 records", info.Records, info.Bytes)
	}
}

func TestBudgetDropsTheOldestChunksOfAllLogs(t *testing.T) {
	t.Parallel()
	const limit = 256 << 10
	budget := shardlog.NewBudget(limit)
	logs := make([]*shardlog.Log, 4)
	for i := range logs {
		logs[i] = shardlog.New(shardlog.Identity{Created: 1, Shard: uint32(i)}, budget)
	}
	data := string(make([]byte, 999))
	const each = 400
	for i := range each {
		for _, l := range logs {
			appendText(t, l, startMillis+int64(i), data)
		}
	}
	var held, records int64
	for _, l := range logs {
		info := l.Info()
		held += info.Bytes
		records += info.Records
		if info.Oldest < startMillis+each/2 {
			t.Errorf("a log still has a record of %d ms, others lost newer ones", info.Oldest-startMillis)
		}
	}
	if held > limit || held < limit/2 {
		t.Errorf("%d bytes held, want at most %d and not much less", held, limit)
	}
	dropped, bytes := budget.Dropped()
	if dropped+records != each*int64(len(logs)) || bytes+held != each*int64(len(logs))*1000 {
		t.Errorf("dropped %d records and %d bytes, held %d and %d: they do not add up", dropped, bytes, records, held)
	}
}

func TestReadersSeeEveryRecordOnceWhileOthersAppend(t *testing.T) {
	t.Parallel()
	const writers, each = 3, 3000
	l := shardlog.New(identity, nil)
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				appendText(t, l, startMillis+int64(i), fmt.Sprintf("%d-%d", w, i))
			}
		})
	}
	for range 2 {
		reading.Go(func() {
			var next [writers]int
			position, last := uint64(0), seqnum.Number{}
			for {
				<-l.Changed(position)
				page := l.Read(position, nil, 100, 1000)
				for _, rec := range page.Records {
					var w, i int
					if _, err := fmt.Sscanf(string(rec.Data), "%d-%d", &w, &i); err != nil || next[w] != i {
						t.Errorf("read %q after %d of that writer", rec.Data, next[w])
						return
					}
					if rec.Seq.Compare(last) <= 0 {
						t.Errorf("sequence number %s after %s", rec.Seq, last)
					}
					next[w]++
					last = rec.Seq
				}
				if position = page.Next; page.End {
					break
				}
			}
			for w, n := range next {
				if n != each {
					t.Errorf("%d records of writer %d, want %d", n, w, each)
				}
			}
		})
	}
	writing.Wait()
	l.Close()
	reading.Wait()
}

//nolint:paralleltest // it measures the heap
func TestMemoryIsNearThePayload(t *testing.T) {
	for _, c := range []struct {
		size  int
		limit float64
	}{{200, 1.2}, {1024, 1.1}, {50_000, 1.1}, {1 << 20, 1.1}} {
		l := shardlog.New(identity, nil)
		before := heap()
		e := shardlog.Entry{Data: make([]byte, c.size), Key: "0123456789", HasKey: true}
		n := 32 << 20 / c.size
		for i := range n {
			l.Append(&e, startMillis+int64(i), 0)
		}
		held := float64(heap() - before)
		payload := float64(n * (c.size + 10))
		if ratio := held / payload; ratio > c.limit {
			t.Errorf("%d records of %d bytes take %.3f times their payload, want at most %.2f", n, c.size, ratio, c.limit)
		} else {
			t.Logf("%d records of %d bytes take %.3f times their payload", n, c.size, ratio)
		}
		runtime.KeepAlive(l)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
