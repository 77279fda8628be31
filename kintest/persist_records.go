package kintest

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// Records as they are kept, one after the other, numbers as varints:
//
//	shard, counter, arrival, flags, length of key, of hash key, of data, key, hash key, data

const (
	keptKey = 1 << iota // there is a partition key
	keptKMS
)

func appendRecords(b []byte, records []appended) []byte {
	for i := range records {
		r := &records[i]
		e := &r.entry
		var flags byte
		if e.HasKey {
			flags |= keptKey
		}
		if e.KMS {
			flags |= keptKMS
		}
		b = binary.AppendUvarint(b, uint64(r.shard.index))
		b = binary.AppendUvarint(b, r.counter)
		b = binary.AppendVarint(b, r.arrival)
		b = append(b, flags)
		b = binary.AppendUvarint(b, uint64(len(e.Key)))
		b = binary.AppendUvarint(b, uint64(len(e.HashKey)))
		b = binary.AppendUvarint(b, uint64(len(e.Data)))
		b = append(b, e.Key...)
		b = append(b, e.HashKey...)
		b = append(b, e.Data...)
	}
	return b
}

// keptRecord is one of them. Its data aliases the payload.
type keptRecord struct {
	shard   uint64
	counter uint64
	arrival int64
	entry   shardlog.Entry
}

var errKeptRecord = errors.New("kintest: kept records are not complete")

// nextRecord reads the first record of b and returns what follows.
func nextRecord(b []byte) (r keptRecord, rest []byte, err error) {
	ok := true
	number := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			ok, b = false, nil
			return 0
		}
		b = b[n:]
		return v
	}
	bytes := func(n uint64) []byte {
		if n > uint64(len(b)) {
			ok, b = false, nil
			return nil
		}
		part := b[:n:n]
		b = b[n:]
		return part
	}
	r.shard = number()
	r.counter = number()
	arrival := number()
	r.arrival = int64(arrival>>1) ^ -int64(arrival&1)
	flags := number()
	key, hashKey, data := number(), number(), number()
	r.entry = shardlog.Entry{
		Key:     string(bytes(key)),
		HashKey: string(bytes(hashKey)),
		Data:    bytes(data),
		HasKey:  flags&keptKey != 0,
		KMS:     flags&keptKMS != 0,
	}
	if !ok {
		return r, nil, errKeptRecord
	}
	return r, b, nil
}

// A loader puts the records of one shard into its log in the order of their counters.
//
// They come nearly in order: calls that overlap may have been written in another order
// than they were placed. What comes too early waits in a window. A counter that does not
// come at all was never acknowledged, or its segment is deleted because it
// expired: when the window is full, the loader goes on behind the gap. Should the missing
// counter come after all, the log is made anew at the end.
type loader struct {
	log     *shardlog.Log
	horizon int64

	early      []keptRecord // ascending counters, all above the log's next
	earlyBytes int
	late       []keptRecord // counters below the log's next
}

// Bounds of the window of a loader.
const (
	windowRecords = 4096
	windowBytes   = 16 << 20
)

func (l *loader) add(r keptRecord) {
	next := l.log.Tip()
	if base := r.counter / sessionCounters * sessionCounters; base > next {
		// The first record of a later session: nothing of earlier ones comes any more.
		l.skipTo(base)
		next = l.log.Tip()
	}
	switch {
	case r.counter == next:
		l.append(r)
		l.drain()
	case r.counter < next:
		l.late = append(l.late, r.clone())
	default:
		l.wait(r)
	}
}

func (l *loader) wait(r keptRecord) {
	i, _ := slices.BinarySearchFunc(l.early, r, compareCounters)
	l.early = slices.Insert(l.early, i, r.clone())
	l.earlyBytes += len(r.entry.Data)
	if len(l.early) > windowRecords || l.earlyBytes > windowBytes {
		l.log.Advance(l.early[0].counter)
		l.drain()
	}
}

// drain appends what waits and comes next.
func (l *loader) drain() {
	n := 0
	for n < len(l.early) && l.early[n].counter == l.log.Tip() {
		l.append(l.early[n])
		l.earlyBytes -= len(l.early[n].entry.Data)
		n++
	}
	if n > 0 {
		l.early = slices.Delete(l.early, 0, n)
	}
}

// skipTo appends what waits below a counter and goes on from there.
func (l *loader) skipTo(counter uint64) {
	for len(l.early) > 0 && l.early[0].counter < counter {
		l.log.Advance(l.early[0].counter)
		l.drain()
	}
	l.log.Advance(counter)
	l.drain()
}

func (l *loader) append(r keptRecord) { l.log.Append(&r.entry, r.arrival, l.horizon) }

// finish appends what still waits, and returns the log, which may be another one.
func (l *loader) finish(budget *shardlog.Budget) *shardlog.Log {
	if n := len(l.early); n > 0 {
		l.skipTo(l.early[n-1].counter + 1)
	}
	if len(l.late) == 0 {
		return l.log
	}
	all := l.late
	page := l.log.Read(0, nil, int(l.log.Info().Records), int(l.log.Info().Bytes)+1)
	for i := range page.Records {
		rec := &page.Records[i]
		parts, _ := rec.Seq.Parts()
		all = append(all, keptRecord{counter: parts.Counter, arrival: rec.Arrival, entry: shardlog.Entry{
			Data: rec.Data, Key: string(rec.Key), HashKey: string(rec.HashKey), HasKey: rec.Key != nil, KMS: rec.KMS,
		}})
	}
	slices.SortFunc(all, compareCounters)
	next := l.log.Tip()
	fresh := &loader{log: shardlog.New(l.log.Identity(), budget), horizon: l.horizon}
	for _, r := range all {
		fresh.log.Advance(r.counter)
		fresh.append(r)
	}
	fresh.log.Advance(next)
	l.log.Discard()
	return fresh.log
}

func compareCounters(a, b keptRecord) int { return cmp.Compare(a.counter, b.counter) }

func (r keptRecord) clone() keptRecord {
	r.entry.Data = slices.Clone(r.entry.Data)
	return r
}
