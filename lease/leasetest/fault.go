package leasetest

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/kinstream/kin/lease"
)

// Op names an operation of a store.
type Op string

// The operations of [lease.Store].
const (
	OpLoad      Op = "Load"
	OpPoll      Op = "Poll"
	OpUpdate    Op = "Update"
	OpPutStream Op = "PutStream"
	OpJoin      Op = "Join"
	OpBeat      Op = "Beat"
	OpDrain     Op = "Drain"
	OpForget    Op = "Forget"
	OpGroups    Op = "Groups"
	OpDelete    Op = "Delete"
)

// Ops returns all operations.
func Ops() []Op {
	return []Op{OpLoad, OpPoll, OpUpdate, OpPutStream, OpJoin, OpBeat, OpDrain, OpForget, OpGroups, OpDelete}
}

// Changes says whether the operation changes rows.
func (o Op) Changes() bool { return o != OpLoad && o != OpPoll && o != OpGroups }

// Call is a call of a store.
type Call struct {
	Op    Op
	N     int    // counts the calls of Op, from 1
	Group string // empty if the operation has none

	// Worker is the ID that the call names, if it is Join, Beat, Drain or Forget.
	Worker string

	// Changes are those of an Update. They must not be changed.
	Changes []lease.Change
}

// Fault is what happens to a call on its way to the store and back. The zero Fault lets it through.
//
// The call waits for Before, is done unless Drop is set, waits for After, and ends with Err if
// there is one. Its context ends the two waits, and the call with them, as it ends a call over
// a network: what is then known of the operation is nothing.
type Fault struct {
	// Before is how long the request is under way.
	Before time.Duration

	// Drop says that the operation is not done. Then the call ends with an error in any case:
	// [ErrDropped] if Err is nil.
	Drop bool

	// Stray says that a request which is under way is not stopped by the end of the call's
	// context: the operation is done when Before has passed, though nobody waits for it any
	// more. See [Faulty.Wait].
	Stray bool

	// After is how long the answer is under way.
	After time.Duration

	// Err is returned in place of the answer, of which then nothing is known.
	Err error
}

// Errors that injected faults return. To those who call the store they mean nothing special: it
// is not known whether anything was changed.
var (
	ErrLost      = errors.New("leasetest: the answer was lost")
	ErrDropped   = errors.New("leasetest: the request was lost")
	ErrThrottled = errors.New("leasetest: too many requests")
	ErrOutage    = errors.New("leasetest: the store is down")
)

// Lost is the fault of a call whose operation is done and whose answer is lost.
func Lost() Fault { return Fault{Err: ErrLost} }

// Dropped is the fault of a call whose operation is not done.
func Dropped() Fault { return Fault{Drop: true} }

// Throttled is the fault of a call that the store refuses because there are too many.
func Throttled() Fault { return Fault{Drop: true, Err: ErrThrottled} }

// Late is the fault of a call whose request takes d. If the caller gives up before, the
// operation is done all the same.
func Late(d time.Duration) Fault { return Fault{Before: d, Stray: true} }

// Rates says how often which fault happens, each from 0 to 1. Their sum is at most 1.
type Rates struct {
	Lost, Dropped, Throttled float64

	// Late calls take up to MaxDelay, some on their way to the store and some on their way back.
	Late     float64
	MaxDelay time.Duration
}

// Random returns a decision for [Faulty.Decide] that spreads faults by their rates. It has no
// state: what happens to the nth call of an operation follows from seed alone, whatever else is
// called meanwhile.
func Random(seed uint64, rates Rates) func(Call) Fault {
	return func(c Call) Fault {
		r := rand.New(rand.NewPCG(seed, hash(c.Op)^uint64(c.N)))
		r.Uint64() // seeds that are close to each other begin alike
		var delay time.Duration
		if rates.MaxDelay > 0 {
			delay = time.Duration(r.Int64N(int64(rates.MaxDelay)) + 1)
		}
		chance := r.Float64()
		for _, kind := range []struct {
			rate  float64
			fault Fault
		}{
			{rates.Lost, Lost()},
			{rates.Dropped, Dropped()},
			{rates.Throttled, Throttled()},
			{rates.Late / 2, Late(delay)},
			{rates.Late / 2, Fault{After: delay}},
		} {
			if chance -= kind.rate; chance < 0 {
				return kind.fault
			}
		}
		return Fault{}
	}
}

// hash spreads the names of operations over 64 bits (FNV-1a).
func hash(op Op) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range []byte(op) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
