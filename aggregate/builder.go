package aggregate

import (
	"encoding/binary"
	"math/big"
	"slices"
)

// Builder packs user records into one Kinesis record. The zero value is ready to
// use. A Builder keeps what it is given by reference until [Builder.Reset], so the
// caller leaves the data alone until it has been packed. It is not safe for
// concurrent use.
type Builder struct {
	keys, hashKeys table
	entries        []entry
	body           int  // size of the message
	wrapSingle     bool // the first record would be taken for aggregated if it were packed raw
}

type entry struct {
	key     int
	hashKey int // -1: none
	data    []byte
}

// table is a list of strings without duplicates.
type table struct {
	list  []string
	index map[string]int
}

func (t *table) find(s string) (i int, known bool) {
	if i, known = t.index[s]; known {
		return i, true
	}
	return len(t.list), false
}

func (t *table) add(s string) int {
	i, known := t.find(s)
	if !known {
		if t.index == nil {
			t.index = make(map[string]int)
		}
		t.index[s] = i
		t.list = append(t.list, s)
	}
	return i
}

func (t *table) reset() {
	clear(t.index)
	clear(t.list)
	t.list = t.list[:0]
}

// Packed is what a [Builder] makes: one Kinesis record.
type Packed struct {
	// PartitionKey is the partition key of the first user record.
	PartitionKey string

	// ExplicitHashKey is the hash key of the first user record, in decimal: its
	// explicit one, else that of its partition key. Put the record with it: it is
	// what decides about the shard.
	ExplicitHashKey string

	// Data is the aggregated record, or the data of the only user record.
	Data []byte

	// Aggregated is false if Data is the data of the only user record.
	Aggregated bool
}

// Add adds a user record. The Builder checks nothing: neither its own size nor
// that the partition key has 1 to 256 characters and the explicit hash key is empty
// or a decimal number below 2^128, which the service wants of the first record.
func (b *Builder) Add(rec UserRecord) {
	b.body += b.cost(rec)
	if len(b.entries) == 0 {
		b.wrapSingle = Is(rec.Data)
	}
	e := entry{key: b.keys.add(rec.PartitionKey), hashKey: -1, data: rec.Data}
	if rec.ExplicitHashKey != "" {
		e.hashKey = b.hashKeys.add(rec.ExplicitHashKey)
	}
	b.entries = append(b.entries, e)
}

// Len returns the number of user records added.
func (b *Builder) Len() int { return len(b.entries) }

// Size returns the exact size of the data that Pack would return now. The service
// counts the partition key in addition.
func (b *Builder) Size() int {
	switch {
	case len(b.entries) == 0:
		return 0
	case b.raw():
		return len(b.entries[0].data)
	default:
		return frameSize + b.body
	}
}

// SizeWith returns the exact size that Size would return if rec were added. It
// changes nothing.
func (b *Builder) SizeWith(rec UserRecord) int {
	if len(b.entries) == 0 && !Is(rec.Data) {
		return len(rec.Data)
	}
	return frameSize + b.body + b.cost(rec)
}

// raw says whether Pack returns the data of the only user record.
func (b *Builder) raw() bool { return len(b.entries) == 1 && !b.wrapSingle }

// cost returns by how many bytes rec makes the message longer.
func (b *Builder) cost(rec UserRecord) int {
	key, known := b.keys.find(rec.PartitionKey)
	e := entry{key: key, hashKey: -1, data: rec.Data}
	n := 0
	if !known {
		n += bytesSize(len(rec.PartitionKey))
	}
	if rec.ExplicitHashKey != "" {
		if e.hashKey, known = b.hashKeys.find(rec.ExplicitHashKey); !known {
			n += bytesSize(len(rec.ExplicitHashKey))
		}
	}
	return n + bytesSize(e.size())
}

// size returns the size of the Record message of e.
func (e *entry) size() int {
	n := 1 + uvarintSize(uint64(e.key)) + bytesSize(len(e.data))
	if e.hashKey >= 0 {
		n += 1 + uvarintSize(uint64(e.hashKey))
	}
	return n
}

// Pack returns the record to put, or the zero Packed if nothing was added. An
// aggregated record is appended to buf, which may be nil; the data of a single user
// record is returned as it was given. The Builder is not changed: Reset it for the
// next one.
func (b *Builder) Pack(buf []byte) Packed {
	if len(b.entries) == 0 {
		return Packed{}
	}
	first := b.entries[0]
	p := Packed{PartitionKey: b.keys.list[first.key]}
	if first.hashKey >= 0 {
		p.ExplicitHashKey = b.hashKeys.list[first.hashKey]
	} else {
		p.ExplicitHashKey = hashKey(p.PartitionKey)
	}
	if b.raw() {
		p.Data = first.data
		return p
	}
	p.Data, p.Aggregated = b.append(buf), true
	return p
}

func (b *Builder) append(buf []byte) []byte {
	buf = slices.Grow(buf, frameSize+b.body)
	buf = append(buf, magic...)
	start := len(buf)
	for _, key := range b.keys.list {
		buf = appendString(buf, tagPartitionKey, key)
	}
	for _, key := range b.hashKeys.list {
		buf = appendString(buf, tagHashKey, key)
	}
	for i := range b.entries {
		e := &b.entries[i]
		buf = binary.AppendUvarint(append(buf, tagRecord), uint64(e.size()))
		buf = binary.AppendUvarint(append(buf, tagPartitionKeyIndex), uint64(e.key))
		if e.hashKey >= 0 {
			buf = binary.AppendUvarint(append(buf, tagHashKeyIndex), uint64(e.hashKey))
		}
		buf = binary.AppendUvarint(append(buf, tagData), uint64(len(e.data)))
		buf = append(buf, e.data...)
	}
	sum := checksum(buf[start:])
	return append(buf, sum[:]...)
}

// hashKey returns the hash key that the service gives to a partition key: its MD5
// as a decimal number.
func hashKey(partitionKey string) string {
	sum := checksum([]byte(partitionKey))
	return new(big.Int).SetBytes(sum[:]).String()
}

// Reset forgets the user records, so that the Builder can pack others. It keeps its
// own memory for them, but none of the caller's.
func (b *Builder) Reset() {
	b.keys.reset()
	b.hashKeys.reset()
	clear(b.entries)
	b.entries = b.entries[:0]
	b.body, b.wrapSingle = 0, false
}
