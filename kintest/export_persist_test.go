package kintest

import (
	"errors"
	"reflect"

	"github.com/kinstream/kin/kintest/internal/journal"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// WithSegments makes a configuration with small files.
func (c Config) WithSegments(bytes int64) Config {
	c.segmentBytes = bytes
	return c
}

// statelessKeeper forgets to write states, as a process does that is killed before.
type statelessKeeper struct{ keeper }

func (statelessKeeper) state(*stream, *streamState) {}

// LoseStates makes the server forget to write the states of streams by themselves.
func (s *Server) LoseStates() { s.journal = statelessKeeper{s.journal} }

// lossyKeeper does not write records.
type lossyKeeper struct{ keeper }

func (lossyKeeper) appended(*stream, []appended) error { return errors.New("not written") }

// LoseRecords makes the server keep no records any more.
func (s *Server) LoseRecords() { s.journal = lossyKeeper{s.journal} }

// BreakJournal makes all later changes fail to be kept.
func (s *Server) BreakJournal() { _ = s.journal.close() }

// Fields returns the names of the fields of all types that are kept.
func Fields() map[string][]string {
	fields := make(map[string][]string)
	for _, v := range []any{stream{}, streamState{}, shard{}, shardEnd{}, reshape{}, consumer{}, accountState{}} {
		t := reflect.TypeOf(v)
		for f := range t.Fields() {
			fields[t.Name()] = append(fields[t.Name()], f.Name)
		}
	}
	return fields
}

// LoadRecord is a record as the directory gives it back.
type LoadRecord struct {
	Counter uint64
	Arrival int64
	Data    string
}

// SessionCounters is how far the counters of two sessions are apart.
const SessionCounters = sessionCounters

// Load puts records into a log as loading a directory does, and returns what the log
// holds then, and its next counter.
func Load(records []LoadRecord, horizon int64) (held []LoadRecord, next uint64) {
	l := loader{log: shardlog.New(shardlog.Identity{Created: 1}, nil), horizon: horizon}
	for _, r := range records {
		data := []byte(r.Data)
		l.add(keptRecord{counter: r.Counter, arrival: r.Arrival, entry: shardlog.Entry{Data: data, Key: "k", HasKey: true}})
		clear(data) // the payload is lent
	}
	log := l.finish(nil)
	log.Trim(horizon)
	page := log.Read(0, nil, 1<<30, 1<<30)
	for i := range page.Records {
		parts, _ := page.Records[i].Seq.Parts()
		held = append(held, LoadRecord{parts.Counter, page.Records[i].Arrival, string(page.Records[i].Data)})
	}
	return held, log.Tip()
}

// ReadKept reads the payload of kept records and writes it again.
func ReadKept(payload []byte) (again []byte, ok bool) {
	var records []appended
	for rest := payload; len(rest) > 0; {
		var r keptRecord
		var err error
		if r, rest, err = nextRecord(rest); err != nil {
			return nil, false
		}
		records = append(records, appended{
			shard: &shard{index: uint32(r.shard)}, counter: r.counter, arrival: r.arrival, entry: r.entry,
		})
	}
	return appendRecords(nil, records), true
}

// KeptRecord is the payload of one record.
func KeptRecord(counter uint64, arrival int64, key, hashKey, data string) []byte {
	return appendRecords(nil, []appended{{
		shard: &shard{index: 3}, counter: counter, arrival: arrival,
		entry: shardlog.Entry{Data: []byte(data), Key: key, HasKey: true, HashKey: hashKey},
	}})
}

// ErrLocked is the error for a directory that is in use.
var ErrLocked = journal.ErrLocked
