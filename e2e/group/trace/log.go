package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// Log is a file that entries are appended to. It is safe for concurrent use.
type Log struct {
	clock Clock
	file  *os.File
}

// Create opens the log at path for appending.
func Create(path string) (*Log, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644) //nolint:gosec // whoever runs the worker names its log
	if err != nil {
		return nil, err
	}
	return &Log{clock: NewClock(), file: file}, nil
}

// Now returns the time by the log's clock.
func (l *Log) Now() Time {
	at, _ := l.clock.Now()
	return at
}

// Write appends e, with the time as it is now unless e has one.
func (l *Log) Write(e Entry) error {
	at, wall := l.clock.Now()
	if e.At == 0 {
		e.At = at
	}
	e.Wall = wall
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	// One call: the system puts each at the end of the file as a whole.
	_, err = l.file.Write(append(line, '\n'))
	return err
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }

// Follower reads a log while it is written.
type Follower struct {
	file *os.File

	mu      sync.Mutex // guards what follows
	partial []byte
	entries []Entry
}

// Follow opens the log at path.
func Follow(path string) (*Follower, error) {
	file, err := os.Open(path) //nolint:gosec // the test names it
	if err != nil {
		return nil, err
	}
	return &Follower{file: file}, nil
}

// Read takes in what was appended since the last call and returns those entries. A line without
// an end is left for later.
func (f *Follower) Read() ([]Entry, error) {
	more, err := io.ReadAll(f.file)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.partial = append(f.partial, more...)
	entries, rest, err := parse(f.partial)
	f.partial = slices.Clone(rest)
	f.entries = append(f.entries, entries...)
	return entries, err
}

// Entries returns all that has been read.
func (f *Follower) Entries() []Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.entries)
}

// Close closes the file.
func (f *Follower) Close() error { return f.file.Close() }

// parse returns the entries of whole lines, and what comes after them.
func parse(text []byte) (entries []Entry, rest []byte, err error) {
	for {
		line, after, found := bytes.Cut(text, []byte("\n"))
		if !found {
			return entries, text, nil
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return entries, text, fmt.Errorf("line %q: %w", line, err)
		}
		entries, text = append(entries, e), after
	}
}
