package cli

import (
	"context"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/pflag"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/memstore"
)

// What the external tests need to see of the inside.

var (
	ReshardSteps = reshardSteps
	ParseFrom    = parseFrom
	ParseUntil   = parseUntil
	GCPercent    = serveMemory.gcPercent
	SlackAfter   = slackAfter
	Sparkline    = sparkline
	Thousands    = thousands
	BytesText    = bytesText
)

func ShardTree(w io.Writer, shards []types.Shard) []string {
	return shardTree(shardsOf(shards), styleFor(w))
}

// Line is one line as a lineReader gave it.
type Line struct {
	Number int
	Text   string
	Cut    int
}

func ReadLines(r io.Reader, limit int) ([]Line, error) {
	lines := newLineReader(r, limit)
	var all []Line
	for {
		l, err := lines.next()
		if err == io.EOF { //nolint:errorlint // a reader gives io.EOF itself
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, Line{l.number, string(l.text), l.cut})
	}
}

type Ledger struct{ *ledger }

func NewLedger(keys int) Ledger { return Ledger{newLedger(keys)} }

// Put gives out a number and answers its put as stored; Record is what a reader gets.
func (l Ledger) Put(text string, shard kin.ShardID, seq kin.SequenceNumber) kin.Record {
	serial := l.accept()
	data := append(appendSerial(nil, serial), text...)
	l.answered(serial, data, kin.PutResult{ShardID: shard, SequenceNumber: seq}, nil)
	return kin.Record{ShardID: shard, SequenceNumber: seq, PartitionKey: l.key(serial), Data: data}
}

func (l Ledger) Fail(err error) { l.answered(l.accept(), nil, kin.PutResult{}, err) }

func (l Ledger) Read(rec kin.Record) { l.sawRecord(&rec) }

func (l Ledger) Total() (put, failed, read, lost, doubled, reordered, altered, foreign int64, clean bool) {
	t := l.total()
	return t.put, t.failed, t.read, t.lost, t.doubled, t.reordered, t.altered, t.foreign, t.clean()
}

type DemoShard struct {
	ID        kin.ShardID
	Put, Read int64
	Lag       time.Duration
	Ended     bool
}

// DemoFrame draws the view of a demo that has run for the given samples of records read.
func DemoFrame(w io.Writer, columns, rows int, read []int64, shards []DemoShard) []string {
	var rates demoRates
	var s demoSnapshot
	for i, n := range read {
		s = demoSnapshot{
			elapsed: time.Duration(i) * frameInterval, url: "http://127.0.0.1:4567", text: "a text", phase: "4 shards",
			fed: 0.5, passes: 2, put: n + 5, read: n, putBytes: 100 * n, readBytes: 100 * n,
		}
		for _, sh := range shards {
			s.shards = append(s.shards, demoShard{id: sh.ID, put: sh.Put, read: sh.Read, lag: sh.Lag, ended: sh.Ended})
		}
		rates.add(s)
	}
	return demoFrame(s, &rates, columns, rows, styleFor(w))
}

// RunDemo runs a demo of the lines of a file whose server was prepared, and
// returns the exit code.
func RunDemo(ctx context.Context, stdio IO, path string, prepare func(*kintest.Server)) int {
	a := &app{io: stdio, flags: globalFlags{output: outputJSON, timeout: 10 * time.Second}}
	input, err := openDemoInput(path)
	if err != nil {
		return -1
	}
	d, stop, err := newDemo(ctx, demoOptions{passes: 1, shards: 2, keys: 10}, input)
	if err != nil {
		return -1
	}
	defer stop()
	prepare(d.server)
	if err = a.demoReport(ctx, d, d.run(ctx)); err == nil {
		return int(exitOK)
	}
	line, code := a.explain(ctx, err)
	a.sayf("%s", line)
	return int(code)
}

// RunWithStore is Run with a store in the place of the one that flags name.
func RunWithStore(ctx context.Context, store lease.Store, args []string, stdio IO) int {
	return (&app{io: stdio, fixedStore: store}).run(ctx, args)
}

// ParseStore reads a value of --store.
func ParseStore(text string, getenv func(string) string) (kind, place, shown string, err error) {
	address, err := parseStore(text, getenv)
	return string(address.kind), address.place, address.String(), err
}

// StoreFailure is what is printed of an error of a store.
func StoreFailure(address string, err error) string {
	parsed, failed := parseStore(address, func(string) string { return "" })
	if failed != nil {
		return failed.Error()
	}
	return (&app{}).storeFailure(&storeError{parsed, err}).Error()
}

var (
	DefaultStorePath = defaultStorePath
	CheckpointText   = checkpointText
	AgeText          = ageText
)

// ParseAck reads a line of a program.
var ParseAck = parseAck

// Good is text in the colour of what is good, for an output that shows colours or does not.
func Good(colours bool, text string) string { return style{on: colours}.good(text) }

// GroupGaps is whether the account of a group with those pauses is clean, on a machine that is so
// many times too slow, and what is said of them.
func GroupGaps(steady, crash time.Duration, slowness float64) (clean bool, late string, err error) {
	d := &groupDemo{store: memstore.New(), ledger: newGroupLedger(1), start: time.Now(), slowness: slowness}
	d.ledger.put.Add(1)
	d.ledger.steady, d.ledger.crash = gap{steady, "shardId-1"}, gap{crash, "shardId-2"}
	r, err := d.result(context.Background())
	return r.Clean, r.late(), err
}

// GroupFrame draws the view of act two with three workers, one of which is dead, and three shards.
func GroupFrame(w io.Writer, rows int) []string {
	return groupFrame(groupSnapshot{
		elapsed: 3 * time.Second, url: "http://127.0.0.1:4567", phase: "worker a is killed", put: 1005, handled: 1000, doubled: 7,
		workers: []groupWorker{{"a", workerDead, 1}, {"b", workerHere, 2}, {"c", workerAway, 0}, {"d", workerGone, 0}},
		shards: []groupShard{
			{"shardId-000000000000", "a", 400, 100 * time.Millisecond, 2 * time.Second},
			{"shardId-000000000001", "b", 300, 50 * time.Millisecond, 0},
			{"shardId-000000000002", "b", 300, 1500 * time.Millisecond, 0},
		},
	}, rows, styleFor(w))
}

// ParseRate and ParseSize read flags of kin load.
var (
	ParseRate = parseRate
	ParseSize = parseSize
)

const LoadMinBytes = loadMinBytes

// LoadRecords makes the records of a run, of the given size, with keys of a skew.
func LoadRecords(n, size, keys int, skew float64, now time.Time) (run string, recs []kin.UserRecord) {
	source := newLoadSource(size, newLoadKeys(keys, skew))
	for range n {
		recs = append(recs, source.next(now))
	}
	return source.run, recs
}

// ParseLoad reads what a record of a load says.
func ParseLoad(data []byte) (run string, n int64, made time.Time, ok bool) {
	m, ok := parseLoad(data)
	return string(m.run), m.n, m.made, ok
}

// Quantiles counts durations and returns the median, the 99th percentile and the longest, in milliseconds.
func Quantiles(all []time.Duration) (p50, p99, longest float64) {
	var d delays
	for _, t := range all {
		d.add(t)
	}
	s := d.summary()
	return s.P50, s.P99, s.Max
}

// DelayStep returns the bounds of the step of a value, from and to.
func DelayStep(v uint64) (above, upTo uint64) {
	step := delayStep(v)
	if step > 0 {
		above = delayBound(step-1) + 1
	}
	return above, delayBound(step)
}

// Pace returns when records were made that are asked for at the given moments after the start, -1 for a wait.
func Pace(perSecond float64, at ...time.Duration) (made []time.Duration) {
	start := time.Unix(0, 0)
	p := newLoadPace(perSecond, start)
	for _, t := range at {
		m, wait := p.next(start.Add(t))
		if wait > 0 {
			made = append(made, -1)
		} else {
			made = append(made, m.Sub(start))
		}
	}
	return made
}

// ProducerConfig is what flags of a producer say, for an endpoint that is not AWS, or that is.
func ProducerConfig(foreign bool, args ...string) (kin.ProducerConfig, error) {
	var p producerFlags
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	p.add(flags)
	if err := flags.Parse(args); err != nil {
		return kin.ProducerConfig{}, err
	}
	return p.config("orders", foreign), p.check()
}
