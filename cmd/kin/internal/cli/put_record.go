package cli

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/kinstream/kin"
)

// recordMaker turns lines of input into records.
type recordMaker struct {
	key       string // of every record; "" = from keyField, or random
	hashKey   string // of every record; "" = from the partition key
	json      bool   // each line must be a JSON object
	keyField  string // field with the partition key; "" = random
	dataField string // field with the data; "" = the whole line
}

// base64Suffix is what the name of a field ends with whose data is base64, as
// kin tail -o json writes data that is no text.
const base64Suffix = "_base64"

func (m *recordMaker) record(text []byte) (kin.UserRecord, error) {
	rec := kin.UserRecord{PartitionKey: m.key, ExplicitHashKey: m.hashKey, Data: text}
	if m.json {
		var fields map[string]json.RawMessage
		err := json.Unmarshal(text, &fields)
		if other, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return rec, fmt.Errorf("not a JSON object: %s", other.Value)
		}
		if err != nil {
			return rec, fmt.Errorf("not a JSON object: %w", err)
		}
		if fields == nil {
			return rec, errors.New("not a JSON object: null")
		}
		if m.keyField != "" {
			if rec.PartitionKey, err = stringField(fields, m.keyField); err != nil {
				return rec, err
			}
			if rec.PartitionKey == "" {
				return rec, fmt.Errorf("field %q is empty, and a partition key must not be", m.keyField)
			}
		}
		if m.dataField != "" {
			if rec.Data, err = dataField(fields, m.dataField); err != nil {
				return rec, err
			}
		}
	}
	if rec.PartitionKey == "" && m.keyField == "" {
		// Any key will do, and a random one spreads the records over the shards.
		rec.PartitionKey = strconv.FormatUint(rand.Uint64(), 36)
	}
	return rec, nil
}

// stringField is the value of a field, as text: a string without its quotes, or
// a number or a boolean as it is written.
func stringField(fields map[string]json.RawMessage, name string) (string, error) {
	raw, ok := fields[name]
	if !ok {
		return "", fmt.Errorf("no field %q", name)
	}
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case '{', '[', 'n':
		return "", fmt.Errorf("field %q is neither a string nor a number", name)
	}
	return string(raw), nil
}

// dataField is the value of a field, as data: the bytes of a string, the bytes
// that a base64 field stands for, or any other value as JSON.
func dataField(fields map[string]json.RawMessage, name string) ([]byte, error) {
	raw, ok := fields[name]
	if !ok {
		if encoded, ok := fields[name+base64Suffix]; ok {
			var text string
			if err := json.Unmarshal(encoded, &text); err != nil {
				return nil, fmt.Errorf("field %q is not a string", name+base64Suffix)
			}
			data, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return nil, fmt.Errorf("field %q: %w", name+base64Suffix, err)
			}
			return data, nil
		}
		return nil, fmt.Errorf("no field %q", name)
	}
	if raw[0] != '"' {
		return raw, nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return []byte(s), err
}
