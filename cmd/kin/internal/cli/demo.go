package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/spf13/cobra"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/kintest"
)

type demoOptions struct {
	input    string
	duration time.Duration
	passes   int
	shards   int
	keys     int
	act      string
}

const (
	demoStream = "demo"

	demoRecords = "records"
	demoGroup   = "group"
	demoBoth    = "both"

	// demoMaxBytes bounds what the demo puts: all of it stays in this process's memory.
	demoMaxBytes = 1 << 30

	// demoStateDelay is how long the server takes for a reshard: long enough to
	// be seen, and for much to be put and read meanwhile.
	demoStateDelay = 400 * time.Millisecond

	// demoPatience is how long reading may stand still once everything is put
	// before what is missing counts as lost.
	demoPatience = 15 * time.Second
)

func (a *app) demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Put and read a real text across reshards, and share it in a group whose workers die: with an account of every record",
		Long: `Act one, records. Start a Kinesis server inside this process, create a stream, and put a text into it
line by line while reading it, each line a record. On the way the stream is split to
twice its shards and merged back, while putting and reading go on. At the end every
record is accounted for: put, read, lost, doubled, out of order.

Records of one partition key are in order if they are read in the order of the
sequence numbers that their puts were answered with, also across the reshards.

The text is 111,711 lines of the Bible, Jane Austen and Melville, again and again for
--duration; or any file of yours, also a gzip one. While it runs, other programs can
use the server at the address that is shown.

Act two, group. Three workers share a stream with twice as many shards while 20,000
records are put each second; a fourth is added; one is killed, which tells nobody and
does nothing more; one leaves in order. Shards change hands live. At the end: nothing
lost, the order of each key kept, doubled at most what the killed worker had handled
after its last checkpoints (which is counted), and the longest time that a shard was
not read.

Needs no AWS account and no network. Ends with code 6 if the account is not clean: if
anything is lost, doubled without a reason or out of order, or if a shard was not read
for 5 seconds longer than is promised, which is 1 second while workers come and leave,
and the lease TTL (3 seconds) plus 2 after a kill. On a machine that is too busy to put
20,000 records each second these times are longer in proportion.`,
		Example: "  kin demo\n  kin demo --act group\n  kin demo --act records --input access.log.gz --passes 1 -o json",
		Args:    exactly(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.input, "input", "", "put the lines of this `file`")
	f.DurationVar(&o.duration, "duration", 6*time.Second, "put for about so long, the text at least once")
	f.IntVar(&o.passes, "passes", 0, "put the text exactly so many `times`, however long it takes")
	f.IntVar(&o.shards, "shards", 4, "`number` of shards to begin with")
	f.IntVar(&o.keys, "keys", 1000, "`number` of partition keys")
	f.StringVar(&o.act, "act", demoBoth, "`what` to show: records, group, or both")
	cmd.MarkFlagsMutuallyExclusive("duration", "passes")
	registerValues(cmd, "act", demoRecords, demoGroup, demoBoth)
	return cmd
}

func (o demoOptions) check() error {
	switch {
	case o.act != demoRecords && o.act != demoGroup && o.act != demoBoth:
		return usageErr(fmt.Sprintf("--act %q: must be records, group or both", o.act), "")
	case o.shards < 1 || o.shards > 500:
		return usageErr(fmt.Sprintf("--shards %d: must be from 1 to 500", o.shards), "")
	case o.keys < 1 || o.keys > 1_000_000:
		return usageErr(fmt.Sprintf("--keys %d: must be from 1 to 1,000,000", o.keys), "")
	case o.passes < 0:
		return usageErr(fmt.Sprintf("--passes %d: must be at least 1", o.passes), "")
	case o.duration <= 0:
		return usageErr(fmt.Sprintf("--duration %v: must be more than 0", o.duration), "")
	}
	return nil
}

// demo is one run of the demo.
//
//	feed -> Producer -> PutRecords -> server <- GetRecords <- Reader -> ledger
//	          |                         ^                                 ^
//	          +-- put results ----------|---------------------------------+
//	                       reshard: UpdateShardCount up, later down
//
// When everything is put, one last record, the marker, goes into each open
// shard. Shards are read in order and parents before children, so once all markers
// are read, nothing that was put before them can still come.
type demo struct {
	options  demoOptions
	input    demoInput
	server   *kintest.Server
	client   *kinesis.Client
	producer *kin.Producer
	reader   *kin.Reader
	ledger   *ledger
	start    time.Time

	fed     atomic.Int64 // part of the feeding that is done, in millionths
	passes  atomic.Int64 // begun
	phase   atomic.Pointer[string]
	feeding atomic.Pointer[time.Duration] // how long putting took, once it is done
	reading atomic.Pointer[time.Duration] // how long it took until the last record was read
	path    []int                         // open shards, step by step; written by the resharder
	split   chan struct{}                 // closed when the stream was split
	merged  chan struct{}                 // closed when it was merged back
}

func (a *app) demo(ctx context.Context, o demoOptions) error {
	if a.flags.endpoint != "" {
		return usageErr("--endpoint has no effect: the demo brings its own server", "leave it out")
	}
	if err := o.check(); err != nil {
		return err
	}
	input, err := openDemoInput(o.input)
	if err != nil {
		return err
	}
	if o.act != demoGroup {
		if err := a.demoRecords(ctx, o, input); err != nil {
			return err
		}
	}
	if o.act == demoRecords {
		return nil
	}
	if o.act == demoBoth && !a.json() {
		fmt.Fprintln(a.io.Out) // between the acts
	}
	return a.demoGroup(ctx, o, input)
}

// demoRecords runs act one.
func (a *app) demoRecords(ctx context.Context, o demoOptions, input demoInput) error {
	d, stop, err := newDemo(ctx, o, input)
	if err != nil {
		return err
	}
	defer stop()
	defer demoMemory.tune(d.server)()
	stopView := a.startDemoView(d)
	err = d.run(ctx)
	stopView()
	return a.demoReport(ctx, d, err)
}

// startDemoServer serves on a free port of loopback. The function that it returns ends that.
func startDemoServer(ctx context.Context, config kintest.Config) (server *kintest.Server, url string, stop func(), err error) {
	server, err = kintest.NewServer(config)
	if err != nil {
		return nil, "", nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", nil, err
	}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) }) // ends when the server is closed; its errors show in the requests
	stop = func() {
		_ = server.Close() // memory only: there is nothing to lose
		served.Wait()
		listener.Close()
	}
	return server, "http://" + listener.Addr().String(), stop, nil
}

// newDemo starts the server, and makes the stream and its clients. The function
// that it returns ends all of that.
func newDemo(ctx context.Context, o demoOptions, input demoInput) (*demo, func(), error) {
	d := &demo{
		options: o, input: input, ledger: newLedger(o.keys), start: time.Now(), path: []int{o.shards},
		split: make(chan struct{}), merged: make(chan struct{}),
	}
	d.setPhasef("starting")
	server, url, stop, err := startDemoServer(ctx, kintest.Config{StateDelay: demoStateDelay})
	if err != nil {
		return nil, nil, err
	}
	d.server = server
	if err := d.connect(url); err != nil {
		stop()
		return nil, nil, err
	}
	return d, stop, nil
}

func (d *demo) connect(url string) error {
	if err := d.server.CreateStream(demoStream, d.options.shards); err != nil {
		return err
	}
	config := d.server.AWSConfig()
	config.BaseEndpoint = &url
	config.HTTPClient = (&app{flags: globalFlags{timeout: 10 * time.Second}}).httpClient()
	d.client = kinesis.NewFromConfig(config)
	var err error
	// The server has no limits, so there is no reason to keep those of the service.
	d.producer, err = kin.NewProducer(d.client, kin.ProducerConfig{Stream: demoStream, ShardBytesPerSecond: -1, ShardRecordsPerSecond: -1})
	if err != nil {
		return err
	}
	d.reader, err = kin.NewReader(d.client, kin.ReaderConfig{
		Stream: demoStream, From: kin.TrimHorizon(),
		MaxCallsPerSecond: -1, MaxBytesPerSecond: -1,
		MinIdleWait: 2 * time.Millisecond, MaxIdleWait: 20 * time.Millisecond,
		ListEvery: time.Second,
	})
	return err
}

func (d *demo) setPhasef(format string, args ...any) {
	d.phase.Store(new(fmt.Sprintf(format, args...)))
}

// errDemoDone ends the reading when all markers are read.
var errDemoDone = errors.New("all markers are read")

// run puts, reshards and reads until all is read, something fails or ctx ends.
func (d *demo) run(ctx context.Context) error {
	work, end := context.WithCancelCause(ctx)
	defer end(nil)
	var group sync.WaitGroup
	fail := func(err error) {
		if err != nil {
			end(err)
		}
	}
	markers := newMarkers()
	group.Go(func() { fail(d.read(work, markers)) })
	group.Go(func() { fail(d.watch(work)) })
	var putting sync.WaitGroup
	putting.Go(func() { fail(d.feed(work)) })
	putting.Go(func() { fail(d.reshardTwice(work)) })
	putting.Wait()
	if work.Err() == nil {
		fail(d.putMarkers(work, markers))
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), demoPatience)
	defer cancel()
	closeErr := d.producer.Close(closing)
	group.Wait()
	if cause := context.Cause(work); cause != nil && !errors.Is(cause, errDemoDone) {
		return cause
	}
	return closeErr
}

// reshardTwice splits the stream to twice its shards after a third of the feeding,
// and merges it back after two thirds.
func (d *demo) reshardTwice(ctx context.Context) error {
	steps := []struct {
		after  int64
		shards int
		what   string
		done   chan struct{}
	}{
		{333_333, 2 * d.options.shards, "splitting", d.split},
		{666_666, d.options.shards, "merging", d.merged},
	}
	for _, step := range steps {
		for d.fed.Load() < step.after {
			if err := fetch.Sleep(ctx, 5*time.Millisecond); err != nil {
				return err
			}
		}
		from := d.path[len(d.path)-1]
		d.setPhasef("%s, %d -> %d shards", step.what, from, step.shards)
		_, err := d.client.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{
			StreamName: new(demoStream), TargetShardCount: new(int32(step.shards)), ScalingType: "UNIFORM_SCALING",
		})
		if err != nil {
			return fmt.Errorf("reshard to %d shards: %w", step.shards, err)
		}
		if _, err := waitActive(ctx, d.client, demoStream); err != nil {
			return err
		}
		d.path = append(d.path, step.shards)
		d.setPhasef("%s", count(step.shards, "shard"))
		close(step.done)
	}
	return nil
}

// read takes the records of the whole stream until all markers are read.
func (d *demo) read(ctx context.Context, markers *markers) error {
	for rec, err := range d.reader.Records(ctx) {
		if err != nil {
			return err
		}
		if markers.isMarker(&rec) {
			if markers.sawLast(rec.ShardID) {
				return errDemoDone
			}
			continue
		}
		d.ledger.sawRecord(&rec)
		if d.ledger.read.Load()%1024 == 0 {
			d.reading.Store(new(time.Since(d.start)))
		}
	}
	return nil
}
