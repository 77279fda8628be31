package cli

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// errNobodyReads says that standard output is a pipe whose reader has gone, as head does when
// it has enough. That is no failure to speak of, but commands end in order: a worker hands its
// shards over.
var errNobodyReads = errors.New("nobody reads the output any more")

// tellingPipe is standard output that is a pipe.
type tellingPipe struct{ f *os.File }

// Write implements io.Writer.
func (p tellingPipe) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		err = errNobodyReads
	}
	return n, err
}

// tellPipe makes the end of whoever reads w known as such, if w is a pipe.
func tellPipe(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
			return tellingPipe{f}
		}
	}
	return w
}
