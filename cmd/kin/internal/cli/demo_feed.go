package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/cmd/kin/internal/text"
	"github.com/kinstream/kin/internal/fetch"
)

// demoInput is the text of a demo, which can be read again and again.
type demoInput struct {
	name string
	path string // "" = the text that kin brings
	text []byte // of it
}

// demoMaxLine leaves room for the serial number and the partition key in a
// record of the service's default maximum.
const demoMaxLine = 1<<20 - 64

func openDemoInput(path string) (demoInput, error) {
	if path == "" {
		library, err := io.ReadAll(text.Library())
		return demoInput{name: "the King James Bible, Jane Austen and Moby-Dick", text: library}, err
	}
	file, err := openInput(path) // to fail early
	if err != nil {
		return demoInput{}, err
	}
	defer file.Close()
	if !file.regular {
		return demoInput{}, usageErr(path+" is a pipe or a device, and the demo reads its input more than once", "write it to a file and give that")
	}
	if _, err := newLineReader(file, demoMaxLine).borrow(); err != nil {
		if errors.Is(err, io.EOF) {
			return demoInput{}, usageErr(path+" is empty", "give a file with lines")
		}
		return demoInput{}, err
	}
	return demoInput{name: path, path: path}, nil
}

// demoPass is one pass over the text.
type demoPass struct {
	*lineReader

	size int64      // of the text in bytes; 0 = not known, because it is compressed
	file *inputFile // nil for the text that kin brings
}

func (in demoInput) open() (*demoPass, error) {
	if in.path == "" {
		return &demoPass{lineReader: newLineReader(bytes.NewReader(in.text), demoMaxLine), size: int64(len(in.text))}, nil
	}
	file, err := openInput(in.path)
	if err != nil {
		return nil, err
	}
	p := &demoPass{lineReader: newLineReader(file, demoMaxLine), file: file}
	if !file.compressed {
		p.size = file.size
	}
	return p, nil
}

// fraction is how much of the text was handed out, always less than 1.
func (p *demoPass) fraction() float64 {
	if p.size > 0 {
		return min(float64(p.consumed)/float64(p.size), 0.999)
	}
	return min(p.file.fraction(), 0.999)
}

func (p *demoPass) Close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

// feed puts the text, pass after pass.
func (d *demo) feed(ctx context.Context) error {
	d.setPhasef("%s", count(d.options.shards, "shard"))
	for {
		d.passes.Add(1)
		more, err := d.feedPass(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if err := d.producer.Flush(ctx); err != nil {
		return err
	}
	d.feeding.Store(new(time.Since(d.start)))
	d.fed.Store(1_000_000)
	return nil
}

// feedPass puts the text once, or the part of it that is still wanted, and says
// whether another pass is.
func (d *demo) feedPass(ctx context.Context) (more bool, err error) {
	const (
		lookAtEach = 1024 // lines, at first: a short text has its reshards at the right places too
		lookEvery  = 256
	)
	lines, err := d.input.open()
	if err != nil {
		return false, err
	}
	defer lines.Close()
	arena := []byte(nil)
	for {
		l, err := lines.borrow()
		if errors.Is(err, io.EOF) {
			return d.goOn(ctx, 1)
		}
		if err != nil {
			return false, fmt.Errorf("line %d: %w", lines.number+1, err)
		}
		if l.cut > 0 {
			return false, usageErr(fmt.Sprintf("%s: line %d has %s", d.input.name, l.number, bytesText(int64(l.cut))), "a record has at most 1 MiB: give a file with shorter lines")
		}
		if arena, err = d.putLine(ctx, l.text, arena); err != nil {
			return false, err
		}
		if l.number < lookAtEach || l.number%lookEvery == 0 {
			if more, err = d.goOn(ctx, lines.fraction()); err != nil || !more {
				return false, err
			}
		}
	}
}

// goOn notes how far the feeding is and says whether it goes on, when fraction of
// the current pass is done. It holds the feeding up where the reshards need it:
// records come before, between and after them, however short the text is.
func (d *demo) goOn(ctx context.Context, fraction float64) (bool, error) {
	passes := float64(d.passes.Load()-1) + fraction
	part := passes / float64(max(d.options.passes, 1))
	if d.options.passes == 0 {
		elapsed := time.Since(d.start).Seconds() / d.options.duration.Seconds()
		part = min(elapsed, passes)
	}
	if d.ledger.putBytes.Load() > demoMaxBytes || d.ledger.isFull() {
		part = 1
	}
	d.fed.Store(int64(min(part, 0.99) * 1_000_000))
	for _, gate := range []struct {
		part float64
		open chan struct{}
	}{{0.6, d.split}, {0.9, d.merged}} {
		if part >= gate.part {
			select {
			case <-gate.open:
			case <-ctx.Done():
				return false, context.Cause(ctx)
			}
		}
	}
	return part < 1, ctx.Err()
}

// putLine puts one line as the record with the next serial number. arena is
// memory for this and the following records; what is left of it is returned.
func (d *demo) putLine(ctx context.Context, text, arena []byte) ([]byte, error) {
	const most = 20 // digits of a number and a tab
	if need := len(text) + most; cap(arena)-len(arena) < need {
		arena = make([]byte, 0, max(arenaBytes, need))
	}
	serial := d.ledger.accept()
	start := len(arena)
	arena = append(appendSerial(arena, serial), text...)
	data := arena[start:len(arena):len(arena)]
	err := d.producer.PutAsync(ctx, kin.UserRecord{PartitionKey: d.ledger.key(serial), Data: data},
		func(result kin.PutResult, err error) { d.ledger.answered(serial, data, result, err) })
	return arena, err
}

// markers are the last records of the open shards.
type markers struct {
	mu       sync.Mutex // guards the fields below
	expected int        // 0 = not known yet
	seen     map[kin.ShardID]bool
}

const markerKey = "last record of this shard"

func newMarkers() *markers { return &markers{seen: make(map[kin.ShardID]bool)} }

// isMarker tells a marker from the records of the text, whose keys are others.
func (m *markers) isMarker(rec *kin.Record) bool { return rec.PartitionKey == markerKey }

// sawLast notes that the marker of a shard was read, and says whether it was the
// last one missing.
func (m *markers) sawLast(shard kin.ShardID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen[shard] = true
	return len(m.seen) == m.expected
}

func (m *markers) expect(n int) {
	m.mu.Lock()
	m.expected = n
	m.mu.Unlock()
}

// putMarkers puts the markers.
func (d *demo) putMarkers(ctx context.Context, m *markers) error {
	shards, err := listShards(ctx, d.client, demoStream)
	if err != nil {
		return err
	}
	var open []string
	for _, s := range shards {
		if isOpen(s) {
			open = append(open, *s.HashKeyRange.StartingHashKey)
		}
	}
	m.expect(len(open)) // before the first of them can be read
	for _, hashKey := range open {
		if _, err := d.producer.Put(ctx, kin.UserRecord{PartitionKey: markerKey, ExplicitHashKey: hashKey}); err != nil {
			return err
		}
	}
	d.setPhasef("reading what is left")
	return nil
}

// watch ends the reading if everything is put, and nothing has been read for
// long: what is missing then is lost.
func (d *demo) watch(ctx context.Context) error {
	last, since := int64(-1), time.Now()
	for fetch.Sleep(ctx, 50*time.Millisecond) == nil {
		if n := d.ledger.read.Load(); n != last || d.feeding.Load() == nil {
			last, since = n, time.Now()
		}
		if time.Since(since) > demoPatience {
			return errDemoDone
		}
	}
	return nil // whoever ended it has said why
}
