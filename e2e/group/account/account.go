package account

import (
	"fmt"
	"slices"
	"time"

	"github.com/kinstream/kin/e2e/group/trace"
)

// Shard names a shard of a stream.
type Shard struct{ Stream, ID string }

func (s Shard) String() string { return s.Stream + "/" + s.ID }

// Row is a lease as the observer saw it.
type Row struct {
	At         trace.Time // when the load that showed it had been answered
	Shard      Shard
	Owner      string
	Epoch      int64
	Revision   int64
	Checkpoint string
}

// Input is what there is to compare.
type Input struct {
	Puts    []trace.Entry   // of the feeder
	Logs    [][]trace.Entry // of the workers, one for each process
	Rows    []Row           // of the observer, as they were seen
	Parents map[Shard][]Shard

	// Handling is how long the handler takes for a batch on purpose: so long a batch in hand is
	// no gap.
	Handling time.Duration

	// ByKey says that workers handle the records of a shard in parallel, in order only by key.
	ByKey bool
}

// Report is what came of it.
type Report struct {
	Put, Done  int // records that were acknowledged; those of them that are done
	Deliveries int // records that handlers were given, each time counted
	Doubled    int // deliveries beyond the first
	Late       int // batches that came with a cancelled context

	Violations []string // in the order of time, as far as they have one

	Gaps     []Gap // longest first
	Replays  []Replay
	Overlaps []Overlap
}

// Gap is a time in which a shard had records to give, and nothing was delivered nor handled.
type Gap struct {
	Shard    Shard
	From, To trace.Time
}

// Length is how long the gap was.
func (g Gap) Length() time.Duration { return g.To.Sub(g.From) }

// Replay is that a worker delivers what was delivered before.
type Replay struct {
	Shard   Shard
	At      trace.Time
	Worker  string
	Epoch   int64
	Records int           // how many
	Done    int           // those of them that were done: the others were in hand, or had failed
	Window  time.Duration // from the first delivery of the oldest to that of the newest of them
}

// Overlap is a time in which two owners of a shard were both in their handlers.
type Overlap struct {
	Shard    Shard
	From, To trace.Time
	Epochs   [2]int64
}

// Length is how long both were.
func (o Overlap) Length() time.Duration { return o.To.Sub(o.From) }

// batch is one call of a handler.
type batch struct {
	shard      Shard
	worker     string
	epoch      int64
	attempt    int
	records    []trace.Record
	begin, end trace.Time // end is the last sign of the process if the handler never returned
	done       bool       // it returned without an error
	late       bool
}

// Check compares the logs.
func Check(in Input) *Report {
	a := newAccountant(in)
	a.checkOrder()
	a.checkShards()
	a.checkRows()
	a.checkCalls()
	a.gaps()
	a.overlaps()
	slices.SortStableFunc(a.Gaps, func(x, y Gap) int { return int(y.Length() - x.Length()) })
	slices.SortStableFunc(a.violations, func(x, y violation) int { return int(x.at - y.at) })
	for _, v := range a.violations {
		a.Violations = append(a.Violations, v.text)
	}
	return &a.Report
}

type violation struct {
	at   trace.Time
	text string
}

// accountant holds what the checks share.
type accountant struct {
	Report

	in         Input
	violations []violation
	batches    []*batch // in the order in which they began
	puts       map[Shard][]*put
	byPlace    map[place]*put
}

type place struct {
	shard Shard
	seq   string
	sub   int
}

// put is a record that was acknowledged.
type put struct {
	trace.Record

	shard Shard
	acked trace.Time
	begun trace.Time // when it was first given to a handler; 0 if never
	epoch int64      // under which epoch that was
	done  trace.Time // when it was first done; 0 if never
}

func newAccountant(in Input) *accountant {
	a := &accountant{in: in, puts: map[Shard][]*put{}, byPlace: map[place]*put{}}
	for _, e := range in.Puts {
		shard := Shard{e.Stream, e.Shard}
		for _, r := range e.Records {
			p := &put{Record: r, shard: shard, acked: e.At}
			a.puts[shard] = append(a.puts[shard], p)
			a.byPlace[place{shard, r.Seq, r.Sub}] = p
			a.Put++
		}
	}
	for _, puts := range a.puts {
		slices.SortFunc(puts, func(x, y *put) int { return x.Compare(y.Record) })
	}
	for _, log := range in.Logs {
		a.batches = append(a.batches, batches(log)...)
	}
	slices.SortStableFunc(a.batches, func(x, y *batch) int { return int(x.begin - y.begin) })
	for _, b := range a.batches {
		a.mark(b)
	}
	return a
}

// batches pairs beginnings and ends of one worker's log.
func batches(log []trace.Entry) []*batch {
	var all []*batch
	open := map[int64]*batch{}
	for _, e := range log {
		if e.Kind == trace.Begin {
			b := &batch{
				shard: Shard{e.Stream, e.Shard}, worker: e.Worker, epoch: e.Epoch, attempt: e.Attempt,
				records: e.Records, begin: e.At, late: e.Late,
			}
			open[e.Batch] = b
			all = append(all, b)
		}
		if e.Kind == trace.End {
			if b := open[e.Batch]; b != nil {
				b.end, b.done = e.At, e.Err == ""
			}
			delete(open, e.Batch)
		}
	}
	for _, b := range open {
		b.end = log[len(log)-1].At
	}
	for _, b := range all {
		b.end = max(b.end, b.begin+1) // so that it begins before it ends
	}
	return all
}

// mark notes in the records of a batch when they were begun and done.
func (a *accountant) mark(b *batch) {
	if b.late {
		a.Late++
	}
	a.Deliveries += len(b.records)
	for _, r := range b.records {
		p := a.byPlace[place{b.shard, r.Seq, r.Sub}]
		if p == nil {
			continue
		}
		if p.begun == 0 {
			p.begun, p.epoch = b.begin, b.epoch
		} else {
			a.Doubled++
		}
		if b.done && (p.done == 0 || b.end < p.done) {
			if p.done == 0 {
				a.Done++
			}
			p.done = b.end
		}
	}
}

func (a *accountant) violatef(at trace.Time, format string, args ...any) {
	a.violations = append(a.violations, violation{at, at.String() + " " + fmt.Sprintf(format, args...)})
}
