package journal

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
)

// Options say how a [Journal] behaves.
type Options struct {
	// SegmentBytes is the size after which a segment is full. A low value frees disk
	// space sooner and writes more snapshots. Defaults to 64 MiB.
	SegmentBytes int64

	// Sync makes Append wait until the disk has what was written, so that an answered
	// entry survives a power failure as well. It costs the time of an fsync for
	// each write that calls share.
	Sync bool

	// Snapshot calls emit for each state that there is, when a new segment is begun.
	// It is called by some call of Append, without locks, and must not call the
	// Journal. Everything that was appended as a state before must be in it. Nil means
	// that there are no states.
	Snapshot func(emit func(kind uint8, payload []byte))

	// Alive reports whether entries of a group, of which the newest in some segment has
	// the stamp, are still needed. It is called as Snapshot is. Nil means that all are.
	Alive func(group uint64, stamp int64) bool
}

// Journal is an open journal. Make one with [Open], replay it, append to it, Close
// it. It is safe for concurrent use, but the replays come before the first Append.
type Journal struct {
	root    *os.Root
	options Options
	lock    *os.File
	cut     Cut

	mu     sync.Mutex // guards what follows; never held during I/O
	next   *batch     // what gathers for the next write
	closed bool

	// lead has room for one token. Who has put it there writes, and owns what follows.
	lead     chan struct{}
	file     *os.File
	size     int64      // of file
	segments []*segment // ascending; the last one is written to
	spare    []byte     // for the buffer of a batch
	err      error      // of the first write that failed; all later ones fail with it
}

// Open opens the journal in a directory, which it makes if it is not there, and checks
// the newest segment. A frame at its end that was not written completely is cut off; see
// [Journal.Cut]. The error is ErrLocked, a CorruptError, or one of the file system.
func Open(dir string, options Options) (_ *Journal, err error) {
	if options.SegmentBytes <= 0 {
		options.SegmentBytes = 64 << 20
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &Journal{root: root, options: options, next: newBatch(nil), lead: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			j.release()
		}
	}()
	if j.lock, err = lockFile(root); err != nil {
		return nil, err
	}
	numbers, unfinished, err := j.names()
	if err != nil {
		return nil, err
	}
	for _, name := range unfinished {
		if err := root.Remove(name); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	if len(numbers) == 0 {
		return j, j.begin(1, nil)
	}
	slices.Sort(numbers)
	return j, j.openNewest(numbers)
}

// openNewest checks the newest of the segments that are there, and by what it says,
// whether they are those that ought to be there.
func (j *Journal) openNewest(numbers []uint64) error {
	newest := newSegment(numbers[len(numbers)-1])
	var live []uint64
	found, err := j.read(newest.number, true, func(e Entry) error {
		newest.note(e.Group, e.Stamp)
		return trackLive(&live, e)
	})
	if err != nil {
		return err
	}
	for _, number := range live {
		if !slices.Contains(numbers, number) {
			return &CorruptError{File: segmentName(number), Reason: "the file is missing"}
		}
		j.segments = append(j.segments, &segment{number: number})
	}
	j.segments = append(j.segments, newest)
	if j.file, err = j.root.OpenFile(segmentName(newest.number), os.O_RDWR, 0); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.size = found.end
	if found.torn {
		j.cut = Cut{File: segmentName(newest.number), Offset: found.end, Bytes: found.size - found.end}
		if err := j.file.Truncate(found.end); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	// Segments that were declared dead before the process ended are still there.
	for _, number := range numbers[:len(numbers)-1] {
		if !slices.Contains(live, number) {
			if err := j.root.Remove(segmentName(number)); err != nil {
				return fmt.Errorf("journal: %w", err)
			}
		}
	}
	return nil
}

// trackLive keeps the list of older segments that the entries of the newest one tell.
func trackLive(live *[]uint64, e Entry) error {
	if e.Kind != kindLive && e.Kind != kindDeleted {
		return nil
	}
	list, ok := numbers(e.Payload)
	if !ok {
		return errors.New("journal: a list of segments has a bad length")
	}
	if e.Kind == kindLive {
		*live = list
		return nil
	}
	*live = slices.DeleteFunc(*live, func(n uint64) bool { return slices.Contains(list, n) })
	return nil
}

// Cut reports what Open cut off.
func (j *Journal) Cut() Cut { return j.cut }

// ReplayStates calls visit for the entries of group 0 that are not superfluous: those of
// the newest segment, snapshot first. An error of visit ends the replay and is returned.
func (j *Journal) ReplayStates(visit func(Entry) error) error {
	newest := j.segments[len(j.segments)-1]
	_, err := j.read(newest.number, false, func(e Entry) error {
		if e.Group != 0 || e.Kind > MaxKind {
			return nil
		}
		return visit(e)
	})
	return err
}

// Replay calls visit for all entries of other groups than 0, in the order in which
// they were written. An error of visit ends the replay and is returned. Segments can be
// deleted only after a replay has read them to their end.
func (j *Journal) Replay(visit func(Entry) error) error {
	for i, s := range j.segments {
		fresh := newSegment(s.number)
		_, err := j.read(s.number, false, func(e Entry) error {
			if e.Group == 0 || e.Kind > MaxKind {
				return nil
			}
			fresh.note(e.Group, e.Stamp)
			return visit(e)
		})
		if err != nil {
			return err
		}
		j.segments[i] = fresh
	}
	return nil
}

// Close waits for the calls of Append that write, syncs, and lets go of the
// directory. Later calls of Append fail with ErrClosed.
func (j *Journal) Close() error {
	j.lead <- struct{}{}
	defer func() { <-j.lead }()
	if !j.markClosed() {
		return nil
	}
	j.next.finish(ErrClosed) // nobody adds to it any more
	err := j.file.Sync()
	j.release()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// markClosed reports whether the journal was open.
func (j *Journal) markClosed() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	was := !j.closed
	j.closed = true
	return was
}

func (j *Journal) isClosed() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.closed
}

// release lets go of the files that are open.
func (j *Journal) release() {
	if j.file != nil {
		_ = j.file.Close()
	}
	if j.lock != nil {
		unlockFile(j.lock)
	}
	_ = j.root.Close()
}
