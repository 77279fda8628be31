package kintest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/kinstream/kin/kintest/internal/journal"
)

// Persistence: what Config.Dir keeps.
//
// A diskJournal writes every change to a journal.Journal before the call that made it
// is answered, in entries of five kinds:
//
//	session    number of times that the directory was opened
//	account    settings of an account in a region
//	stream     all of a stream but its records, with a version
//	deleted    a stream is gone
//	records    records of one call; they live as long as the stream's retention says
//
// The first four are states in the journal's sense: the last one counts, and a
// snapshot of them begins each segment. What holds:
//
//   - Before records, the journal has a state of their stream that knows their shard:
//     if the call that made the shard has not written it yet, the one that puts does.
//   - A sequence number is never given twice, not even one that was seen and
//     not acknowledged when the process was killed: each session's counters
//     begin above all that an earlier one can have given out (see sessionCounters).
//   - Records of one shard may be in the journal in another order than their counters,
//     because calls overlap; loading sorts them (see loader).
//   - Not kept: what is gone with the process anyhow, like subscriptions, call logs,
//     faults, and the windows of daily quotas. Iterators are good until they expire.
const (
	kindSession = 1 + iota
	kindAccount
	kindStream
	kindDeleted
	kindRecords
)

// sessionCounters is how many records one session can add to a shard before its
// counters could meet those of the next.
const sessionCounters = 1 << 40

// diskJournal is the journal of a Server with a directory.
type diskJournal struct {
	server  *Server
	log     *journal.Journal
	session uint64
	buffers sync.Pool // *[]byte, for payloads

	failed sync.Once // the first failure is logged

	// byNonce are the streams of the index that was there when it was made. The journal
	// calls alive one at a time, and nothing else uses them.
	byNonce map[uint64]*stream
	index   *[]*stream
}

// openDir loads what the directory holds and makes the server write to it. It is
// called before the server is used.
func (s *Server) openDir() (err error) {
	d := &diskJournal{server: s}
	d.log, err = journal.Open(s.config.Dir, journal.Options{
		SegmentBytes: s.config.segmentBytes,
		Sync:         s.config.Sync,
		Snapshot:     d.snapshot,
		Alive:        d.alive,
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = d.log.Close()
		}
	}()
	if cut := d.log.Cut(); cut.Bytes > 0 {
		s.config.Logger.Warn("cut off what was not written completely when the server was last stopped; nothing of it was acknowledged",
			"dir", s.config.Dir, "file", cut.File, "offset", cut.Offset, "bytes", cut.Bytes)
	}
	if err := d.load(); err != nil {
		return err
	}
	d.session++
	if err := d.log.Append(d.sessionEntry()); err != nil {
		return err
	}
	for _, st := range s.streams() {
		for _, sh := range st.state.Load().open {
			sh.log.Advance(d.session * sessionCounters)
		}
	}
	if err := d.log.Prune(); err != nil {
		return err
	}
	s.journal = d
	return nil
}

// close implements keeper.
func (d *diskJournal) close() error { return d.log.Close() }

func (d *diskJournal) sessionEntry() journal.Entry {
	return journal.Entry{Kind: kindSession, Payload: binary.AppendUvarint(nil, d.session)}
}

// state implements keeper.
func (d *diskJournal) state(st *stream, state *streamState) {
	if state.gone {
		d.write(journal.Entry{Kind: kindDeleted, Payload: encodeDeleted(st.nonce)})
		return
	}
	if st.kept.Load() < state.version && d.write(streamEntry(st, state)) {
		st.keep(state.version)
	}
}

// account implements keeper.
func (d *diskJournal) account(key accountKey, a accountState) {
	d.write(accountEntry(key, a))
}

// write writes what nobody can be told the failure of. Calls that add records fail
// after it, because the journal does.
func (d *diskJournal) write(e journal.Entry) bool {
	err := d.log.Append(e)
	d.report(err)
	return err == nil
}

func (d *diskJournal) report(err error) {
	if err == nil {
		return
	}
	d.failed.Do(func() {
		d.server.config.Logger.Error("changes are not kept any more", "dir", d.server.config.Dir, "err", err)
	})
}

// appended implements keeper.
func (d *diskJournal) appended(st *stream, records []appended) error {
	buf, _ := d.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	*buf = appendRecords((*buf)[:0], records)
	newest := records[0].arrival
	for i := range records {
		newest = max(newest, records[i].arrival)
	}
	entries := []journal.Entry{{Kind: kindRecords, Group: st.nonce, Stamp: newest, Payload: *buf}}
	state := st.state.Load()
	stale := st.kept.Load() < state.version && !state.gone
	if stale {
		entries = []journal.Entry{streamEntry(st, state), entries[0]}
	}
	err := d.log.Append(entries...)
	if err == nil && stale {
		st.keep(state.version)
	}
	if cap(*buf) <= maxKeptBuffer {
		d.buffers.Put(buf)
	}
	d.report(err)
	return err
}

// maxKeptBuffer is the largest buffer that is kept for other payloads.
const maxKeptBuffer = 1 << 20

// keep notes that the journal has a state of the stream with at least that version.
func (st *stream) keep(version uint64) {
	for {
		kept := st.kept.Load()
		if version <= kept || st.kept.CompareAndSwap(kept, version) {
			return
		}
	}
}

// snapshot gives the journal all states.
func (d *diskJournal) snapshot(emit func(kind uint8, payload []byte)) {
	put := func(e journal.Entry) { emit(e.Kind, e.Payload) }
	put(d.sessionEntry())
	for key, a := range d.server.accountStates() {
		put(accountEntry(key, a))
	}
	for _, st := range d.server.streams() {
		if state := st.state.Load(); !state.gone {
			put(streamEntry(st, state))
		}
	}
}

// alive tells the journal whether records of a stream, the newest of which arrived at
// a time, can still be read.
func (d *diskJournal) alive(nonce uint64, arrival int64) bool {
	if index := d.server.index.Load(); index != d.index || d.byNonce == nil {
		d.index, d.byNonce = index, make(map[uint64]*stream)
		for _, st := range d.server.streams() {
			d.byNonce[st.nonce] = st
		}
	}
	st := d.byNonce[nonce]
	return st != nil && arrival >= st.state.Load().horizon(time.Now()).UnixMilli()
}

// accountStates returns a copy of the settings of all accounts.
func (s *Server) accountStates() map[accountKey]accountState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.accounts)
}

// mustJSON encodes what always can be.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("kintest: BUG: %T as JSON: %v", v, err))
	}
	return b
}
