package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

const (
	segmentSuffix = ".log"
	newSuffix     = ".new" // a segment whose head is being written
	lockName      = "lock"
)

// segment is what is known about one file.
type segment struct {
	number uint64

	// newest is the highest stamp in the segment for each group but 0. It is nil
	// while the segment has not been read: then all of it counts as living.
	newest map[uint64]int64
}

func newSegment(number uint64) *segment {
	return &segment{number: number, newest: make(map[uint64]int64)}
}

func segmentName(number uint64) string { return fmt.Sprintf("%020d%s", number, segmentSuffix) }

// segmentNumber returns the number in the name of a segment's file.
func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil && segmentName(number) == name
}

// note accounts for an entry of the segment.
func (s *segment) note(group uint64, stamp int64) {
	if group == 0 {
		return
	}
	if newest, ok := s.newest[group]; !ok || stamp > newest {
		s.newest[group] = stamp
	}
}

// alive reports whether something of the segment is needed.
func (s *segment) alive(alive func(group uint64, stamp int64) bool) bool {
	if s.newest == nil {
		return true
	}
	for group, stamp := range s.newest {
		if alive(group, stamp) {
			return true
		}
	}
	return false
}

// scan is what reading a segment to its end found.
type scan struct {
	end  int64 // offset behind the last whole frame
	size int64
	torn bool
}

// read calls visit for all entries of a segment, the journal's own included. Damage
// is a CorruptError, and so is a torn tail unless it may be torn.
func (j *Journal) read(number uint64, mayBeTorn bool, visit func(Entry) error) (scan, error) {
	name := segmentName(number)
	file, err := j.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return scan{}, &CorruptError{File: name, Reason: "the file is missing"}
	}
	if err != nil {
		return scan{}, fmt.Errorf("journal: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return scan{}, fmt.Errorf("journal: %w", err)
	}
	return readFrames(file, number, info.Size(), mayBeTorn, visit)
}

// readFrames is read for a segment that is open and has size bytes.
func readFrames(file io.Reader, number uint64, size int64, mayBeTorn bool, visit func(Entry) error) (scan, error) {
	s := scan{size: size}
	corrupt := func(reason string) (scan, error) {
		return s, &CorruptError{File: segmentName(number), Offset: s.end, Lost: size - s.end, Reason: reason}
	}
	f, err := newFrameReader(file, number, size)
	headDone := false
	for err == nil {
		s.end = f.at.offset
		var e Entry
		if e, err = f.next(); err == nil {
			headDone = headDone || e.Kind == kindHeadEnd
			if err := visit(e); err != nil {
				return s, err
			}
		}
	}
	switch {
	case errors.Is(err, errBad):
		return corrupt(strings.TrimPrefix(err.Error(), errBad.Error()+": "))
	case !errors.Is(err, io.EOF) && !errors.Is(err, errTorn):
		return s, fmt.Errorf("journal: read %s: %w", segmentName(number), err)
	case !headDone:
		return corrupt("the head is not complete")
	case errors.Is(err, errTorn) && !mayBeTorn:
		return corrupt("a frame is not complete, although the segment is")
	}
	s.torn = errors.Is(err, errTorn)
	return s, nil
}

// names returns the numbers of the segments in the directory, ascending, and the
// names of what is left of segments that were never finished.
func (j *Journal) names() (segments []uint64, unfinished []string, err error) {
	dir, err := j.root.Open(".")
	if err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	for _, name := range names {
		if number, ok := segmentNumber(name); ok {
			segments = append(segments, number)
		} else if strings.HasSuffix(name, newSuffix) {
			unfinished = append(unfinished, name)
		}
	}
	return segments, unfinished, nil
}

// syncDir makes names of files durable.
func syncDir(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !ignoreDirSync(err) {
		return err
	}
	return nil
}
