package aggregate

import (
	"fmt"
	"iter"
	"strings"
)

// Aggregate is an aggregated record that [Parse] has read. It aliases the data that
// it was read from. It is safe for concurrent use.
type Aggregate struct {
	message       []byte // known to be a sequence of well-formed fields
	partitionKeys []string
	hashKeys      []string
	records       int
}

// Parse reads the data of a Kinesis record. It returns false if that is not an
// aggregated record: then data itself is the payload of one user record.
//
// Parse checks the frame, the checksum and the outer protobuf message. What is wrong
// with single user records is left to [Aggregate.Records] to report.
func Parse(data []byte) (Aggregate, bool) {
	message, ok := unframe(data)
	if !ok {
		return Aggregate{}, false
	}
	a := Aggregate{message: message}
	var keys, hashKeys, keyBytes int
	for rest := message; len(rest) > 0; {
		var tag uint64
		var value []byte
		if tag, _, value, rest, ok = next(rest); !ok {
			return Aggregate{}, false
		}
		switch tag {
		case tagPartitionKey:
			keys++
			keyBytes += len(value)
		case tagHashKey:
			hashKeys++
			keyBytes += len(value)
		case tagRecord:
			a.records++
		}
	}
	a.readTables(keys, hashKeys, keyBytes)
	return a, true
}

// readTables reads the tables, whose sizes and number of bytes are known. All
// keys share one new string, so that they do not alias data which the caller may
// change.
func (a *Aggregate) readTables(keys, hashKeys, keyBytes int) {
	var text strings.Builder
	text.Grow(keyBytes)
	table := make([]string, keys+hashKeys)
	a.partitionKeys = table[:0:keys]
	a.hashKeys = table[keys:keys]
	rest := a.message
	for len(a.partitionKeys) < keys || len(a.hashKeys) < hashKeys {
		var tag uint64
		var value []byte
		tag, _, value, rest, _ = next(rest)
		if tag != tagPartitionKey && tag != tagHashKey {
			continue
		}
		text.Write(value)
		key := text.String()[text.Len()-len(value):]
		if tag == tagPartitionKey {
			a.partitionKeys = append(a.partitionKeys, key)
		} else {
			a.hashKeys = append(a.hashKeys, key)
		}
	}
}

// Len returns the number of user records, bad ones included.
func (a Aggregate) Len() int { return a.records }

// Records yields the user records in the order in which they were packed. An error
// is always a [*RecordError] and concerns only the record in whose place it comes:
// the sequence goes on after it. The record that comes with an error has nothing
// but its index.
func (a Aggregate) Records() iter.Seq2[UserRecord, error] {
	return func(yield func(UserRecord, error) bool) {
		index := 0
		for rest := a.message; len(rest) > 0; {
			var tag uint64
			var value []byte
			if tag, _, value, rest, _ = next(rest); tag != tagRecord {
				continue
			}
			rec, err := a.record(value)
			rec.Index = index
			if err != nil {
				rec, err = UserRecord{Index: index}, &RecordError{Index: index, Err: err}
			}
			if !yield(rec, err) {
				return
			}
			index++
		}
	}
}

// record reads one user record.
func (a *Aggregate) record(b []byte) (rec UserRecord, err error) {
	var key, hashKey uint64
	var hasKey, hasHashKey, hasData bool
	for len(b) > 0 {
		tag, number, value, rest, ok := next(b)
		if !ok {
			return rec, ErrMalformed
		}
		b = rest
		switch tag {
		case tagPartitionKeyIndex:
			key, hasKey = number, true
		case tagHashKeyIndex:
			hashKey, hasHashKey = number, true
		case tagData:
			rec.Data, hasData = value, true
		}
	}
	switch {
	case !hasKey:
		return rec, fmt.Errorf("%w: the record has no index", ErrNoPartitionKey)
	case key >= uint64(len(a.partitionKeys)):
		return rec, fmt.Errorf("%w: index %d of %d", ErrNoPartitionKey, key, len(a.partitionKeys))
	case hasHashKey && hashKey >= uint64(len(a.hashKeys)):
		return rec, fmt.Errorf("%w: index %d of %d", ErrNoHashKey, hashKey, len(a.hashKeys))
	case !hasData:
		return rec, ErrNoData
	}
	rec.PartitionKey = a.partitionKeys[key]
	if hasHashKey {
		rec.ExplicitHashKey = a.hashKeys[hashKey]
	}
	return rec, nil
}
