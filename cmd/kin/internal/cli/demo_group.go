package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/memstore"
)

const (
	groupDemoStream = "demo-group"
	groupDemoGroup  = "demo"
	groupDemoVictim = "a"
	groupDemoTTL    = 3 * time.Second // the shortest there is: the kill is to be over soon
	groupDemoRate   = 20_000          // records per second

	// groupDemoStep is how long the group is left in peace between two events.
	groupDemoStep = 2 * time.Second

	// groupDemoPatience is how long the group may take to settle after an event.
	groupDemoPatience = 20 * time.Second
)

// groupDemo is act two of the demo: a group of workers, of which one is killed, one added, and
// one leaves in order.
//
//	feed -> Producer -> server <- GetRecords <- worker a (killed: store and server cut off at once)
//	             |                           <- worker b (leaves)     --> groupLedger
//	             '-- put results             <- worker c                       ^
//	                     |                   <- worker d (comes later)         |
//	                     '-----------------------------------------------------'
//	                     memstore: the leases of all
//
// Each event is followed by the next when the group has settled: when each shard is read by a
// worker that lives, and the shares are even.
type groupDemo struct {
	options  demoOptions
	input    demoInput
	server   *kintest.Server
	url      string
	client   *kinesis.Client
	producer *kin.Producer
	store    *memstore.Store
	ledger   *groupLedger
	workers  []*demoWorker
	start    time.Time

	phase   atomic.Pointer[string]
	settles []groupSettle // written by the director

	// slowness is how many times longer putting took than it should have, at least 1: the
	// machine is so busy. The feeder writes it at its end.
	slowness float64
}

// groupSettle is how long the group took to settle after an event.
type groupSettle struct {
	Event   string  `json:"event"`
	Seconds float64 `json:"seconds"`
}

// demoGroup runs act two.
func (a *app) demoGroup(ctx context.Context, o demoOptions, input demoInput) error {
	d, stop, err := newGroupDemo(ctx, o, input)
	if err != nil {
		return err
	}
	defer stop()
	defer demoMemory.tune(d.server)()
	stopView := a.startGroupView(d)
	err = d.run(ctx)
	stopView()
	return a.groupReport(ctx, d, err)
}

// newGroupDemo starts the server, and makes the stream, the producer and the workers, which
// don't run yet. The function that it returns ends the server.
func newGroupDemo(ctx context.Context, o demoOptions, input demoInput) (*groupDemo, func(), error) {
	d := &groupDemo{options: o, input: input, store: memstore.New(), ledger: newGroupLedger(o.keys), start: time.Now()}
	d.setPhasef("starting")
	server, url, stop, err := startDemoServer(ctx, kintest.Config{})
	if err != nil {
		return nil, nil, err
	}
	d.server, d.url = server, url
	if err := d.connect(); err != nil {
		stop()
		return nil, nil, err
	}
	return d, stop, nil
}

func (d *groupDemo) connect() error {
	if err := d.server.CreateStream(groupDemoStream, 2*d.options.shards); err != nil {
		return err
	}
	d.client = d.newClient(nil)
	var err error
	cfg := kin.ProducerConfig{Stream: groupDemoStream, ShardBytesPerSecond: -1, ShardRecordsPerSecond: -1} // the server has no limits
	if d.producer, err = kin.NewProducer(d.client, cfg); err != nil {
		return err
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		w, err := d.newWorker(name)
		if err != nil {
			return err
		}
		d.workers = append(d.workers, w)
	}
	return nil
}

func (d *groupDemo) setPhasef(format string, args ...any) {
	d.phase.Store(new(fmt.Sprintf(format, args...)))
}

// run feeds the stream while the workers come and go, and waits until all is read.
func (d *groupDemo) run(ctx context.Context) error {
	work, end := context.WithCancelCause(ctx)
	defer end(nil)
	feeding, full := context.WithCancel(work)
	defer full()
	var feeder, group sync.WaitGroup
	feeder.Go(func() { // ends when full is called
		if err := d.feed(feeding); err != nil {
			end(err)
		}
	})
	err := d.direct(work, &group)
	full()
	feeder.Wait()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), demoPatience)
	defer cancel()
	err = errors.Join(err, d.producer.Close(closing))
	if err == nil {
		err = d.readRest(work)
	}
	for _, w := range d.workers {
		w.leave()
	}
	group.Wait()
	for _, w := range d.workers {
		if w.err != nil && !w.isDead() {
			err = errors.Join(err, fmt.Errorf("worker %s: %w", w.name, w.err))
		}
	}
	if cause := context.Cause(work); cause != nil {
		return cause
	}
	return err
}

// direct lets the workers come and go.
func (d *groupDemo) direct(ctx context.Context, group *sync.WaitGroup) error {
	a, b, c, late := d.workers[0], d.workers[1], d.workers[2], d.workers[3]
	for _, event := range []struct {
		what string
		do   func()
	}{
		{"workers a, b and c start", func() { a.join(ctx, group); b.join(ctx, group); c.join(ctx, group) }},
		{"worker d is added", func() { late.join(ctx, group) }},
		{"worker a is killed: it tells nobody", a.kill},
		{"worker b leaves in order", b.leave},
	} {
		d.setPhasef("%s", event.what)
		began := time.Now()
		event.do()
		if err := d.settle(ctx, event.what); err != nil {
			return err
		}
		d.settles = append(d.settles, groupSettle{event.what, time.Since(began).Seconds()})
		d.setPhasef("%s: settled after %.1f s", event.what, time.Since(began).Seconds())
		if err := fetch.Sleep(ctx, groupDemoStep); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until each shard is read by a worker that lives, and the shares are even.
func (d *groupDemo) settle(ctx context.Context, event string) error {
	for deadline := time.Now().Add(groupDemoPatience); ; {
		var shares []int
		owned := 0
		for _, w := range d.workers {
			if w.isAlive() {
				n := d.ledger.owned(w.name)
				shares = append(shares, n)
				owned += n
			}
		}
		if owned == 2*d.options.shards && slices.Max(shares)-slices.Min(shares) <= 1 {
			return nil
		}
		if time.Now().After(deadline) {
			return &failure{code: exitIncomplete, what: fmt.Sprintf("%s: the group has not settled after %v", event, groupDemoPatience)}
		}
		if err := fetch.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// readRest waits until all that was put is handled, or nothing has been handled for long.
func (d *groupDemo) readRest(ctx context.Context) error {
	d.setPhasef("reading what is left")
	last, since := int64(-1), time.Now()
	for {
		done := d.ledger.handled()
		if done >= d.ledger.put.Load() || time.Since(since) > demoPatience {
			return nil // what is missing then is lost
		}
		if done != last {
			last, since = done, time.Now()
		}
		if err := fetch.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// feed puts lines at a steady rate until ctx ends.
func (d *groupDemo) feed(ctx context.Context) error {
	const tick = 5 * time.Millisecond
	lines, err := d.input.open()
	if err != nil {
		return err
	}
	defer func() { lines.Close() }()
	began, sent := time.Now(), 0
	defer func() { d.slowness = max(1, time.Since(began).Seconds()*groupDemoRate/float64(max(1, sent))) }()
	for fetch.Sleep(ctx, tick) == nil {
		for due := int(time.Since(began).Seconds() * groupDemoRate); sent < due; sent++ {
			text, err := nextLine(d.input, &lines)
			if err != nil {
				return err
			}
			serial := d.ledger.accept()
			data := append(appendSerial(nil, serial), text...)
			err = d.producer.PutAsync(context.WithoutCancel(ctx), kin.UserRecord{PartitionKey: d.ledger.key(serial), Data: data},
				func(result kin.PutResult, err error) { d.ledger.answered(serial, data, result, err) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// nextLine is the next line of an input that begins again at its end.
func nextLine(input demoInput, lines **demoPass) ([]byte, error) {
	for range 2 {
		l, err := (*lines).borrow()
		switch {
		case err == nil && l.cut > 0:
			return nil, usageErr(fmt.Sprintf("%s: line %d has %s", input.name, l.number, bytesText(int64(l.cut))), "give a file with shorter lines")
		case err == nil:
			return l.text, nil
		}
		(*lines).Close()
		next, openErr := input.open()
		if openErr != nil {
			return nil, openErr
		}
		*lines = next
	}
	return nil, usageErr(input.name+" has no lines", "give a file with lines")
}
