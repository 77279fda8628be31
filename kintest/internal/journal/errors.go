package journal

import (
	"errors"
	"fmt"
)

// Errors that callers branch on, found with errors.Is.
var (
	// ErrLocked means that another process, or another Journal of this one, has the
	// directory open. Nothing was read or written.
	ErrLocked = errors.New("journal: the directory is in use by another process")

	// ErrClosed is what Append returns after Close. Nothing was written.
	ErrClosed = errors.New("journal: closed")

	// ErrTooLarge means that an entry has more than MaxPayload bytes. None of the
	// entries of the call was written.
	ErrTooLarge = errors.New("journal: entry too large")
)

// CorruptError says that a segment is not as it was written, or is missing. It comes
// from Open and from the replays. Nothing was changed; entries before the damage
// were good. What can be done: put a copy of the file in its place, or, to give up
// what is in the file from the offset on, cut it there.
type CorruptError struct {
	File   string // name of the segment's file in the directory
	Offset int64  // where the damage begins
	Lost   int64  // how many bytes there are from there on
	Reason string
}

// Error implements error.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("journal: %s is damaged at byte %d: %s; %d bytes from there on can not be trusted",
		e.File, e.Offset, e.Reason, e.Lost)
}

// Cut is what Open cut off the newest segment: a frame that was not written to its end,
// because the process that wrote it was stopped. No Append was answered for it. The zero
// Cut means that there was none.
type Cut struct {
	File   string // name of the segment's file in the directory
	Offset int64  // where the file ends now
	Bytes  int64  // how many were behind that
}
