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
	garbageRoom    = 48 << 20 // bytes of garbage that are always fine
	garbagePercent = 8        // of the records held, if that is more
	baseHeap       = 8 << 20  // what lives in a server without records
)

// gcPercent is the setting for [debug.SetGCPercent] at which garbage stays
// within those bounds while held bytes of records live.
func gcPercent(held int64) int {
	live := held + baseHeap
	room := max(garbageRoom, held*garbagePercent/100)
	return int(min(max(room*100/live, 1), 800))
}

// tuneMemory keeps the garbage collector's setting in line with what the server
// holds until the function that it returns is called, which restores it.
func tuneMemory(server *kintest.Server) (stop func()) {
	before := debug.SetGCPercent(gcPercent(0))
	end := term.Animate(250*time.Millisecond, func() { debug.SetGCPercent(gcPercent(server.Stats().Bytes)) })
	return func() {
		end()
		debug.SetGCPercent(before)
	}
}
