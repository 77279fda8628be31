package aggregate

import (
	"slices"

	"github.com/kinstream/kin/internal/hashkey"
)

// Builder packs user records into one Kinesis record. The zero value is ready to
// use. A Builder keeps what it is given by reference until [Builder.Reset], so the
// caller leaves the data alone until it has been packed. One that is used again and
// again allocates nothing for user records, once it has seen as many as there are in the
// largest. It is not safe for concurrent use.
type Builder struct {
	keys, hashKeys table
	entries        []entry
	body           int  // size of the message
	wrapSingle     bool // the first record would be taken for aggregated if it were packed raw
}

type entry struct {
	data         []byte
	key, hashKey int32 // places in the tables; a hashKey of -1: none
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
	if len(b.entries) == 0 {
		b.wrapSingle = Is(rec.Data)
	}
	e, size := b.place(&rec)
	if int(e.key) == len(b.keys.list) {
		b.keys.add(rec.PartitionKey)
	}
	if int(e.hashKey) == len(b.hashKeys.list) {
		b.hashKeys.add(rec.ExplicitHashKey)
	}
	b.body += size
	b.entries = append(b.entries, e)
}

// place returns the entry that rec would get, and by how many bytes it would make the
// message longer. A key that is not in its table yet has the next place there.
func (b *Builder) place(rec *UserRecord) (e entry, size int) {
	key, known := b.keys.find(rec.PartitionKey)
	e = entry{data: rec.Data, key: int32(key), hashKey: -1}
	if !known {
		size += bytesSize(len(rec.PartitionKey))
	}
	if rec.ExplicitHashKey != "" {
		key, known = b.hashKeys.find(rec.ExplicitHashKey)
		e.hashKey = int32(key)
		if !known {
			size += bytesSize(len(rec.ExplicitHashKey))
		}
	}
	return e, size + bytesSize(e.size())
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
// changes nothing, and what it finds out about rec is not found out again by an Add of rec
// that follows.
func (b *Builder) SizeWith(rec UserRecord) int {
	if len(b.entries) == 0 && !Is(rec.Data) {
		return len(rec.Data)
	}
	_, size := b.place(&rec)
	return frameSize + b.body + size
}

// raw says whether Pack returns the data of the only user record.
func (b *Builder) raw() bool { return len(b.entries) == 1 && !b.wrapSingle }

// size returns the size of the Record message of e.
func (e *entry) size() int {
	n := 1 + uvarintSize(uint64(e.key)) + bytesSize(len(e.data))
	if e.hashKey >= 0 {
		n += 1 + uvarintSize(uint64(e.hashKey))
	}
	return n
}

// Pack returns the record to put, or the zero Packed if nothing was added. An
// aggregated record is appended to buf, which may be nil and grows at most once; the
// data of a single user record is returned as it was given. The Builder is not changed:
// Reset it for the next one.
func (b *Builder) Pack(buf []byte) Packed {
	if len(b.entries) == 0 {
		return Packed{}
	}
	p := b.pack()
	if p.ExplicitHashKey == "" {
		p.ExplicitHashKey = hashkey.Of(p.PartitionKey).String()
	}
	if p.Aggregated {
		p.Data = b.append(buf)
	}
	return p
}

// PackAt is Pack for a caller who knows the hash key of the first user record already:
// the number hi * 2^64 + lo, for example the MD5 of its partition key in two halves. It
// spares another MD5. An explicit hash key of that record is taken as it was given.
func (b *Builder) PackAt(buf []byte, hi, lo uint64) Packed {
	if len(b.entries) == 0 {
		return Packed{}
	}
	p := b.pack()
	if p.ExplicitHashKey == "" {
		p.ExplicitHashKey = hashkey.Key{Hi: hi, Lo: lo}.String()
	}
	if p.Aggregated {
		p.Data = b.append(buf)
	}
	return p
}

// pack is Pack with no more of a hash key than the first user record brings along, and
// without the data of an aggregated record.
func (b *Builder) pack() Packed {
	first := &b.entries[0]
	p := Packed{PartitionKey: b.keys.list[first.key], Aggregated: !b.raw()}
	if first.hashKey >= 0 {
		p.ExplicitHashKey = b.hashKeys.list[first.hashKey]
	}
	if !p.Aggregated {
		p.Data = first.data
	}
	return p
}

func (b *Builder) append(buf []byte) []byte {
	start := len(buf) + len(magic)
	buf = b.appendMessage(buf)
	sum := checksum(buf[start:])
	return append(buf, sum[:]...)
}

// appendMessage appends an aggregated record without its checksum, but makes room for it.
func (b *Builder) appendMessage(buf []byte) []byte {
	buf = slices.Grow(buf, frameSize+b.body)
	buf = append(buf, magic...)
	for _, key := range b.keys.list {
		buf = appendString(buf, tagPartitionKey, key)
	}
	for _, key := range b.hashKeys.list {
		buf = appendString(buf, tagHashKey, key)
	}
	for i := range b.entries {
		e := &b.entries[i]
		buf = appendNumber(append(buf, tagRecord), e.size())
		buf = appendNumber(append(buf, tagPartitionKeyIndex), int(e.key))
		if e.hashKey >= 0 {
			buf = appendNumber(append(buf, tagHashKeyIndex), int(e.hashKey))
		}
		buf = appendNumber(append(buf, tagData), len(e.data))
		buf = append(buf, e.data...)
	}
	return buf
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
