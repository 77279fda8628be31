package cli

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

// demoWorker is a Consumer as if it was alone in a process that can be killed. From the kill on
// all its calls fail, of the store and of the stream, those that are under way included, and
// its handler does nothing more: for all others that is what they see of kill -9.
type demoWorker struct {
	name     string
	demo     *groupDemo
	consumer *kin.Consumer
	state    atomic.Int32 // a workerState
	stop     context.CancelFunc
	err      error // of Run, when it has ended
}

type workerState int32

const (
	workerAway workerState = iota // not come yet
	workerHere
	workerDead
	workerGone
)

var errTornOut = errors.New("this worker was killed")

func (d *groupDemo) newWorker(name string) (*demoWorker, error) {
	w := &demoWorker{name: name, demo: d, stop: func() {}}
	patience := 5 * time.Second
	if name == groupDemoVictim {
		patience = time.Millisecond // it is not to be waited for
	}
	consumer, err := kin.NewConsumer(d.newClient(w.refuse), kin.ConsumerConfig{
		Group: groupDemoGroup, Store: &guardedStore{store: d.store, before: w.refuse, after: w.refuseLate}, Stream: groupDemoStream,
		WorkerName: name, LeaseTTL: groupDemoTTL, CheckpointEvery: time.Second, ShutdownTimeout: patience,
		// The server has no limits, so there is no reason to keep those of the service.
		MaxCallsPerSecond: -1, MaxBytesPerSecond: -1, MinIdleWait: 5 * time.Millisecond, MaxIdleWait: 20 * time.Millisecond,
		Hooks: kin.ConsumerHooks{
			ShardStarted: func(i kin.LeaseInfo) { d.ledger.began(w.name, i) },
			ShardStopped: func(i kin.LeaseInfo) { d.ledger.stopped(w.name, i) },
		},
	}, kin.HandlerFunc(w.handle))
	w.consumer = consumer
	return w, err
}

func (w *demoWorker) is(s workerState) bool { return workerState(w.state.Load()) == s }
func (w *demoWorker) isAlive() bool         { return w.is(workerHere) }
func (w *demoWorker) isDead() bool          { return w.is(workerDead) }

// join starts the worker.
func (w *demoWorker) join(ctx context.Context, group *sync.WaitGroup) {
	ctx, w.stop = context.WithCancel(ctx)
	w.state.Store(int32(workerHere))
	group.Go(func() { w.err = w.consumer.Run(ctx) }) // ends after leave or kill
}

// leave stops the worker in order.
func (w *demoWorker) leave() {
	w.state.CompareAndSwap(int32(workerHere), int32(workerGone))
	w.stop()
}

// kill tears the worker out. Its goroutines end in their own time, and can't do anything any more.
func (w *demoWorker) kill() {
	w.demo.ledger.kill(w.name, func() { w.state.Store(int32(workerDead)) })
	w.stop()
}

// refuse is why a dead worker can't make a call.
func (w *demoWorker) refuse() error {
	if w.isDead() {
		return errTornOut
	}
	return nil
}

// refuseLate keeps an answer from a worker that died meanwhile.
func (w *demoWorker) refuseLate(err error) error { return errors.Join(w.refuse(), err) }

func (w *demoWorker) handle(_ context.Context, b *kin.Batch) error { return w.demo.ledger.took(w, b) }

// newClient makes a client of the server, whose requests fail when refuse says so.
func (d *groupDemo) newClient(refuse func() error) *kinesis.Client {
	config := d.server.AWSConfig()
	config.BaseEndpoint = &d.url
	var client aws.HTTPClient = (&app{flags: globalFlags{timeout: 10 * time.Second}}).httpClient()
	if refuse != nil {
		client = &refusingClient{client, refuse}
	}
	config.HTTPClient = client
	return kinesis.NewFromConfig(config)
}

// refusingClient makes requests while it may.
type refusingClient struct {
	client aws.HTTPClient
	refuse func() error
}

// Do implements aws.HTTPClient.
func (c *refusingClient) Do(r *http.Request) (*http.Response, error) {
	if err := c.refuse(); err != nil {
		return nil, err
	}
	response, err := c.client.Do(r)
	if refused := c.refuse(); refused != nil {
		if err == nil {
			response.Body.Close()
		}
		return nil, refused
	}
	return response, err
}
