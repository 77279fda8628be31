package coord

import (
	"time"

	"github.com/kinstream/kin/lease"
)

// Holding is how the worker stands to a lease.
type Holding struct {
	Lease   lease.Lease      // the newest row that is known
	State   State            // see there
	Done    lease.Checkpoint // how far records are done, as far as it was told
	Heir    string           // to whom the lease goes, while State is Moving, Stopping or Releasing
	Since   time.Duration    // since when the state is what it is
	Started time.Duration    // when reading began
}

// State is where a lease is in its life, as its owner sees it: see the package's page.
type State int

// The states of a lease.
const (
	Taking    State = iota // a change that makes it ours is under way
	Reading                // ours, and read
	Moving                 // read, but the plan says another's: waits until the heir looks
	Stopping               // to be handed over, when the handler is done
	Releasing              // nothing reads it; a change that makes it another's is under way
	Ending                 // all records done: children, then the end
	Losing                 // not ours any more; the handler was told and has not returned
)

// String returns the name of s in lower case.
func (s State) String() string {
	names := [...]string{"taking", "reading", "moving", "stopping", "releasing", "ending", "losing"}
	if s < 0 || int(s) >= len(names) {
		return "invalid"
	}
	return names[s]
}

// Held returns the leases that the worker holds or is about to take or give away, in the order
// of their keys.
func (m *Machine) Held() []Holding {
	var held []Holding
	for _, e := range m.inOrder() {
		s := e.slot
		if s == nil {
			continue
		}
		h := Holding{Lease: e.row, State: s.state, Done: s.done, Since: s.since, Started: s.started}
		if s.state == Moving || s.state == Stopping || s.state == Releasing {
			h.Heir = m.heir(e)
		}
		held = append(held, h)
	}
	return held
}

// View returns the newest rows that the worker knows. The caller must not change them.
func (m *Machine) View() lease.Snapshot {
	view := lease.Snapshot{Version: m.version}
	for _, id := range m.peerIDs {
		view.Workers = append(view.Workers, m.peers[id].row)
	}
	for _, arn := range m.arns {
		if row := m.streams[arn].row; row.Revision > 0 {
			view.Streams = append(view.Streams, row)
		}
	}
	for _, e := range m.inOrder() {
		if e.row.Revision > 0 {
			view.Leases = append(view.Leases, e.row)
		}
	}
	return view
}

// Trusted says whether records may be delivered at a time, as far as the Machine was told.
func (m *Machine) Trusted(now time.Duration) bool {
	return m.phase == member && !m.lapsed && now < m.trustUntil
}

// Leaving says whether the worker is about to leave, or has left.
func (m *Machine) Leaving() bool { return m.wantsOut || m.phase == over }
