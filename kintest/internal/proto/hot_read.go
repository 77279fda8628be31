package proto

import "unsafe"

// maxEntries is how many records of a PutRecords request are kept: one more than the service allows, so that the operation
// sees that there are too many. The rest is read and forgotten, so that a hostile body can't cost more memory than it has bytes.
const maxEntries = 501

// ReadPutRecords reads body into in. Strings and bytes of in alias body, which may have been changed, also when an error is returned.
func (e Encoding) ReadPutRecords(body []byte, in *PutRecordsRequest) error {
	in.Reset()
	r := e.newReader(body)
	return readWhole(r, func(key []byte) (err error) {
		switch string(key) {
		case "Records":
			in.Records, err = readEntries(r, in.Records[:0])
			in.HasRecords = err == nil
		case "StreamName":
			in.StreamName, err = readOptional(r)
		case "StreamARN":
			in.StreamARN, err = readOptional(r)
		case "StreamId":
			in.StreamID, err = readOptional(r)
		case "DryRun":
			in.DryRun, err = readBool(r)
		default:
			err = readUnknown(r)
		}
		return err
	})
}

// ReadPutRecord reads body into in, which aliases it as with ReadPutRecords.
func (e Encoding) ReadPutRecord(body []byte, in *PutRecordRequest) error {
	in.Reset()
	r := e.newReader(body)
	return readWhole(r, func(key []byte) (err error) {
		switch string(key) {
		case "StreamName":
			in.StreamName, err = readOptional(r)
		case "StreamARN":
			in.StreamARN, err = readOptional(r)
		case "StreamId":
			in.StreamID, err = readOptional(r)
		case "SequenceNumberForOrdering":
			in.SequenceNumberForOrdering, err = readOptional(r)
		case "DryRun":
			in.DryRun, err = readBool(r)
		default:
			err = readEntryMember(r, key, &in.PutEntry)
		}
		return err
	})
}

// ReadGetRecords reads body into in, which aliases it as with ReadPutRecords.
func (e Encoding) ReadGetRecords(body []byte, in *GetRecordsRequest) error {
	in.Reset()
	r := e.newReader(body)
	return readWhole(r, func(key []byte) (err error) {
		switch string(key) {
		case "ShardIterator":
			in.ShardIterator, err = readOptional(r)
		case "StreamARN":
			in.StreamARN, err = readOptional(r)
		case "StreamId":
			in.StreamID, err = readOptional(r)
		case "DryRun":
			in.DryRun, err = readBool(r)
		case "Limit":
			in.Limit, err = readInt32(r)
		default:
			err = readUnknown(r)
		}
		return err
	})
}

// readWhole reads a body that is one object and nothing else.
func readWhole(r reader, member func(key []byte) error) error {
	if err := readMembers(r, new(int), member); err != nil {
		return err
	}
	if r.rest() != 0 {
		return errMalformed()
	}
	return nil
}

// readMembers walks an object and calls member for each that is not null. n is where it counts: the caller lends it, so that
// a batch of records needs one.
func readMembers(r reader, n *int, member func(key []byte) error) (err error) {
	if *n, err = r.object(); err != nil {
		return errUnlike(r, "structure", err)
	}
	for {
		key, more, err := r.member(n)
		if err != nil {
			return errMalformed()
		}
		if !more {
			return nil
		}
		if r.null() {
			continue
		}
		if err := member(key); err != nil {
			return err
		}
	}
}

func readEntries(r reader, dst []PutEntry) ([]PutEntry, error) {
	n, err := r.array()
	if err != nil {
		return dst, errUnlike(r, "list", err)
	}
	var entry PutEntry
	inner := new(int)
	member := func(key []byte) error { return readEntryMember(r, key, &entry) }
	for {
		more, err := r.element(&n)
		if err != nil {
			return dst, errMalformed()
		}
		if !more {
			return dst, nil
		}
		entry = PutEntry{}
		if !r.null() {
			if err := readMembers(r, inner, member); err != nil {
				return dst, err
			}
		}
		if len(dst) < maxEntries {
			dst = append(dst, entry)
		}
	}
}

func readEntryMember(r reader, key []byte, entry *PutEntry) (err error) {
	switch string(key) {
	case "Data":
		if entry.Data, err = r.blob(); err != nil {
			return errUnlike(r, "Blob", err)
		}
		entry.HasData = true
	case "PartitionKey":
		entry.PartitionKey, err = readString(r)
		entry.HasPartitionKey = err == nil
	case "ExplicitHashKey":
		entry.ExplicitHashKey, err = readString(r)
		entry.HasHashKey = err == nil
	default:
		err = readUnknown(r)
	}
	return err
}

// readString reads a string that aliases the body: it holds until the body's buffer is used again.
func readString(r reader) (string, error) {
	text, err := r.text()
	if err != nil {
		return "", errUnlike(r, "String", err)
	}
	return unsafe.String(unsafe.SliceData(text), len(text)), nil
}

func readOptional(r reader) (*string, error) {
	s, err := readString(r)
	return &s, err
}

func readBool(r reader) (bool, error) {
	b, err := r.boolean()
	if err != nil {
		return false, errUnlike(r, "Boolean", err)
	}
	return b, nil
}

func readInt32(r reader) (*int32, error) {
	v, err := r.integer()
	if err != nil {
		return nil, errUnlike(r, "Integer", err)
	}
	if v != int64(int32(v)) {
		return nil, &Error{Message: tokenNumber + " cannot be converted to Integer"}
	}
	return new(int32(v)), nil
}

func readUnknown(r reader) error {
	if r.skip() != nil {
		return errMalformed()
	}
	return nil
}
