package kintest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
)

func TestFaultsOfEvents(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault kintest.Fault
		code  string // of the error that the stream ends with; "*" is any, "" none
		read  int    // records that came
	}{
		"exception":       {kintest.Fault{Error: "InternalFailureException"}, "InternalFailureException", 1},
		"cut_before":      {kintest.Fault{Cut: kintest.CutBefore}, "*", 1},
		"truncated_frame": {kintest.Fault{Cut: kintest.CutMidBody}, "*", 1},
		"flipped_bit":     {kintest.Fault{Corrupt: true}, "*", 1},
		"end":             {kintest.Fault{End: true}, "", 1},
		"lost_event":      {kintest.Fault{Empty: true, Times: 1}, "", 2},
		"delay":           {kintest.Fault{Delay: time.Second}, "", 3},
	}
	for name, c := range cases {
		for _, version := range []string{"HTTP/1.1", "HTTP/2"} {
			t.Run(name+"_over_"+version, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newStream(t, 1)
					client := clients(t, s)[version]
					arn := register(t, client)
					put(t, client, "a")
					c.fault.Operation, c.fault.Consumer, c.fault.Shard = "SubscribeToShardEvent", "reader", shardID(0)
					c.fault.Skip = 1
					s.Inject(c.fault)
					stream := subscribe(t, client, arn, types.ShardIteratorTypeTrimHorizon)
					n := len(next(t, stream).Records)
					put(t, client, "b")
					synctest.Wait()
					put(t, client, "c")
					events, err := drain(stream)
					for _, e := range events {
						n += len(e.Records)
					}
					// Over HTTP/1.1 the SDK takes a broken connection for the end of the stream: it can't be told apart.
					quiet := c.fault.Cut != kintest.CutNone && version == "HTTP/1.1"
					if code := codeOf(err); !quiet && (c.code != "*" && code != c.code || (c.code == "") != (err == nil)) {
						t.Errorf("the stream ended with %v, want %q", err, c.code)
					}
					if n != c.read {
						t.Errorf("%d records came, want %d", n, c.read)
					}
				})
			})
		}
	}
}

func TestAPanicBecomesAnAnswer(t *testing.T) {
	t.Parallel()
	s := newStream(t, 1)
	s.Inject(kintest.Fault{ShardID: func(string) string {
		panic("out of shards")
	}, Times: 1})
	err := putOnce(t, s.Client())
	if codeOf(err) != "InternalFailureException" || !strings.Contains(err.Error(), "out of shards") {
		t.Errorf("error = %v, want an InternalFailureException that tells the panic", err)
	}
	if err := putOnce(t, s.Client()); err != nil {
		t.Errorf("next call: %v", err)
	}
}

func TestFaultsOfSubscribing(t *testing.T) {
	t.Parallel()
	s := newStream(t, 1)
	c := s.Client()
	arn := register(t, c)
	s.Inject(kintest.Fault{Operation: "SubscribeToShard", Consumer: "reader", Error: "LimitExceededException", Times: 1})
	in := &kinesis.SubscribeToShardInput{
		ConsumerARN: &arn, ShardId: new(shardID(0)), StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
	}
	if _, err := c.SubscribeToShard(t.Context(), in, once); codeOf(err) != "LimitExceededException" {
		t.Errorf("error = %v, want LimitExceededException", err)
	}
	next(t, subscribe(t, c, arn, types.ShardIteratorTypeLatest))
}
