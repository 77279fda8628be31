package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin"
)

const (
	programChunk = 64 << 10         // bytes of lines that are written at once
	programLine  = 64 << 20         // the longest line that a program may print: it may echo any record
	programGrace = 10 * time.Second // that a program has to end in after its input ended, and after it was told to
	programRest  = 2 * time.Second  // in which what it printed is read when it has ended
	programQuiet = 30 * time.Second // without an acknowledgement, after which we say so
)

// program is the program that handles the records of a worker, and the handler that gives them
// to it.
//
//	handler of a shard --lines--> writer --> stdin  program  stdout --> reader --ack--> Batch.Ack
//	      ^                                            |                                   |
//	      '------ all acknowledged, or it ended -------'-----------------------------------'
//
// The writer and the reader are one goroutine each; another one waits for the end of the process.
type program struct {
	work *consumeWork
	cmd  *exec.Cmd
	in   io.WriteCloser
	book ackBook

	lines   chan programLines
	quit    chan struct{} // closed by finish: no more lines come
	ended   chan struct{} // closed when the process has ended and all that it printed was read
	running sync.WaitGroup

	err       error       // why it ended, once ended is closed; nil for code 0
	finishing atomic.Bool // its input was ended, so its end is wanted
	broken    atomic.Pointer[error]
	broke     chan struct{} // closed when broken is set: nothing is waited for any more
}

type programLines struct {
	text []byte
	done chan error // has room for one
}

// startProgram starts the program of the options.
func (w *consumeWork) startProgram() (*program, error) {
	argv := w.options.program
	if w.options.exec != "" {
		argv = []string{"sh", "-c", w.options.exec}
		if runtime.GOOS == "windows" {
			argv = []string{"cmd", "/C", w.options.exec}
		}
	}
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // the user names the program; its end has its own order, see finish
	cmd.Stderr = w.app.io.Err
	apart(cmd)
	cmd.WaitDelay = programRest
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// Not StdoutPipe: what the program prints is read to its end also when the program has ended.
	out, itsOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = itsOut
	err = cmd.Start()
	itsOut.Close()
	if err != nil {
		out.Close()
		return nil, usageErr(oneLine(err.Error()), "give the path of a program that can be run")
	}
	p := &program{
		work: w, cmd: cmd, in: in,
		lines: make(chan programLines), quit: make(chan struct{}), ended: make(chan struct{}),
		broke: make(chan struct{}),
	}
	p.running.Go(p.write)                  // ends at finish, or when the input is closed
	p.running.Go(func() { p.follow(out) }) // ends with the program
	p.running.Go(p.watch)                  // ends with the program
	return p, nil
}

// follow reads what the program prints until it has ended.
func (p *program) follow(out *os.File) {
	var reading sync.WaitGroup
	reading.Go(func() { p.read(out) })
	err := p.cmd.Wait()
	// Others that it started may hold its output open, and are not waited for.
	_ = out.SetReadDeadline(time.Now().Add(programRest))
	reading.Wait()
	out.Close()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it has ended well, and others hold its standard error open
	}
	if broken := p.broken.Load(); broken != nil {
		err = *broken
	}
	p.err = err
	early := p.endedEarly() // while the handlers still have the records that are to be counted
	close(p.ended)
	if !p.finishing.Load() {
		p.work.stop(early)
	}
}

// handle gives a batch to the program, and waits until it is acknowledged.
func (p *program) handle(ctx context.Context, b *kin.Batch) error {
	page := p.book.add(b)
	defer p.book.drop(page)
	for i := 0; i < len(b.Records); {
		var text bytes.Buffer
		for ; i < len(b.Records) && text.Len() < programChunk; i++ {
			line := recordLine{ID: page.first + int64(i), Stream: b.Stream, tailRecord: tailRecordOf(b.Records[i])}
			if err := appendRecord(&text, line); err != nil {
				return err
			}
		}
		if err := p.send(ctx, text.Bytes()); err != nil {
			return err
		}
	}
	select {
	case <-page.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ended:
	case <-p.broke:
	}
	if p.book.isDone(page) {
		return nil // with its last breath
	}
	return errEnding
}

// send writes lines, or gives up when the batch does.
func (p *program) send(ctx context.Context, text []byte) error {
	job := programLines{text, make(chan error, 1)}
	select {
	case p.lines <- job:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ended:
		return errEnding
	case <-p.broke:
		return errEnding
	}
	select {
	case err := <-job.done:
		if err != nil {
			return errors.Join(errEnding, err)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ended:
		return errEnding
	case <-p.broke:
		return errEnding
	}
}

func (p *program) write() {
	for {
		select {
		case job := <-p.lines:
			_, err := p.in.Write(job.text)
			job.done <- err
			if err != nil {
				p.inputClosed()
				return
			}
		case <-p.quit:
			return
		case <-p.ended:
			return
		}
	}
}

// inputClosed is called when the program takes no more lines. Mostly it has ended, which tells
// more.
func (p *program) inputClosed() {
	timer := time.NewTimer(programGrace / 2)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-p.quit:
	case <-timer.C:
		p.breakOff(errors.New("it closed its standard input, and goes on"))
	}
}

// read takes the lines of the program.
func (p *program) read(out io.Reader) {
	lines := newLineReader(out, programLine)
	for {
		l, err := lines.borrow()
		if err != nil {
			return // there is nothing more to come
		}
		if err := p.take(l); err != nil {
			p.breakOff(err)
			_, _ = io.Copy(io.Discard, lines.r) // lest the program waits for us
			return
		}
	}
}

// take takes a line of the program.
func (p *program) take(l line) error {
	if l.open {
		if len(bytes.TrimSpace(l.text)) > 0 {
			p.work.sayf("the last line of the program has no end, so it acknowledges nothing: %.40q", l.text)
		}
		return nil
	}
	if l.cut > 0 {
		return fmt.Errorf("line %d of its output has %s", l.number, bytesText(int64(l.cut)))
	}
	id, err := parseAck(l.text)
	if err != nil {
		return fmt.Errorf("line %d of its output, %.60q, acknowledges nothing: %w", l.number, l.text, err)
	}
	if id == 0 {
		return nil
	}
	page, index, err := p.book.ack(id)
	if err != nil {
		return fmt.Errorf("line %d of its output: %w", l.number, err)
	}
	if page == nil {
		return nil // known already, or of a shard that was given up
	}
	p.work.activity.Store(time.Now().UnixNano())
	page.batch.Ack(index)
	if p.book.isDone(page) {
		close(page.done)
	}
	return nil
}

// breakOff ends the worker because the program does what it must not.
func (p *program) breakOff(err error) {
	if p.broken.CompareAndSwap(nil, &err) {
		close(p.broke)
		p.work.stop(p.failure(err))
	}
}

// watch says when the program seems to hang, and ends the worker after --ack-timeout. It
// returns when the program has ended.
func (p *program) watch() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	last, since, said := int64(0), time.Now(), time.Now()
	for {
		select {
		case <-p.ended:
			return
		case <-ticker.C:
		}
		open, acked := p.book.waiting()
		if open == 0 || acked != last {
			last, since = acked, time.Now()
			continue
		}
		quiet := time.Since(since)
		if limit := p.work.options.ackTimeout; limit > 0 && quiet >= limit {
			p.breakOff(fmt.Errorf("it acknowledged none of %s in %v", count(open, "record"), limit))
		}
		if quiet >= programQuiet && time.Since(said) >= programQuiet {
			said = time.Now()
			p.work.sayf("the program has acknowledged nothing for %.0f s; it has %s", quiet.Seconds(), count(open, "record"))
		}
	}
}

// endedEarly is the reason to stop when the program ended by itself.
func (p *program) endedEarly() error {
	if p.err != nil {
		return p.failure(p.err)
	}
	open, _ := p.book.waiting()
	text := "the program ended: stopping"
	if open > 0 {
		text += fmt.Sprintf("; %s that it did not acknowledge come again", count(open, "record"))
	}
	return &endError{text}
}

// failure is the error about a program that failed.
func (p *program) failure(err error) error {
	what := "the program failed: " + oneLine(err.Error())
	if open, _ := p.book.waiting(); open > 0 {
		what += fmt.Sprintf("; %s that it did not acknowledge come again", count(open, "record"))
	}
	return &failure{code: exitProgram, what: what, err: err}
}

// finish ends the input of the program, and waits for its end; it helps when that takes long. The
// error is why it ended, if it failed.
func (p *program) finish(bool) error {
	p.finishing.Store(true)
	close(p.quit)
	p.in.Close()
	insisted := false
	for _, insist := range []func(*exec.Cmd) error{terminate, kill} {
		timer := time.NewTimer(programGrace)
		select {
		case <-p.ended:
		case <-timer.C:
			insisted = true
			p.work.sayf("the program does not end: ending it")
			_ = insist(p.cmd) // it may have ended by now
		}
		timer.Stop()
	}
	p.running.Wait()
	switch {
	case p.err != nil && insisted:
		return p.failure(fmt.Errorf("it did not end when its input had, and was ended: %w", p.err))
	case p.err != nil:
		return p.failure(p.err)
	}
	return nil
}
