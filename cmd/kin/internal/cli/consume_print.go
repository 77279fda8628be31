package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/kinstream/kin"
)

// printer is the handler that prints. A batch is done when it is written, not before: what a dying
// process had in its buffers comes again. One goroutine writes.
type printer struct {
	work  *consumeWork
	print func(*bytes.Buffer, kin.Record) error

	jobs    chan printJob
	quit    chan struct{}
	writing sync.WaitGroup

	mu   sync.Mutex // guards left
	left int        // records that may still be printed; -1 = any number
}

type printJob struct {
	text *bytes.Buffer
	done chan error // has room for one
}

func (w *consumeWork) newPrinter() *printer {
	p := &printer{work: w, jobs: make(chan printJob), quit: make(chan struct{}), left: -1}
	if w.options.number > 0 {
		p.left = w.options.number
	}
	switch {
	case w.app.json():
		p.print = nil // with the stream: see text
	case w.options.long:
		p.print = printRecordLong
	default:
		p.print = printRecord
	}
	p.writing.Go(p.write) // ends at finish, which waits for it
	return p
}

func (p *printer) write() {
	for {
		select {
		case job := <-p.jobs:
			_, err := p.work.app.io.Out.Write(job.text.Bytes())
			job.done <- err
		case <-p.quit:
			return
		}
	}
}

// take returns how many of n records may be printed, and whether that is all.
func (p *printer) take(n int) (allowed int, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left < 0 {
		return n, false
	}
	n = min(n, p.left)
	p.left -= n
	return n, p.left == 0
}

func (p *printer) handle(ctx context.Context, b *kin.Batch) error {
	n, last := p.take(len(b.Records))
	if n == 0 {
		return errEnding
	}
	text, err := p.text(b, n)
	if err != nil {
		return err
	}
	job := printJob{text, make(chan error, 1)}
	select {
	case p.jobs <- job:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err = <-job.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err != nil {
		p.work.stop(fmt.Errorf("write output: %w", err))
		return errors.Join(errEnding, err)
	}
	for i := range n {
		b.Ack(i)
	}
	if last {
		p.work.stop(&endError{fmt.Sprintf("printed %s: stopping", count(p.work.options.number, "record"))})
	}
	if n < len(b.Records) {
		return errEnding
	}
	return nil
}

// text is the first n records of a batch as they are printed.
func (p *printer) text(b *kin.Batch, n int) (*bytes.Buffer, error) {
	var text bytes.Buffer
	for _, rec := range b.Records[:n] {
		var err error
		if p.print == nil {
			err = appendRecord(&text, recordLine{Stream: b.Stream, tailRecord: tailRecordOf(rec)})
		} else {
			err = p.print(&text, rec)
		}
		if err != nil {
			return nil, err
		}
	}
	return &text, nil
}

// finish ends the writing. After a stop that had to cut it off, an output that takes nothing is
// not waited for: the process ends.
func (p *printer) finish(clean bool) error {
	close(p.quit)
	if clean {
		p.writing.Wait()
	}
	return nil
}
