package aggregate_test

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/kinstream/kin/aggregate"
)

// The naive twin: a protobuf decoder that makes a list of everything, written from
// the description of the format and not from the package.

type twinField struct {
	id, wire int
	number   uint64
	bytes    []byte
}

var errTwin = errors.New("twin: not protobuf")

func twinVarint(r *bytes.Reader) (uint64, error) {
	v, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, errTwin
	}
	return v, nil
}

func twinFields(message []byte) ([]twinField, error) {
	var fields []twinField
	r := bytes.NewReader(message)
	for r.Len() > 0 {
		tag, err := twinVarint(r)
		if err != nil || tag/8 == 0 || tag/8 > 536870911 {
			return nil, errTwin
		}
		f := twinField{id: int(tag / 8), wire: int(tag % 8)}
		size := map[int]uint64{1: 8, 5: 4}[f.wire]
		switch f.wire {
		case 0:
			if f.number, err = twinVarint(r); err != nil {
				return nil, err
			}
		case 2:
			if size, err = twinVarint(r); err != nil {
				return nil, err
			}
		case 1, 5:
		default:
			return nil, errTwin
		}
		if size > uint64(r.Len()) {
			return nil, errTwin
		}
		f.bytes = make([]byte, size)
		_, _ = r.Read(f.bytes)
		fields = append(fields, f)
	}
	return fields, nil
}

// twinResult is a user record, or the reason why there is none.
type twinResult struct {
	rec aggregate.UserRecord
	err error
}

// twinDecode returns false for data that is not aggregated.
func twinDecode(data []byte) ([]twinResult, bool) {
	if len(data) < 4+1+16 || !bytes.HasPrefix(data, []byte{0xF3, 0x89, 0x9A, 0xC2}) {
		return nil, false
	}
	message := data[4 : len(data)-16]
	if sum := md5.Sum(message); !bytes.HasSuffix(data, sum[:]) {
		return nil, false
	}
	fields, err := twinFields(message)
	if err != nil {
		return nil, false
	}
	var results []twinResult
	for _, f := range fields {
		if f.id == 3 && f.wire == 2 {
			r := twinRecord(f.bytes, twinTable(fields, 1), twinTable(fields, 2))
			r.rec.Index = len(results)
			results = append(results, r)
		}
	}
	return results, true
}

func twinTable(fields []twinField, id int) []string {
	var list []string
	for _, f := range fields {
		if f.id == id && f.wire == 2 {
			list = append(list, string(f.bytes))
		}
	}
	return list
}

func twinRecord(message []byte, keys, hashKeys []string) twinResult {
	fields, err := twinFields(message)
	if err != nil {
		return twinResult{err: aggregate.ErrMalformed}
	}
	last := func(id, wire int) (twinField, bool) {
		for _, f := range slices.Backward(fields) {
			if f.id == id && f.wire == wire {
				return f, true
			}
		}
		return twinField{}, false
	}
	var r twinResult
	key, ok := last(1, 0)
	if !ok || key.number >= uint64(len(keys)) {
		return twinResult{err: aggregate.ErrNoPartitionKey}
	}
	r.rec.PartitionKey = keys[key.number]
	if hashKey, ok := last(2, 0); ok {
		if hashKey.number >= uint64(len(hashKeys)) {
			return twinResult{err: aggregate.ErrNoHashKey}
		}
		r.rec.ExplicitHashKey = hashKeys[hashKey.number]
	}
	data, ok := last(3, 2)
	if !ok {
		return twinResult{err: aggregate.ErrNoData}
	}
	r.rec.Data = data.bytes
	return r
}
