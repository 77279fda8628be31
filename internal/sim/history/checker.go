package history

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kinstream/kin/lease"
)

// Config says what a [Checker] is to hold a group to.
type Config struct {
	// TTL is the setting of the group.
	TTL time.Duration

	// Wall is the time on the service's clock at the beginning.
	Wall time.Time

	// ClockError is how much faster or slower than true time clocks may run: 0.02 for two percent.
	ClockError float64

	// Granularity is how exactly events at one moment are ordered, and how long a call within a
	// process may take. 0 where a single thread records everything.
	Granularity time.Duration

	// MaxGap is for how long a shard may be unread at most while the group is calm; 0 for no limit.
	MaxGap time.Duration

	// Index returns how many records of a shard there are up to one with the sequence number,
	// that one included. Nil if sequence numbers are indexes.
	Index func(key lease.Key, number string) (int64, bool)

	// Trace gets each event as a line, if it is not nil.
	Trace io.Writer
}

// Violation is a promise that was broken.
type Violation struct {
	At   time.Duration
	Rule string // a few words that stand for the promise
	Text string
}

// String says which promise was broken, and how.
func (v *Violation) String() string {
	return fmt.Sprintf("%s at %s: %s", v.Rule, v.At.Round(time.Microsecond), v.Text)
}

// Checker judges a history while it is recorded. It is not safe for concurrent use.
type Checker struct {
	cfg        Config
	trace      trace
	violation  *Violation
	now        time.Duration
	shards     map[lease.Key]*shard
	rows       map[lease.Key]lease.Lease
	workers    map[string]*worker
	streams    map[string]*stream
	owned      map[string]int // how many leases each worker owns
	deliveries map[int64]*delivery
	calm       bool
	figures    Figures
}

// stream is what is known of a stream.
type stream struct {
	start  lease.Checkpoint // empty before the row is written
	seeded bool
}

// worker is what is known of a worker.
type worker struct {
	id       string
	row      bool // it has one
	joined   bool // it had one
	gone     bool // it was deleted
	beatAt   time.Duration
	trusted  time.Duration // when the last heartbeat that was answered began
	trusting bool          // there was one
	frozen   bool
	shaded   bool // the service does not answer it
	crashed  bool
	badClock bool
	forced   bool // its row was deleted by force
	ended    map[lease.Key][]string
}

// New returns a Checker of an empty history.
func New(cfg Config) *Checker {
	return &Checker{
		cfg:        cfg,
		trace:      trace{out: cfg.Trace},
		shards:     map[lease.Key]*shard{},
		rows:       map[lease.Key]lease.Lease{},
		workers:    map[string]*worker{},
		streams:    map[string]*stream{},
		owned:      map[string]int{},
		deliveries: map[int64]*delivery{},
	}
}

// Violation returns the first promise that was broken, or nil.
func (c *Checker) Violation() *Violation { return c.violation }

// Figures returns what was measured so far.
func (c *Checker) Figures() Figures { return c.figures }

// Record takes in what happened. Nothing is judged after the first violation.
func (c *Checker) Record(e Event) {
	if c.violation != nil {
		return
	}
	if e.At < c.now {
		e.At = c.now
	}
	c.now = e.At
	c.trace.add(e)
	switch e.Kind {
	case Opened, Put, Closed, Trimmed, Gone:
		c.atService(e)
	case Joined, Beat, Forgotten, Trusted, Frozen, Thawed, Crashed, BadClock, Shaded, Left:
		c.toWorker(e)
	case StreamPut:
		c.putStream(e)
	case Changed:
		c.change(e)
	case Started, Stopped, Delivered, Handled, Acked, Ended:
		c.atReader(e)
	case Calm:
		c.calm = e.OK
	case Note:
	}
}

// breaksf notes that a promise was broken.
func (c *Checker) breaksf(rule, format string, args ...any) {
	if c.violation == nil {
		c.violation = &Violation{At: c.now, Rule: rule, Text: fmt.Sprintf(format, args...)}
	}
}

// worker returns what is known of a worker, also if that is nothing.
func (c *Checker) worker(id string) *worker {
	w := c.workers[id]
	if w == nil {
		w = &worker{id: id, ended: map[lease.Key][]string{}}
		c.workers[id] = w
	}
	return w
}

// stream returns what is known of a stream, also if that is nothing.
func (c *Checker) stream(arn string) *stream {
	s := c.streams[arn]
	if s == nil {
		s = &stream{}
		c.streams[arn] = s
	}
	return s
}

func (c *Checker) toWorker(e Event) {
	w := c.worker(e.Worker)
	switch e.Kind {
	case Joined:
		if w.joined && !w.gone {
			c.breaksf("worker IDs are never used again", "%s joined once more", e.Worker)
		}
		w.joined, w.row, w.beatAt = true, true, e.At
		c.figures.Joins++
	case Beat:
		w.beatAt = e.At
		if !w.row {
			c.breaksf("a worker without a row has no heartbeat", "%s", e.Worker)
		}
	case Forgotten:
		c.forgotten(w, e)
	case Trusted:
		w.trusting, w.trusted = true, max(w.trusted, e.Began)
	case Frozen:
		w.frozen = true
		c.freeze(w)
	case Thawed:
		w.frozen = false
		c.thaw(w)
	case Crashed:
		w.crashed = true
		c.crash(w)
	case BadClock:
		w.badClock = true
	case Shaded:
		w.shaded = e.OK
	default: // Left
		c.left(w, e)
	}
}

// forgotten judges that the row of a worker was deleted.
func (c *Checker) forgotten(w *worker, e Event) {
	lost := w.gone // its row was deleted before, and came back with a Join that was made twice
	w.row, w.gone = false, true
	switch {
	case e.OK:
		w.forced = true
	case sameRun(e.By, w.id):
		if !lost { // or it has nothing to give away any more
			c.abandoned(w)
		}
	default:
		c.figures.Forgotten++
		unchanged := e.At - w.beatAt
		atLeast := scale(c.cfg.TTL, deadAfter*(1-c.cfg.ClockError)) - c.cfg.Granularity
		if unchanged < atLeast && !c.worker(e.By).badClock {
			c.breaksf("a worker is forgotten after its beat stood still for 0.85 TTL",
				"%s forgot %s, whose beat had changed %s before", e.By, w.id, unchanged)
		}
	}
}

// abandoned judges what a worker owns whose row it deleted itself. It can't know what it was
// given at the same moment: others take that at once. But it must have given away all that it
// has read.
func (c *Checker) abandoned(w *worker) {
	if c.owned[w.id] == 0 || w.crashed {
		return
	}
	for _, key := range c.keys() {
		row, s := c.rows[key], c.shards[key]
		if row.Owner != w.id || row.Finished() {
			continue
		}
		c.figures.Abandoned++
		if x := s.session(w.id); x != nil || s.last != nil && s.last.worker == w.id && s.last.epoch == row.Epoch {
			c.breaksf("a worker's row goes after its last hand-over", "%s left and owns %s", w.id, shortKey(key))
		}
	}
}

// sameRun says whether two IDs are of one process, which adds to its ID when it was forgotten.
func sameRun(a, b string) bool {
	a, _, _ = strings.Cut(a, ".")
	b, _, _ = strings.Cut(b, ".")
	return a == b
}

// left judges that a worker left.
func (c *Checker) left(w *worker, e Event) {
	for _, key := range c.keys() {
		s := c.shards[key]
		if x := s.session(w.id); x != nil && e.OK {
			c.breaksf("a worker that left reads nothing", "%s left and reads %s", w.id, shortKey(s.key))
		}
	}
	if e.OK && w.row && !w.gone { // or it came back with a Join that was made twice: others find that nobody is behind it
		c.breaksf("a worker's row goes when it leaves", "%s left and has a row", w.id)
	}
	if e.OK {
		c.figures.Left++
	}
}

func (c *Checker) putStream(e Event) {
	s := c.stream(e.Key.Stream)
	if s.start == "" {
		s.start = lease.Checkpoint(e.Text)
		for _, sh := range c.shards {
			if sh.key.Stream == e.Key.Stream {
				n, _ := c.position(sh, s.start)
				sh.excuse(n)
			}
		}
	} else if s.start != lease.Checkpoint(e.Text) {
		c.breaksf("the start of a stream is decided once", "it was %s and is %s", s.start, e.Text)
	}
	if s.seeded && !e.OK {
		c.breaksf("a stream stays seeded", "%s", e.Key.Stream)
	}
	s.seeded = e.OK
}

// The parts of the TTL that package lease names.
const (
	trustFor  = 0.7
	deadAfter = 0.85
)

func scale(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// keys returns the shards in order, so that what is said about them is the same in each run.
func (c *Checker) keys() []lease.Key {
	return slices.SortedFunc(maps.Keys(c.shards), lease.Key.Compare)
}
