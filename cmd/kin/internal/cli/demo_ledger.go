package cli

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/kinstream/kin"
)

// ledger is the account of a demo: what became of every record.
//
// How a record is identified. Lines of a text repeat, within a pass and from pass
// to pass, so the text of a record does not say which one it is. Each record
// therefore begins with its serial number, which is given out once and never
// again, in this process: a record that is read is the one with its number, whatever
// the server or the client say about it. That the number was not damaged is part
// of what is checked: the ledger keeps a 64-bit digest of shard, sequence number,
// partition key and data as the put result gave them, and one of what was read,
// and compares the two. They agree by accident with a chance of 2^-64 per record.
//
// The order of a record is that of its partition key, which follows from the
// serial number. A record is out of order if its sequence number is not above that
// of the record that was read before it with the same key, in whatever shard that
// one was. Since the digests agree, the sequence numbers that were read are those
// that the puts were answered with, so this is the order that the service gave to
// the puts of a key, followed across every reshard.
//
// Lost is what was put and never read; doubled is every reading of a record after
// the first; foreign is a record without a number that was given out.
//
// Who writes what: put callbacks write only the put digest of their own record,
// the one reader writes all that concerns reading. The total is taken when both
// have ended, so the entries need no lock.
type ledger struct {
	keys   []string // by serial number modulo their number
	seed   maphash.Seed
	chunks [ledgerChunks]atomic.Pointer[ledgerChunk]

	accepted atomic.Int64 // serial numbers given out; less than this are valid
	put      atomic.Int64 // answered as stored
	putBytes atomic.Int64
	failed   atomic.Int64 // answered as not stored
	firstErr atomic.Pointer[error]
	shards   shardCounts

	// Written by the reader's goroutine, read by the view.
	read      atomic.Int64 // all readings
	readBytes atomic.Int64
	doubled   atomic.Int64
	reordered atomic.Int64
	foreign   atomic.Int64

	lastOfKey [][]byte // sequence number of the last reading of each key
}

const (
	ledgerChunkLen = 1 << 16
	ledgerChunks   = 1 << 12 // 268 million records
)

type ledgerChunk [ledgerChunkLen]ledgerEntry

type ledgerEntry struct {
	put  uint64 // digest; 0 = not answered as stored
	read uint64 // digest of the first reading; 0 = not read
}

func newLedger(keys int) *ledger {
	l := &ledger{seed: maphash.MakeSeed(), keys: make([]string, keys), lastOfKey: make([][]byte, keys)}
	for i := range l.keys {
		l.keys[i] = fmt.Sprintf("key-%04d", i)
	}
	return l
}

// accept gives out the next serial number. It is for the feeder alone, and comes
// before the put of the record.
func (l *ledger) accept() int64 {
	serial := l.accepted.Load()
	if c := serial / ledgerChunkLen; l.chunks[c].Load() == nil {
		l.chunks[c].Store(new(ledgerChunk))
	}
	l.accepted.Store(serial + 1)
	return serial
}

// isFull reports whether there is no further serial number.
func (l *ledger) isFull() bool { return l.accepted.Load() == ledgerChunkLen*ledgerChunks }

func (l *ledger) key(serial int64) string { return l.keys[serial%int64(len(l.keys))] }

func (l *ledger) entry(serial int64) *ledgerEntry {
	return &l.chunks[serial/ledgerChunkLen].Load()[serial%ledgerChunkLen]
}

// answered takes the result of a put.
func (l *ledger) answered(serial int64, data []byte, result kin.PutResult, err error) {
	if err != nil {
		l.failed.Add(1)
		l.firstErr.CompareAndSwap(nil, &err)
		return
	}
	l.entry(serial).put = l.digest(result.ShardID, result.SequenceNumber, l.key(serial), data)
	l.put.Add(1)
	l.putBytes.Add(int64(len(data)))
	l.shards.of(result.ShardID).put.Add(1)
}

// sawRecord takes a record that was read.
func (l *ledger) sawRecord(rec *kin.Record) {
	l.read.Add(1)
	l.readBytes.Add(int64(len(rec.Data)))
	l.shards.of(rec.ShardID).read.Add(1)
	serial, ok := serialOf(rec.Data)
	if !ok || serial >= l.accepted.Load() {
		l.foreign.Add(1)
		return
	}
	e := l.entry(serial)
	if e.read != 0 {
		l.doubled.Add(1)
		return
	}
	e.read = l.digest(rec.ShardID, rec.SequenceNumber, rec.PartitionKey, rec.Data)
	last := &l.lastOfKey[serial%int64(len(l.keys))]
	if rec.SequenceNumber.Compare(kin.SequenceNumber(*last)) <= 0 {
		l.reordered.Add(1)
	}
	*last = append((*last)[:0], rec.SequenceNumber...)
}

// digest is never 0, which stands for none.
func (l *ledger) digest(shard kin.ShardID, seq kin.SequenceNumber, key string, data []byte) uint64 {
	const odd = 0x9e3779b97f4a7c15
	h := maphash.Bytes(l.seed, data)
	h = h*odd + maphash.String(l.seed, string(seq))
	h = h*odd + maphash.String(l.seed, key)
	h = h*odd + maphash.String(l.seed, string(shard))
	return max(h, 1)
}

// appendSerial is how a record begins: its number and a tab.
func appendSerial(b []byte, serial int64) []byte {
	return append(strconv.AppendInt(b, serial, 10), '\t')
}

func serialOf(data []byte) (int64, bool) {
	number, _, found := bytes.Cut(data, []byte{'\t'})
	if !found || len(number) == 0 || len(number) > 18 {
		return 0, false
	}
	serial := int64(0)
	for _, c := range number {
		if c < '0' || c > '9' {
			return 0, false
		}
		serial = serial*10 + int64(c-'0')
	}
	return serial, true
}

// total is the account when putting and reading have ended.
type ledgerTotal struct {
	put, failed, read                          int64
	lost, doubled, reordered, altered, foreign int64
}

func (t ledgerTotal) clean() bool {
	return t.put > 0 && t.read == t.put && t.failed+t.lost+t.doubled+t.reordered+t.altered+t.foreign == 0
}

// total walks over all records. Nothing may be put or read any more.
func (l *ledger) total() ledgerTotal {
	t := ledgerTotal{
		put: l.put.Load(), failed: l.failed.Load(), read: l.read.Load(),
		doubled: l.doubled.Load(), reordered: l.reordered.Load(), foreign: l.foreign.Load(),
	}
	for serial := range l.accepted.Load() {
		switch e := l.entry(serial); {
		case e.put != 0 && e.read == 0:
			t.lost++
		case e.put == 0 && e.read != 0:
			// Stored, although its put was answered with an error, or not at all.
			t.foreign++
		case e.put != e.read:
			t.altered++
		}
	}
	return t
}

// shardCounts counts records by shard.
type shardCounts struct {
	mu     sync.RWMutex // guards counts, not what they point to
	counts map[kin.ShardID]*shardCount
}

type shardCount struct {
	put, read atomic.Int64
}

func (s *shardCounts) of(shard kin.ShardID) *shardCount {
	s.mu.RLock()
	c := s.counts[shard]
	s.mu.RUnlock()
	if c != nil {
		return c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = make(map[kin.ShardID]*shardCount)
	}
	if s.counts[shard] == nil {
		// A copy: the name may be part of a whole answer's memory.
		s.counts[kin.ShardID(bytes.Clone([]byte(shard)))] = new(shardCount)
	}
	return s.counts[shard]
}

// list returns the shards in the order of their names.
func (s *shardCounts) list() []kin.ShardID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	ids := make([]kin.ShardID, 0, len(s.counts))
	for id := range s.counts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
