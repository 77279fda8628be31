package cli

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// lazyWriter gathers small writes, so that a fast stream costs few system calls,
// and writes them out soon, so that a slow one is seen at once. One goroutine
// adds, another one writes out.
type lazyWriter struct {
	w     io.Writer
	delay time.Duration

	work chan struct{} // has room for one: there is something to write
	full chan struct{} // has room for one: do not wait for more
	room chan struct{} // has room for one: the buffer was taken
	quit chan struct{} // closed by close
	done sync.WaitGroup

	mu  sync.Mutex // guards buf and err
	buf bytes.Buffer
	err error // of the first write that went wrong; ends everything
}

// lazyBytes is what may be waiting. Beyond it, do waits for the output.
const lazyBytes = 256 << 10

func newLazyWriter(w io.Writer, delay time.Duration) *lazyWriter {
	l := &lazyWriter{
		w: w, delay: delay,
		work: make(chan struct{}, 1), full: make(chan struct{}, 1), room: make(chan struct{}, 1), quit: make(chan struct{}),
	}
	l.done.Go(l.write) // ends at close, which waits for it
	return l
}

// do lets add put something into the output.
func (l *lazyWriter) do(add func(*bytes.Buffer) error) error {
	l.mu.Lock()
	err := l.err
	if err == nil {
		err = add(&l.buf)
	}
	size := l.buf.Len()
	l.mu.Unlock()
	if err != nil {
		return err
	}
	signal(l.work)
	for size > lazyBytes {
		signal(l.full)
		<-l.room
		l.mu.Lock()
		size, err = l.buf.Len(), l.err
		l.mu.Unlock()
	}
	return err
}

// close writes out the rest and returns the first error of writing.
func (l *lazyWriter) close() error {
	close(l.quit)
	l.done.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *lazyWriter) write() {
	timer := time.NewTimer(l.delay)
	defer timer.Stop()
	var out bytes.Buffer // swapped with buf, so that both keep their memory
	for quit := false; !quit; {
		select {
		case <-l.work:
			timer.Reset(l.delay)
			select {
			case <-timer.C:
			case <-l.full:
			case <-l.quit:
				quit = true
			}
		case <-l.quit:
			quit = true
		}
		l.mu.Lock()
		l.buf, out = out, l.buf
		l.mu.Unlock()
		_, err := l.w.Write(out.Bytes())
		out.Reset()
		l.mu.Lock()
		if l.err == nil {
			l.err = err
		}
		l.mu.Unlock()
		signal(l.room)
	}
}

// signal leaves a note in c, if there is none.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
