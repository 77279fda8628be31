package journal

import (
	"fmt"
)

// maxSpare is the largest buffer that is kept for later batches.
const maxSpare = 4 << 20

// batch is what calls of Append that overlap write together.
type batch struct {
	buf    []byte
	frames []frameNote
	done   chan struct{} // closed when the batch was written, or failed with err
	err    error
}

// frameNote is what is needed of a frame when it gets its place.
type frameNote struct {
	start int // in the buffer
	group uint64
	stamp int64
}

func newBatch(buf []byte) *batch {
	return &batch{buf: buf[:0], done: make(chan struct{})}
}

func (b *batch) add(e *Entry, sum uint32) {
	b.frames = append(b.frames, frameNote{len(b.buf), e.Group, e.Stamp})
	b.buf = appendFrame(b.buf, e, sum)
}

func (b *batch) finish(err error) {
	b.err = err
	close(b.done)
}

// isDone reports whether the batch was finished.
func (b *batch) isDone() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// Append writes entries, in this order and with nothing in between, and returns when
// they are in the file. It keeps nothing of what it is given. After an error the
// entries may be there when the journal is opened again, unless it is ErrClosed or
// ErrTooLarge.
func (j *Journal) Append(entries ...Entry) error {
	sums := make([]uint32, len(entries))
	for i := range entries {
		e := &entries[i]
		if len(e.Payload) > MaxPayload {
			return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, len(e.Payload), MaxPayload)
		}
		if e.Kind > MaxKind {
			return fmt.Errorf("journal: kind %d is above %d", e.Kind, MaxKind)
		}
		sums[i] = checksum(e.Payload)
	}
	b := j.gather(entries, sums)
	if b == nil {
		return ErrClosed
	}
	select {
	case <-b.done: // another call has written it
	case j.lead <- struct{}{}:
		if !b.isDone() {
			j.writeNext()
		}
		<-j.lead
	}
	return b.err
}

// gather adds entries to the next batch and returns it, or nil if the journal is closed.
func (j *Journal) gather(entries []Entry, sums []uint32) *batch {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	for i := range entries {
		j.next.add(&entries[i], sums[i])
	}
	return j.next
}

// writeNext writes the batch that has gathered. The caller has the lead.
func (j *Journal) writeNext() {
	b := j.take()
	if j.err == nil {
		j.err = j.write(b)
	}
	buf := b.buf
	b.finish(j.err)
	if cap(buf) <= maxSpare {
		j.spare = buf
	}
	if j.err == nil && j.size >= j.options.SegmentBytes {
		j.err = j.rotate()
	}
}

// take returns the batch that has gathered and begins another one.
func (j *Journal) take() *batch {
	fresh := newBatch(j.spare)
	j.spare = nil
	j.mu.Lock()
	defer j.mu.Unlock()
	b := j.next
	j.next = fresh
	return b
}

// write writes a batch to the newest segment.
func (j *Journal) write(b *batch) error {
	newest := j.segments[len(j.segments)-1]
	for _, f := range b.frames {
		sign(b.buf[f.start:], place{newest.number, j.size + int64(f.start)})
		newest.note(f.group, f.stamp)
	}
	if _, err := j.file.WriteAt(b.buf, j.size); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.size += int64(len(b.buf))
	if j.options.Sync {
		if err := j.file.Sync(); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	return nil
}
