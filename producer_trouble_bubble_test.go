package kin_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// kinds are ways of putting that go different ways through a producer.
var kinds = map[string]kin.ProducerConfig{
	"alone":            {},
	"by shard":         {Aggregation: kin.AggregateByShard},
	"by partition key": {Aggregation: kin.AggregateByPartitionKey},
	"in order":         {Aggregation: kin.AggregateByShard, Ordered: true},
	"alone, in order":  {Ordered: true},
}

func TestProducerAddsLittleDelay(t *testing.T) {
	t.Parallel()
	for name, cfg := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 16)
				cfg.Linger = 40 * time.Millisecond
				p := newProducer(t, client(s), cfg)
				l := newPutLog(t, p)
				const n = 2000
				for i := range n {
					at := time.Since(l.begun)
					done := l.callback(fmt.Sprint(i))
					rec := kin.UserRecord{PartitionKey: fmt.Sprint("k", i%300), Data: []byte("x")}
					if err := p.PutAsync(t.Context(), rec, func(result kin.PutResult, err error) {
						done(result, err)
						l.mu.Lock()
						defer l.mu.Unlock()
						a := l.answers[fmt.Sprint(i)]
						a.after -= at
						l.answers[fmt.Sprint(i)] = a
					}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Duration(i%7) * time.Millisecond)
				}
				mustClose(t, p)
				var delays []time.Duration
				for i := range n {
					delays = append(delays, l.of(fmt.Sprint(i)).after)
				}
				slices.Sort(delays)
				// The network and the server take no time at all in a bubble.
				if got, most := delays[n*99/100], cfg.Linger+5*time.Millisecond; got > most {
					t.Errorf("p99 of the delay = %v, want at most %v", got, most)
				}
				stats := p.Stats().Streams[0]
				if got := stats.Delay.Count(); got != n {
					t.Errorf("delays counted = %d, want %d", got, n)
				}
				if got := stats.TimeInBuffer.Quantile(0.99); got > 64*time.Millisecond || got < 16*time.Millisecond {
					t.Errorf("p99 of the time in buffer = %v, want about the linger", got)
				}
			})
		})
	}
}

func TestProducerOutlastsAnEndpointThatIsAway(t *testing.T) {
	t.Parallel()
	for name, cfg := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 4)
				cfg.RecordTTL = -1
				p := newProducer(t, client(s), cfg)
				l := newPutLog(t, p)
				shout(l, "before", 10)
				time.Sleep(time.Second)
				back := s.Inject(kintest.Fault{Cut: kintest.CutBefore})
				defer back()
				for i := range 300 { // five minutes
					shout(l, fmt.Sprint("m", i, "-"), 5)
					time.Sleep(time.Second)
				}
				if stats := p.Stats(); stats.Streams[0].StoppedTime < 4*time.Minute || p.Explain().Limit != kin.LimitEndpoint {
					t.Errorf("stood still for %v because of %v, want most of 5 min because of the endpoint", stats.Streams[0].StoppedTime, stats.Explain(kin.ProducerStats{}).Limit)
				}
				if n := s.CallCount("PutRecords"); n > 8*150 {
					t.Errorf("calls in 5 min = %d, want few", n)
				}
				back()
				time.Sleep(20 * time.Second)
				if l.count() != 10+5*300 {
					t.Errorf("answers 20 s after the endpoint is back = %d, want all %d", l.count(), 10+5*300)
				}
				mustClose(t, p)
				for i := range 300 {
					for _, key := range numbered(fmt.Sprint("m", i, "-"), 5) {
						if a := l.of(key); a.err != nil {
							t.Fatalf("%s: %v, want stored", key, a.err)
						}
					}
				}
			})
		})
	}
}

func TestProducerOutlastsExpiredCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, 4)
		config := s.AWSConfig()
		valid := config.Credentials
		var away atomic.Bool // the place where credentials come from
		config.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			if away.Load() {
				return aws.Credentials{}, errors.New("no credentials today")
			}
			c, err := valid.Retrieve(ctx)
			c.CanExpire, c.Expires = true, time.Now().Add(time.Minute)
			return c, err
		}))
		p := newProducer(t, kinesis.NewFromConfig(config), kin.ProducerConfig{Aggregation: kin.AggregateByShard, RecordTTL: -1})
		l := newPutLog(t, p)
		for i := range 300 {
			away.Store(i > 100 && i < 220)
			shout(l, fmt.Sprint("r", i, "-"), 5)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		mustClose(t, p)
		for i := range 300 {
			for _, key := range numbered(fmt.Sprint("r", i, "-"), 5) {
				if a := l.of(key); a.err != nil || a.result.MaybeDuplicate {
					t.Fatalf("%s: %+v, %v, want stored once", key, a.result, a.err)
				}
			}
		}
	})
}

func TestProducerLetsAHotShardStallNoOther(t *testing.T) {
	t.Parallel()
	for name, cfg := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 4, func(c *kintest.Config) { c.Limits = kintest.ServiceLimits() })
				cfg.MaxBufferedBytes, cfg.RecordTTL = 4<<20, 5*time.Second
				p := newProducer(t, client(s), cfg)
				l := newPutLog(t, p)
				ctx, cancel := context.WithCancel(t.Context())
				for range 4 { // much more than a shard takes, as fast as there is room
					go func() {
						for ctx.Err() == nil {
							rec := kin.UserRecord{PartitionKey: "hot", ExplicitHashKey: lowest, Data: make([]byte, 10_000)}
							_ = p.PutAsync(ctx, rec, func(kin.PutResult, error) {}) // some fail, that does not matter
							time.Sleep(time.Millisecond)
						}
					}()
				}
				time.Sleep(10 * time.Second)
				late := 0
				for i := range 150 {
					begun := time.Now()
					l.putTo(highest, 100, fmt.Sprint("cold", i)) // in a round trip
					if took := time.Since(begun); took > 0 {
						t.Errorf("a Put of another shard waited %v for room", took)
					}
					time.Sleep(100 * time.Millisecond)
				}
				hot := p.Explain()
				cancel()
				mustClose(t, p)
				for i := range 150 {
					a := l.of(fmt.Sprint("cold", i))
					if took := a.after - 10*time.Second - time.Duration(i)*100*time.Millisecond; a.err != nil || took > 150*time.Millisecond {
						late++
					}
				}
				if late > 3 {
					t.Errorf("%d of 150 records of another shard came late", late)
				}
				if name != "alone, in order" && (hot.Limit != kin.LimitPartitionKeys || len(hot.Shards) != 1) {
					t.Errorf("explanation = %+v, want partition keys and one shard", hot)
				}
			})
		})
	}
}

func TestProducerCorrectsItsClock(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		message  string
		times    int
		stored   bool
		attempts int
	}{
		"when it is late":        {"Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z", 1, true, 2},
		"when it is early":       {"Signature not yet current: 20260101T000000Z is still later than 20260101T001000Z", 1, true, 2},
		"once":                   {"Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z", 2, false, 2},
		"and not for other ends": {"The request signature we calculated does not match the signature you provided.", 1, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 1)
				defer s.Inject(kintest.Fault{Operation: "PutRecords", Error: "InvalidSignatureException", Message: tt.message, Times: tt.times})()
				p := newProducer(t, client(s), kin.ProducerConfig{})
				result, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k"})
				mustClose(t, p)
				attempts := result.Attempts
				if err != nil {
					attempts = putError(t, err).Attempts
				}
				if (err == nil) != tt.stored || attempts != tt.attempts || result.MaybeDuplicate {
					t.Errorf("Put = %+v, %v after %d attempts, want stored: %v, after %d", result, err, attempts, tt.stored, tt.attempts)
				}
			})
		})
	}
}

func TestProducerEncodes(t *testing.T) {
	t.Parallel()
	swap := func(text string) string { return strings.NewReplacer("a", "b", "b", "a").Replace(text) }
	for name, cfg := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 2)
				errOdd := errors.New("odd")
				cfg.Encode = func(rec kin.UserRecord) (kin.UserRecord, error) {
					if string(rec.Data) == "odd" {
						return rec, errOdd
					}
					rec.Data = []byte(swap(string(rec.Data)))
					return rec, nil
				}
				p := newProducer(t, client(s), cfg)
				l := newPutLog(t, p)
				shout(l, "first", 1)
				time.Sleep(time.Second)
				for _, data := range []string{"aab", "bad", "panic", "bba"} {
					rec := kin.UserRecord{PartitionKey: "k", Data: []byte(data)}
					if err := p.PutAsync(t.Context(), rec, l.callback(data)); err != nil {
						t.Fatal(err)
					}
				}
				_, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k", Data: []byte("odd")})
				if e := putError(t, err); !errors.Is(err, kin.ErrInvalidRecord) || !errors.Is(err, errOdd) || string(e.Record.Data) != "odd" {
					t.Errorf("Put = %v, want ErrInvalidRecord with the cause and the record", err)
				}
				if err := p.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				gone := s.Inject(kintest.Fault{Operation: "PutRecords", Error: "ResourceNotFoundException"})
				_, err = p.Put(t.Context(), kin.UserRecord{PartitionKey: "k", Data: []byte("aab")})
				if e := putError(t, err); string(e.Record.Data) != "aab" {
					t.Errorf("record in the error = %q, want it as it was given", e.Record.Data)
				}
				gone()
				mustClose(t, p)
				readEncoded(t, s, swap)
			})
		})
	}
}

// readEncoded reads what TestProducerEncodes has put.
func readEncoded(t *testing.T, s *kintest.Server, swap func(string) string) {
	t.Helper()
	var bad []string
	r := newReader(t, client(s), func(cfg *kin.ReaderConfig) {
		cfg.Hooks.BadRecord = func(i kin.BadRecordInfo) { bad = append(bad, strings.SplitN(i.Err.Error(), "\n", 2)[0]) }
		cfg.Decode = func(rec *kin.Record) error {
			rec.Data = []byte(swap(string(rec.Data)))
			rec.SequenceNumber, rec.SubSequence = "1", 7 // has no effect
			switch string(rec.Data) {
			case "bad":
				return errors.New("not good")
			case "panic":
				panic("oh")
			}
			return nil
		}
	})
	got := readFor(t, r, time.Minute)
	slices.Sort(got)
	if want := []string{"aab", "bba", "xxxxxxxxxx"}; !slices.Equal(got, want) {
		t.Errorf("data = %q, want %q", got, want)
	}
	slices.Sort(bad)
	if want := []string{"decode: not good", "decode: panic: oh"}; !slices.Equal(bad, want) {
		t.Errorf("bad records = %q, want %q", bad, want)
	}
	for id, at := range r.Positions() {
		if strings.Contains(at.String(), ":1:") {
			t.Errorf("position of %s = %v, made of what Decode has set", id, at)
		}
	}
}
