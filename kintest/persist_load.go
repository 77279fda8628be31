package kintest

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/journal"
)

// load makes the streams that the directory holds. The states come first, from the
// newest segment, so that the records of all segments find their shards.
func (d *diskJournal) load() error {
	states := decodedStates{accounts: d.server.accounts, streams: make(map[uint64]*keptStream)}
	if err := d.log.ReplayStates(states.visit); err != nil {
		return err
	}
	d.session = states.session
	loading := recordLoading{server: d.server, now: time.Now(), streams: make(map[uint64]*loadingStream)}
	for _, kept := range states.current(loading.now) {
		st, err := kept.restore(d.server)
		if err != nil {
			return fmt.Errorf("kintest: kept stream %s: %w", kept.Name, err)
		}
		d.server.add(st)
		loading.add(st)
	}
	if err := d.log.Replay(loading.visit); err != nil {
		return err
	}
	loading.finish()
	return nil
}

// current returns the streams that exist, the youngest first. Of two with the same
// name only the younger one does: the deletion of the other was not written any more.
func (d *decodedStates) current(now time.Time) []*keptStream {
	var streams []*keptStream
	for _, k := range d.streams {
		if k == nil || k.Phase == types.StreamStatusDeleting && !now.Before(k.Until) {
			continue
		}
		streams = append(streams, k)
	}
	slices.SortFunc(streams, func(a, b *keptStream) int { return b.Born.Compare(a.Born) })
	seen := make(map[streamKey]bool)
	return slices.DeleteFunc(streams, func(k *keptStream) bool {
		key := streamKey{k.Account, k.Region, k.Name}
		again := seen[key]
		seen[key] = true
		return again
	})
}

// recordLoading puts records into the streams that were restored.
type recordLoading struct {
	server  *Server
	now     time.Time
	streams map[uint64]*loadingStream // by nonce
}

type loadingStream struct {
	state   *streamState
	loaders []loader // by shard
}

func (l *recordLoading) add(st *stream) {
	state := st.state.Load()
	ls := &loadingStream{state: state, loaders: make([]loader, len(state.shards))}
	for i, sh := range state.shards {
		ls.loaders[i] = loader{log: sh.log, horizon: state.horizon(l.now).UnixMilli()}
	}
	l.streams[st.nonce] = ls
}

func (l *recordLoading) visit(e journal.Entry) error {
	if e.Kind != kindRecords {
		return fmt.Errorf("kintest: the directory has entries of kind %d: a newer version wrote it", e.Kind)
	}
	st := l.streams[e.Group]
	if st == nil {
		return nil // deleted
	}
	for rest := e.Payload; len(rest) > 0; {
		var r keptRecord
		var err error
		if r, rest, err = nextRecord(rest); err != nil {
			return err
		}
		if r.shard >= uint64(len(st.loaders)) {
			return fmt.Errorf("kintest: kept record of shard %d of a stream with %d shards", r.shard, len(st.loaders))
		}
		st.loaders[r.shard].add(r)
	}
	return nil
}

// finish closes the shards that are closed and drops what has expired.
func (l *recordLoading) finish() {
	for _, st := range l.streams {
		for i, sh := range st.state.shards {
			sh.log = st.loaders[i].finish(l.server.budget)
			sh.log.Trim(st.loaders[i].horizon)
			if sh.end != nil {
				sh.log.Close()
			}
		}
	}
}
