package cli

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// line is one line of input without its end.
type line struct {
	number int    // from 1
	text   []byte // owned by the receiver; nil if the line was cut
	cut    int    // length of a line longer than the limit, else 0
	open   bool   // the input ended in the line, without an end of line
}

// lineReader reads lines up to a limit. A longer line is read to its end and
// thrown away but for its length, so one wrong line costs neither memory nor the
// lines after it.
type lineReader struct {
	r        *bufio.Reader
	limit    int
	number   int
	consumed int64  // bytes of the lines so far, with their ends
	arena    []byte // where the next lines are copied to: one allocation for many
}

const arenaBytes = 64 << 10

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 256<<10), limit: limit}
}

// next returns the next line, or io.EOF after the last one. \n and \r\n end a
// line; the last one needs no end.
func (l *lineReader) next() (line, error) {
	next, err := l.borrow()
	if next.text != nil {
		next.text = l.keep(next.text)
	}
	return next, err
}

// borrow is next with a text that is good only until the following call.
func (l *lineReader) borrow() (line, error) {
	text, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return l.long(text)
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(text) == 0) {
		return line{}, err
	}
	l.number++
	l.consumed += int64(len(text))
	text = trimEnd(text)
	open := err != nil
	if len(text) > l.limit {
		return line{number: l.number, cut: len(text), open: open}, nil
	}
	return line{number: l.number, text: text, open: open}, nil
}

// long goes on with a line that did not fit the buffer.
func (l *lineReader) long(start []byte) (line, error) {
	kept := bytes.Clone(start)
	length := len(start)
	for {
		more, err := l.r.ReadSlice('\n')
		length += len(more)
		// Two bytes of grace: the end of the line does not count.
		if kept != nil && length <= l.limit+2 {
			kept = append(kept, more...)
		} else {
			kept = nil
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return line{}, err
		}
		l.number++
		l.consumed += int64(length)
		open := err != nil
		if kept = trimEnd(kept); kept != nil && len(kept) <= l.limit {
			return line{number: l.number, text: kept, open: open}, nil
		}
		return line{number: l.number, cut: length, open: open}, nil
	}
}

func trimEnd(text []byte) []byte {
	text = bytes.TrimSuffix(text, []byte("\n"))
	return bytes.TrimSuffix(text, []byte("\r"))
}

// keep copies text to memory that is not written again.
func (l *lineReader) keep(text []byte) []byte {
	if len(text) > arenaBytes/4 {
		return bytes.Clone(text)
	}
	if len(text) > len(l.arena) {
		l.arena = make([]byte, arenaBytes)
	}
	n := copy(l.arena, text)
	kept := l.arena[:n:n]
	l.arena = l.arena[n:]
	return kept
}

// waiting reports whether the next line is not here yet as a whole.
func (l *lineReader) waiting() bool {
	here, _ := l.r.Peek(l.r.Buffered())
	return bytes.IndexByte(here, '\n') < 0
}

// inputFile is a file that is read from its beginning to its end. If it is
// compressed with gzip, which its first bytes tell, it reads as what is inside.
type inputFile struct {
	io.Reader

	file       *os.File
	size       int64
	regular    bool // can be opened again and then says the same
	compressed bool
	read       atomic.Int64 // bytes of the file, compressed ones if it is
}

func openInput(path string) (*inputFile, error) {
	file, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = usageErr(path+" is a directory", "give a file")
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	in := &inputFile{file: file, size: info.Size(), regular: info.Mode().IsRegular()}
	buffered := bufio.NewReaderSize(&countingReader{r: file, n: &in.read}, 256<<10)
	in.Reader = buffered
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzip, err := gzip.NewReader(buffered)
		if err != nil {
			file.Close()
			return nil, usageErr(fmt.Sprintf("%s begins like a gzip file but is none: %v", path, err), "check the file")
		}
		in.Reader, in.compressed = &gzipReader{r: unzip, path: path}, true
	}
	return in, nil
}

func (f *inputFile) Close() error { return f.file.Close() }

// fraction is how much of the file was read, from 0 to 1.
func (f *inputFile) fraction() float64 {
	if f.size == 0 {
		return 1
	}
	return float64(f.read.Load()) / float64(f.size)
}

// gzipReader makes the errors of damaged files its own: those of gzip look like
// the end of a connection.
type gzipReader struct {
	r    io.Reader
	path string
}

func (g *gzipReader) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	switch {
	case err == nil, err == io.EOF: // a Reader gives io.EOF itself
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, usageErr(g.path+" is a gzip file that is cut off", "get it as a whole")
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), isCorrupt(err):
		return n, usageErr(fmt.Sprintf("%s is a damaged gzip file: %v", g.path, err), "get it again")
	}
	return n, err
}

func isCorrupt(err error) bool {
	_, ok := errors.AsType[flate.CorruptInputError](err)
	return ok
}

type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
