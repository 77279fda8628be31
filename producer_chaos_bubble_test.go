package kin_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// outages are what may go on for minutes. begin starts one, and returns its end.
var outages = map[string]struct {
	begin     func(s *kintest.Server, way *outageWay) (end func())
	ambiguous bool // attempts may have been stored
}{
	"every record throttled": {begin: func(s *kintest.Server, _ *outageWay) func() {
		return s.Inject(kintest.Fault{Operation: "PutRecords", Records: func(int) string { return throttledCode }})
	}},
	"every call throttled": {begin: func(s *kintest.Server, _ *outageWay) func() {
		return s.Inject(kintest.Fault{Operation: "PutRecords", Error: throttledCode})
	}},
	"expired tokens": {begin: func(s *kintest.Server, _ *outageWay) func() {
		return s.Inject(kintest.Fault{Error: "ExpiredTokenException", Status: http.StatusBadRequest})
	}},
	"a proxy without its server": {ambiguous: true, begin: func(s *kintest.Server, _ *outageWay) func() {
		return s.Inject(kintest.Fault{Status: http.StatusBadGateway})
	}},
	"connections refused": {begin: func(_ *kintest.Server, way *outageWay) func() {
		way.refused.Store(true)
		return func() { way.refused.Store(false) }
	}},
	"calls that hang": {ambiguous: true, begin: func(s *kintest.Server, _ *outageWay) func() {
		return s.Inject(kintest.Fault{Hang: true})
	}},
	"refused, and then hanging": {ambiguous: true, begin: func(s *kintest.Server, way *outageWay) func() {
		way.refused.Store(true)
		timer := time.AfterFunc(time.Minute, func() { way.refused.Store(false) })
		end := s.Inject(kintest.Fault{Hang: true})
		return func() { timer.Stop(); way.refused.Store(false); end() }
	}},
}

// outageWay is the way to the server, which may be closed.
type outageWay struct {
	*http.Client
	refused atomic.Bool
	tries   atomic.Int64
}

func (w *outageWay) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "PutRecords") {
		w.tries.Add(1)
	}
	if w.refused.Load() {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	return w.Client.Do(r)
}

// clientWith returns a client of the server, and the way that its calls take.
func clientWith(s *kintest.Server) (*kinesis.Client, *outageWay) {
	way := &outageWay{Client: s.HTTPClient()}
	return kinesis.NewFromConfig(s.AWSConfig(), func(o *kinesis.Options) { o.HTTPClient = way }), way
}

// TestProducerOutlastsOutages has minutes in which nothing is taken, while more is put than the shards take. Nothing is lost, few
// calls are made meanwhile, and soon afterwards the shards get what they take, with few refusals.
func TestProducerOutlastsOutages(t *testing.T) {
	t.Parallel()
	for name, outage := range outages {
		for _, cfg := range []kin.ProducerConfig{{}, {Aggregation: kin.AggregateByShard, Ordered: true}} {
			t.Run(name+", "+cfg.Aggregation.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					const shards = 4
					s := atLimits(t, shards)
					c, way := clientWith(s)
					cfg.RecordTTL, cfg.CallTimeout, cfg.MaxBufferedBytes = -1, 5*time.Second, 16<<20
					p := newProducer(t, c, cfg)
					f := startFlood(t, 10_000, keysOfShards(t, s, 30), p)
					l := newLedger(t, s, shards)
					stopReading := l.watch()
					time.Sleep(10 * time.Second) // in a bubble

					end := outage.begin(s, way)
					before := way.tries.Load()
					time.Sleep(4 * time.Minute) // in a bubble
					if tries := way.tries.Load() - before; tries > 60*4*8 {
						t.Errorf("calls in 4 min without success = %d, want few", tries)
					}
					end()
					back := p.Stats()
					time.Sleep(5 * time.Second) // in a bubble
					soon := p.Stats()
					time.Sleep(20 * time.Second) // in a bubble
					later := p.Stats()
					if got := rates(&soon, &back); got.refused > 0.25 {
						t.Errorf("refused in the first 5 s = %.1f %%, want few", 100*got.refused)
					}
					if got := rates(&later, &soon); got.bytes < 0.95*float64(shards<<20) || got.refused > 0.05 {
						t.Errorf("from 5 s on it puts %.2f MB/s with %.1f %% refused, want what the shards take", got.bytes/1e6, 100*got.refused)
					}
					f.stop()
					mustClose(t, p)
					stopReading()
					if stored, failed := f.check(l); failed > 0 || stored == 0 || l.again > 0 && !outage.ambiguous || cfg.Ordered && l.disorder > 0 {
						t.Errorf("stored %d, %d of them twice, %d out of order, not stored %d (%v)", stored, l.again, l.disorder, failed, f.feeders[0].lastErr)
					}
				})
			})
		}
	}
}

// TestProducerClosesInOutages closes with little patience: what is reported as not stored is not, nothing else
// is missing, and the numbers of the error are those of the callbacks.
func TestProducerClosesInOutages(t *testing.T) {
	t.Parallel()
	for name, outage := range outages {
		for _, after := range []time.Duration{0, 100 * time.Millisecond, 90 * time.Second} {
			t.Run(name+" after "+after.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := atLimits(t, 4)
					c, way := clientWith(s)
					p := newProducer(t, c, kin.ProducerConfig{Aggregation: kin.AggregateByShard, RecordTTL: -1, MaxBufferedBytes: 8 << 20})
					f := startFlood(t, 1000, keysOfShards(t, s, 5), p)
					l := newLedger(t, s, 4)
					stopReading := l.watch()
					time.Sleep(3 * time.Second) // in a bubble
					end := outage.begin(s, way)
					time.Sleep(after) // in a bubble
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					defer cancel()
					begun := time.Now()
					err := p.Close(ctx)
					if took := time.Since(begun); took > 2100*time.Millisecond {
						t.Errorf("Close took %v, want its 2 s", took)
					}
					end()
					f.stop()
					time.Sleep(10 * time.Second) // in a bubble: for what the server has in hand
					stopReading()
					left, ok := errors.AsType[*kin.CloseError](err)
					if !ok {
						t.Fatalf("Close = %v, want a *CloseError", err)
					}
					// In any outage calls may be out when the patience is over, and nobody knows what becomes of them.
					notStored, ambiguous := f.checkTruth(l)
					if left.NotStored != notStored || left.Ambiguous != ambiguous {
						t.Errorf("Close = %v, want the numbers of the callbacks: %d not stored, %d ambiguous", left, notStored, ambiguous)
					}
				})
			})
		}
	}
}
