package dynamostore

import (
	"fmt"
	"strings"
	"time"

	"github.com/kinstream/kin/lease"
)

// The attributes of rows. They are short because each one is paid for with each row that is read.
const (
	attrVersion = "version"

	attrBeat     = "beat"
	attrStreams  = "streams"
	attrCapacity = "capacity"
	attrDraining = "draining"
	attrSeen     = "seen"
	attrTTL      = "ttl"
	attrBuild    = "build"
	attrJoined   = "joined"

	attrCreated = "created" // also of a group
	attrStart   = "start"
	attrSeeded  = "seeded"

	attrParents    = "parents"
	attrFrom       = "from"
	attrTo         = "to"
	attrOwner      = "owner"
	attrEpoch      = "epoch"
	attrRevision   = "revision"
	attrCheckpoint = "checkpoint"
	attrSaved      = "saved"
	attrPin        = "pin"
	attrLoad       = "load"
)

// milliseconds is the layout of the time of a checkpoint, which is written often.
const milliseconds = "2006-01-02T15:04:05.000Z07:00"

func putLease(u *update, l lease.Lease) {
	u.put(attrParents, unless(len(l.Parents) == 0, listValue(l.Parents)))
	u.put(attrFrom, unless(l.HashStart == "", textValue(l.HashStart)))
	u.put(attrTo, unless(l.HashEnd == "", textValue(l.HashEnd)))
	u.put(attrOwner, unless(l.Owner == "", textValue(l.Owner)))
	u.put(attrEpoch, numberValue(l.Epoch))
	u.put(attrRevision, numberValue(l.Revision))
	u.put(attrCheckpoint, unless(l.Checkpoint == "", textValue(string(l.Checkpoint))))
	u.put(attrSaved, unless(l.CheckpointAt.IsZero(), timeValue(l.CheckpointAt, milliseconds)))
	u.put(attrPin, unless(l.Pin == "", textValue(l.Pin)))
	u.put(attrLoad, unless(l.Load == 0, numberValue(l.Load)))
}

func decodeLease(i item) (lease.Lease, error) {
	row := keyOf(i).row
	k, ok := leaseKeyOf(strings.TrimPrefix(row, leasePrefix))
	if !ok {
		return lease.Lease{}, fmt.Errorf("row %s: no shard in the key", keyOf(i))
	}
	d := decoder{item: i}
	l := lease.Lease{
		Key:          k,
		Parents:      d.texts(attrParents),
		HashStart:    d.text(attrFrom),
		HashEnd:      d.text(attrTo),
		Owner:        d.text(attrOwner),
		Epoch:        d.number(attrEpoch),
		Revision:     d.number(attrRevision),
		Checkpoint:   lease.Checkpoint(d.text(attrCheckpoint)),
		CheckpointAt: d.time(attrSaved),
		Pin:          d.text(attrPin),
		Load:         int(d.number(attrLoad)),
	}
	if l.Revision < 1 {
		d.fail(attrRevision, "above 0")
	}
	return l, d.err
}

// putWorker puts what a worker's heartbeats write; joining writes the rest too.
func putWorker(u *update, w lease.Worker) {
	u.put(attrStreams, unless(len(w.Streams) == 0, listValue(w.Streams)))
	u.put(attrCapacity, unless(w.Capacity == 0, numberValue(w.Capacity)))
	u.put(attrSeen, numberValue(w.Seen))
}

func putNewWorker(u *update, w lease.Worker) {
	putWorker(u, w)
	u.put(attrBeat, numberValue(w.Beat))
	u.put(attrDraining, unless(!w.Draining, flagValue(true)))
	u.put(attrTTL, unless(w.TTL == 0, textValue(w.TTL.String())))
	u.put(attrBuild, unless(w.Build == "", textValue(w.Build)))
	u.put(attrJoined, unless(w.JoinedAt.IsZero(), timeValue(w.JoinedAt, time.RFC3339Nano)))
}

func decodeWorker(i item) (lease.Worker, error) {
	d := decoder{item: i}
	w := lease.Worker{
		ID:       strings.TrimPrefix(keyOf(i).row, workerPrefix),
		Beat:     d.number(attrBeat),
		Streams:  d.texts(attrStreams),
		Capacity: int(d.number(attrCapacity)),
		Draining: d.flag(attrDraining),
		Seen:     d.number(attrSeen),
		TTL:      d.duration(attrTTL),
		Build:    d.text(attrBuild),
		JoinedAt: d.time(attrJoined),
	}
	return w, d.err
}

func putStream(u *update, s lease.Stream) {
	u.put(attrCreated, unless(s.CreatedAt.IsZero(), timeValue(s.CreatedAt, time.RFC3339Nano)))
	u.put(attrStart, unless(s.Start == "", textValue(string(s.Start))))
	u.put(attrSeeded, unless(!s.Seeded, flagValue(true)))
	u.put(attrRevision, numberValue(s.Revision))
}

func decodeStream(i item) (lease.Stream, error) {
	d := decoder{item: i}
	s := lease.Stream{
		ARN:       strings.TrimPrefix(keyOf(i).row, streamPrefix),
		CreatedAt: d.time(attrCreated),
		Start:     lease.Checkpoint(d.text(attrStart)),
		Seeded:    d.flag(attrSeeded),
		Revision:  d.number(attrRevision),
	}
	if s.Revision < 1 {
		d.fail(attrRevision, "above 0")
	}
	return s, d.err
}

func decodeVersion(i item) (int64, error) {
	d := decoder{item: i}
	return d.number(attrVersion), d.err
}

// add puts what an item says into a snapshot. Rows of kinds that this version does not know are
// left out.
func add(s *lease.Snapshot, i item) error {
	row := keyOf(i).row
	switch {
	case row == versionRow:
		version, err := decodeVersion(i)
		s.Version = version
		return err
	case strings.HasPrefix(row, workerPrefix):
		w, err := decodeWorker(i)
		s.Workers = append(s.Workers, w)
		return err
	case strings.HasPrefix(row, streamPrefix):
		stream, err := decodeStream(i)
		s.Streams = append(s.Streams, stream)
		return err
	case strings.HasPrefix(row, leasePrefix):
		l, err := decodeLease(i)
		s.Leases = append(s.Leases, l)
		return err
	}
	return nil
}
