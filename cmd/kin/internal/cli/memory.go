package cli

import (
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/term"
	"github.com/kinstream/kin/kintest"
)

// memoryPlan says how much memory a process with a server in it may use beyond
// the records that the server holds.
//
// A server's memory is records, which live long, and requests, which live for
// milliseconds. Go's default lets garbage grow to the size of everything that
// lives before it collects, so that a server with 10 GB of records would use 20.
// The records hold no pointers, so a collection costs little however many there
// are, and the room for garbage can be a small part of them.
type memoryPlan struct {
	base int64 // bytes that live beside the records
	room int64 // bytes of garbage that are always fine
}

var (
	serveMemory = memoryPlan{base: 8 << 20, room: 32 << 20}

	// The demo has its ledger and clients at full speed in the process too.
	demoMemory = memoryPlan{base: 192 << 20, room: 192 << 20}
)

// garbagePercent of the records held may be garbage, if that is more than room.
const garbagePercent = 8

// garbage is how much of it may lie around while held bytes of records live.
func (p memoryPlan) garbage(held int64) int64 { return max(p.room, held*garbagePercent/100) }

// gcPercent is the setting for [debug.SetGCPercent] at which garbage stays
// within its bounds.
func (p memoryPlan) gcPercent(held int64) int {
	return int(min(max(p.garbage(held)*100/(held+p.base), 1), 800))
}

// limit is the setting for [debug.SetMemoryLimit] from which on the runtime
// gives memory back to the system at once. Without it, what a burst of large
// answers needed stays with the process.
func (p memoryPlan) limit(held int64) int64 { return held + p.base + held/50 + p.garbage(held) }

// slackAfter is how much is added to the limit after cycles collections within
// one tuneInterval. Many large answers at once are no garbage: with a limit below
// what really lives, the runtime would do little else than collect. So the limit
// gives way quickly when collections come thick, and comes back slowly.
func slackAfter(slack int64, cycles uint64) int64 {
	const (
		thick = 4
		step  = 32 << 20
	)
	if cycles >= thick {
		return 2*slack + step
	}
	return slack * 15 / 16
}

const tuneInterval = 100 * time.Millisecond

// tune keeps the garbage collector's settings in line with what the server holds
// until the function that it returns is called, which restores them.
func (p memoryPlan) tune(server *kintest.Server) (stop func()) {
	percent, limit := debug.SetGCPercent(p.gcPercent(0)), debug.SetMemoryLimit(-1)
	var slack, setPercent, setLimit int64
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	cycles := uint64(0)
	end := term.Animate(tuneInterval, func() {
		held := server.Stats().Bytes
		metrics.Read(sample)
		slack = slackAfter(slack, sample[0].Value.Uint64()-cycles)
		cycles = sample[0].Value.Uint64()
		// Both calls stop everything for a moment, so they are made for changes only.
		if want := int64(p.gcPercent(held)); want != setPercent {
			setPercent = want
			debug.SetGCPercent(int(want))
		}
		if want := (p.limit(held) + slack) &^ (1<<22 - 1); want != setLimit {
			setLimit = want
			debug.SetMemoryLimit(want)
		}
	})
	return func() {
		end()
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}
