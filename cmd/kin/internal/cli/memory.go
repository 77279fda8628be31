package cli

import (
	"runtime/debug"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/term"
	"github.com/kinstream/kin/kintest"
)

// A server's memory is records, which live long, and requests, which live for
// milliseconds. Go's default lets garbage grow to the size of everything that
// lives before it collects, so that a server with 10 GB of records would use 20.
// The records hold no pointers, so a collection costs little however many there
// are, and the room for garbage can be a small part of them.
const (
	serveRoom      = 32 << 20  // bytes of garbage that are always fine in a server
	demoRoom       = 128 << 20 // the same with clients at full speed in the process
	garbagePercent = 8         // of the records held, if that is more
	baseHeap       = 8 << 20   // what lives in a server without records
)

// garbage is how much of it may lie around while held bytes of records live,
// and at least room.
func garbage(held, room int64) int64 { return max(room, held*garbagePercent/100) }

// gcPercent is the setting for [debug.SetGCPercent] at which garbage stays
// within its bounds.
func gcPercent(held, room int64) int {
	return int(min(max(garbage(held, room)*100/(held+baseHeap), 1), 800))
}

// memoryLimit is the setting for [debug.SetMemoryLimit] from which on the runtime
// gives memory back to the system at once. Without it, what a burst of large
// answers needed stays with the process.
func memoryLimit(held, room int64) int64 { return held + baseHeap + held/50 + garbage(held, room) }

// tuneMemory keeps the garbage collector's settings in line with what the server
// holds until the function that it returns is called, which restores them.
func tuneMemory(server *kintest.Server, room int64) (stop func()) {
	percent, limit := debug.SetGCPercent(gcPercent(0, room)), debug.SetMemoryLimit(-1)
	tuned := int64(-1)
	end := term.Animate(100*time.Millisecond, func() {
		// Both calls stop everything for a moment.
		if held := server.Stats().Bytes; held != tuned {
			debug.SetGCPercent(gcPercent(held, room))
			debug.SetMemoryLimit(memoryLimit(held, room))
			tuned = held
		}
	})
	return func() {
		end()
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}
