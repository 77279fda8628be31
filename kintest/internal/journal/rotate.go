package journal

import (
	"bufio"
	"fmt"
	"os"
	"slices"
)

// rotate begins a new segment and deletes the older ones of which nothing lives.
// The caller has the lead.
func (j *Journal) rotate() error {
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	full := j.file
	last := j.segments[len(j.segments)-1]
	if err := j.begin(last.number+1, j.options.Snapshot); err != nil {
		return err
	}
	if err := full.Close(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return j.dropDead()
}

// begin makes the newest segment. Its file gets its name when the head is complete
// and on disk.
func (j *Journal) begin(number uint64, snapshot func(func(uint8, []byte))) error {
	unfinished := segmentName(number) + newSuffix
	size, err := j.writeHead(unfinished, number, snapshot)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := j.root.Rename(unfinished, segmentName(number)); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := syncDir(j.root); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	file, err := j.root.OpenFile(segmentName(number), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.file, j.size = file, size
	j.segments = append(j.segments, newSegment(number))
	return nil
}

// writeHead writes the file of a new segment up to the end of its head and returns
// its size.
func (j *Journal) writeHead(name string, number uint64, snapshot func(func(uint8, []byte))) (_ int64, err error) {
	file, err := j.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return 0, err
	}
	defer func() {
		if cerr := file.Close(); err == nil {
			err = cerr
		}
	}()
	h := headWriter{w: bufio.NewWriterSize(file, 256<<10), at: place{number, int64(segmentHeader)}}
	_, _ = h.w.Write(appendNumbers([]byte(segmentMagic), number)) // Flush returns the error
	var older []byte
	for _, s := range j.segments {
		older = appendNumbers(older, s.number)
	}
	h.frame(Entry{Kind: kindLive, Payload: older})
	if snapshot != nil {
		snapshot(func(kind uint8, payload []byte) { h.state(kind, payload) })
	}
	h.frame(Entry{Kind: kindHeadEnd})
	if h.err != nil {
		return 0, h.err
	}
	if err := h.w.Flush(); err != nil {
		return 0, err
	}
	return h.at.offset, file.Sync()
}

// headWriter writes frames to a new segment.
type headWriter struct {
	w   *bufio.Writer // keeps the error of the first write that failed
	at  place
	buf []byte
	err error
}

// state writes a frame of the snapshot.
func (h *headWriter) state(kind uint8, payload []byte) {
	switch {
	case kind > MaxKind:
		h.err = fmt.Errorf("kind %d in a snapshot is above %d", kind, MaxKind)
	case len(payload) > MaxPayload:
		h.err = fmt.Errorf("%w: %d bytes in a snapshot", ErrTooLarge, len(payload))
	default:
		h.frame(Entry{Kind: kind, Payload: payload})
	}
}

func (h *headWriter) frame(e Entry) {
	h.buf = appendFrame(h.buf[:0], &e, checksum(e.Payload))
	sign(h.buf, h.at)
	_, _ = h.w.Write(h.buf)
	h.at.offset += int64(len(h.buf))
}

// Prune deletes the segments of which nothing lives, as every new segment does anyway.
// It is for the time after a replay, when much may have died since the last run.
func (j *Journal) Prune() error {
	j.lead <- struct{}{}
	defer func() { <-j.lead }()
	switch {
	case j.isClosed():
		return ErrClosed
	case j.err == nil:
		j.err = j.dropDead()
	}
	return j.err
}

// dropDead deletes the segments of which nothing lives: first on record, so that a
// missing file is known to be missing rightly, then on disk. A file that can not be
// deleted now is deleted by the next Open.
func (j *Journal) dropDead() error {
	if j.options.Alive == nil {
		return nil
	}
	var dead []uint64
	newest := j.segments[len(j.segments)-1]
	j.segments = slices.DeleteFunc(j.segments, func(s *segment) bool {
		if s == newest || s.alive(j.options.Alive) {
			return false
		}
		dead = append(dead, s.number)
		return true
	})
	if len(dead) == 0 {
		return nil
	}
	b := newBatch(nil)
	e := Entry{Kind: kindDeleted, Payload: appendNumbers(nil, dead...)}
	b.add(&e, checksum(e.Payload))
	if err := j.write(b); err != nil {
		return err
	}
	for _, number := range dead {
		_ = j.root.Remove(segmentName(number))
	}
	return nil
}
