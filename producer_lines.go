package kin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
)

// LineWriter puts each line that is written to it as a record. It is an [io.WriteCloser] for what writes lines: a
// logger, an [io.Copy] of a log file, the output of another process.
//
//	Write -> lines, also over several Writes -> copy, key -> PutAsync -> stored, or Failed, or the error of what comes next
//
// Each line ends with "\n" or "\r\n", which are cut off unless LineWriterConfig.KeepNewline is set; an empty line is a
// record without data. What is written is copied. A line that has no end yet waits for it, in up to
// the size of one record, until Close puts it as it is.
//
// Write returns before the lines are stored. While the buffer of the producer is full it waits for room, and so holds up
// the logger, and the program with it: RecordTTL plus CallTimeout bound that. A program that would rather lose
// lines than wait sets FailWhenFull, and LineWriterConfig.Failed to go on after that.
//
// Without Failed the first line that is not stored ends the writer: that Write, or if it was found out later
// the next Write, Flush or Close, and all after it return the same [*LineError]. So a nil of Close, or of a
// Flush after the last Write, says that all lines are stored.
//
// A LineWriter is safe for concurrent use, as long as each Write ends with the end of a line; it has no goroutine. The
// lines reach the producer in the order of the Writes, and [Producer] says what becomes of the order then.
type LineWriter struct {
	p   *Producer
	cfg LineWriterConfig

	// turn is held by whoever writes, also while it waits for room, and guards the fields below. It is
	// a channel because a mutex must not be held while waiting.
	turn    chan struct{}
	open    []byte // the line that has no end yet
	skip    bool   // that line is too long and was reported: its rest is passed over
	line    int64  // number of the last line that was begun
	copies  lineCopies
	keys    lineKeys
	closing bool // Close was called

	unused sync.Pool // of *lineAnswer

	mu     sync.Mutex // guards broken
	broken error      // what ended the writer
}

// LineWriterConfig holds the settings of a [LineWriter]. The zero value is right for most.
type LineWriterConfig struct {
	// Stream is the name or the ARN of the stream to put into. Defaults to ProducerConfig.Stream.
	Stream string

	// Key returns the partition key for a line, which it gets without its end, and must neither change nor keep. It is
	// called by Write. Lines with the same key go to the same shard.
	// Defaults to a random key for each line, which spreads the lines over all shards.
	Key func(line []byte) string

	// KeepNewline leaves the end of each line in the data of its record.
	KeepNewline bool

	// Failed, if set, is called for each line that was not stored, and the writer goes on: Write fails then only
	// when the producer or the writer is closed, and takes nothing any more. It is called like a callback of [Producer.PutAsync], or by
	// the Write itself for a line that was not accepted. It must not write to this LineWriter, and so not
	// log through it. Defaults to none: the first line that is not stored ends the writer.
	Failed func(*LineError)
}

// NewLineWriter returns a LineWriter that puts with p. It makes no call. Close it when done; that
// does not close p.
func NewLineWriter(p *Producer, cfg LineWriterConfig) *LineWriter {
	return &LineWriter{p: p, cfg: cfg, turn: make(chan struct{}, 1)}
}

// lineEnd is the size of the longest end of a line.
const lineEnd = len("\r\n")

// Write puts the lines of b whose end is in it, and returns when they are accepted. On an error n is the number of
// bytes that were taken before it. It keeps nothing of b.
func (w *LineWriter) Write(b []byte) (n int, err error) {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.closing {
		return 0, w.closedError()
	}
	for n < len(b) {
		if err := w.failure(); err != nil {
			return n, err
		}
		size := bytes.IndexByte(b[n:], '\n') + 1
		ends := size > 0
		if !ends {
			size = len(b) - n
		}
		if err := w.take(b[n:n+size], ends); err != nil {
			return n, err
		}
		n += size
	}
	return n, nil
}

// take takes a piece of a line, or all of it. It returns an error if that ends the writer.
func (w *LineWriter) take(piece []byte, ends bool) error {
	if len(w.open) == 0 && !w.skip {
		w.line++
	}
	limit := w.p.lineLimit(w.cfg.Stream)
	if !w.skip && len(w.open)+len(piece) > limit+lineEnd {
		w.skip, w.open = true, w.open[:0]
		w.fail(&LineError{Line: w.line, Err: invalidRecord("longer than %s (%d)", w.p.limitName(limit), limit)})
		if err := w.failure(); err != nil {
			return err
		}
	}
	switch {
	case w.skip:
		w.skip = !ends
	case !ends:
		w.open = append(w.open, piece...)
	case len(w.open) == 0:
		return w.put(w.copies.of(w.content(piece)))
	default:
		whole := w.copies.of(w.content(append(w.open, piece...)))
		w.open = w.open[:0]
		return w.put(whole)
	}
	return nil
}

// lineLimit returns how long a line may get before it is refused without asking further. What is
// encoded may become smaller, so that only the largest record of all is a bound then.
func (p *Producer) lineLimit(stream string) int {
	if s, err := p.streamOf(stream); err == nil && p.cfg.Encode == nil {
		return int(s.limit.Load())
	}
	return serviceMaxRecord
}

// content is what of a line becomes data.
func (w *LineWriter) content(line []byte) []byte {
	if w.cfg.KeepNewline {
		return line
	}
	return withoutEnd(line)
}

func withoutEnd(line []byte) []byte {
	if rest, ok := bytes.CutSuffix(line, []byte("\n")); ok {
		return bytes.TrimSuffix(rest, []byte("\r"))
	}
	return line
}

// put puts the line in hand. data belongs to its record. It returns an error if the line was not accepted
// and that ends the writer.
func (w *LineWriter) put(data []byte) error {
	rec := UserRecord{Stream: w.cfg.Stream, Data: data}
	if w.cfg.Key != nil {
		rec.PartitionKey = w.cfg.Key(withoutEnd(data))
	} else {
		rec.PartitionKey = w.keys.next()
	}
	a, _ := w.unused.Get().(*lineAnswer)
	if a == nil {
		a = &lineAnswer{w: w}
		a.done = a.answer
	}
	a.line = w.line
	if err := w.p.PutAsync(context.Background(), rec, a.done); err != nil {
		a.answer(PutResult{}, err)
		return w.failure()
	}
	return nil
}

// lineAnswer is the callback of a line. It is used again for others.
type lineAnswer struct {
	w    *LineWriter
	line int64
	done func(PutResult, error) // answer; so that it is made once
}

func (a *lineAnswer) answer(_ PutResult, err error) {
	w, line := a.w, a.line
	w.unused.Put(a)
	if err != nil {
		w.fail(&LineError{Line: line, Err: err})
	}
}

// fail tells of a line that was not stored, and ends the writer unless it may go on.
func (w *LineWriter) fail(e *LineError) {
	if w.cfg.Failed == nil || errors.Is(e, ErrClosed) {
		w.mu.Lock()
		if w.broken == nil {
			w.broken = e
		}
		w.mu.Unlock()
	}
	if w.cfg.Failed != nil {
		w.cfg.Failed(e)
	}
}

// failure is what ended the writer.
func (w *LineWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

// Flush is [Producer.Flush], and then returns what ended the writer, if anything did. If it returns nil and Failed is
// not set, all lines of the Writes before it are stored. It does not put a line that has no end yet.
func (w *LineWriter) Flush(ctx context.Context) error {
	if err := w.p.Flush(ctx); err != nil {
		return err
	}
	return w.failure()
}

// Close puts what was written after the end of the last line, waits until all lines are answered, and returns what ended
// the writer, if anything did. That takes up to RecordTTL plus CallTimeout; a [Producer.Close] at
// the same time cuts it short. A Write after it returns an error that wraps [ErrClosed]. Close may be called again, and returns
// the same.
func (w *LineWriter) Close() error {
	w.turn <- struct{}{}
	if len(w.open) > 0 && (w.cfg.Failed != nil || w.failure() == nil) {
		_ = w.put(w.open) // what it returns is returned below
	}
	w.open = nil
	w.closing = true
	<-w.turn
	return w.Flush(context.Background())
}

func (w *LineWriter) closedError() error {
	if err := w.failure(); err != nil {
		return err
	}
	return fmt.Errorf("line writer: %w", ErrClosed)
}

// lineCopies makes copies of lines. Short ones share an allocation.
type lineCopies struct{ left []byte }

const (
	// A line that waits for its answer for long keeps the memory of its neighbours too. That is bounded by making
	// what is shared little more than a record costs anyway.
	lineSlab  = 1 << 10
	shortLine = lineSlab / 4
)

func (c *lineCopies) of(line []byte) []byte {
	n := len(line)
	if n > shortLine {
		return bytes.Clone(line)
	}
	if n > len(c.left) {
		c.left = make([]byte, lineSlab)
	}
	own := c.left[:n:n]
	c.left = c.left[n:]
	copy(own, line)
	return own
}

// lineKeys are random partition keys. Several share one allocation.
type lineKeys struct{ left string }

const (
	lineKeySize  = 8  // characters of 6 bits each
	lineKeyBatch = 16 // few, as above
)

func (k *lineKeys) next() string {
	if k.left == "" {
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		var b [lineKeySize * lineKeyBatch]byte
		for i := 0; i < len(b); i += lineKeySize {
			bits := rand.Uint64()
			for j := range lineKeySize {
				b[i+j] = letters[bits&63]
				bits >>= 6
			}
		}
		k.left = string(b[:])
	}
	key := k.left[:lineKeySize]
	k.left = k.left[lineKeySize:]
	return key
}
