package coord

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kinstream/kin/lease"
)

// ErrLost says that a lease belongs to another worker now, or to nobody: what was done since
// its last checkpoint will be done again by the next owner.
var ErrLost = errors.New("coord: the lease is lost")

// TTLError says that the worker can't join because the group has another TTL. Nothing was changed.
type TTLError struct {
	Group, Own time.Duration
	Worker     string // one that lives and has the TTL of the group
}

// Error implements error.
func (e *TTLError) Error() string {
	return fmt.Sprintf("join group: lease TTL is %v here but %v at worker %s; all workers of a group need the same", e.Own, e.Group, e.Worker)
}

// RecreatedError says that a stream was deleted and created again under the same name since the
// group began to read it: no checkpoint fits.
type RecreatedError struct {
	Stream string
	Now    time.Time // when the service created the stream that is there now
	Stored time.Time // when it created the one that the leases are of
}

// Error implements error.
func (e *RecreatedError) Error() string {
	return fmt.Sprintf("stream %s was created again at %s, but the group's checkpoints are of the one created at %s: reset the group (kin group reset), or use another one",
		e.Stream, e.Now.UTC().Format(time.RFC3339), e.Stored.UTC().Format(time.RFC3339))
}

// LeaveError says what was not in order when the worker left.
type LeaveError struct {
	// CutOff are the leases whose handler was cut off.
	CutOff []lease.Key

	// Kept are the leases that could not be handed over. Others may take them when they find
	// that the worker is gone.
	Kept []lease.Key

	// Err is why calls of the store failed at last, if they did.
	Err error
}

// Error implements error.
func (e *LeaveError) Error() string {
	var parts []string
	if n := len(e.CutOff); n > 0 {
		parts = append(parts, fmt.Sprintf("%d handlers were cut off (%s)", n, first(e.CutOff)))
	}
	if n := len(e.Kept); n > 0 {
		parts = append(parts, fmt.Sprintf("%d leases were not handed over (%s)", n, first(e.Kept)))
	}
	if len(parts) == 0 {
		parts = append(parts, "the worker's row may still be there")
	}
	text := "leave group: " + strings.Join(parts, ", ")
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns why calls of the store failed.
func (e *LeaveError) Unwrap() error { return e.Err }

func first(keys []lease.Key) string {
	names := make([]string, 0, 4)
	for i, key := range keys {
		if i == 3 {
			names = append(names, "...")
			break
		}
		names = append(names, key.Shard)
	}
	return strings.Join(names, ", ")
}
