package kintest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
)

// registerAt registers a consumer with the stream and returns its ARN.
func (e engine) registerAt(name string) *string {
	e.t.Helper()
	out := run[kinesis.RegisterStreamConsumerOutput](e, "RegisterStreamConsumer",
		&kinesis.RegisterStreamConsumerInput{StreamARN: e.summary(orders).StreamARN, ConsumerName: &name})
	if got := out.Consumer.ConsumerStatus; got != types.ConsumerStatusCreating {
		e.t.Errorf("status of a consumer that was just registered = %s, want CREATING", got)
	}
	return out.Consumer.ConsumerARN
}

func subscribeTo(arn *string, shard int, at types.StartingPosition) *kinesis.SubscribeToShardInput {
	return &kinesis.SubscribeToShardInput{ConsumerARN: arn, ShardId: new(idOf(shard)), StartingPosition: &at}
}

var horizon = types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}

func (e engine) subscribed(in *kinesis.SubscribeToShardInput) kintest.Subscription {
	e.t.Helper()
	b, err := e.Subscribe(in)
	if err != nil {
		e.t.Fatalf("subscribe: %v", err)
	}
	return b
}

func TestConsumersComeAndGo(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{StateDelay: time.Second}, func(e engine) {
		e.create(orders, 1)
		arn := e.registerAt("billing")
		if want := *e.summary(orders).StreamARN + "/consumer/billing:946684801"; *arn != want {
			e.t.Errorf("ARN = %s, want %s", *arn, want)
		}
		status := func() types.ConsumerStatus {
			d := run[kinesis.DescribeStreamConsumerOutput](e, "DescribeStreamConsumer", &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn})
			return d.ConsumerDescription.ConsumerStatus
		}
		_, err := e.Subscribe(subscribeTo(arn, 0, horizon))
		e.wantError("subscribe while CREATING", err, "ResourceInUseException",
			"Consumer billing with creation timestamp 946684801 under stream: orders, account 000000000000 is not in ACTIVE status.")
		e.pass(time.Second)
		if got := status(); got != types.ConsumerStatusActive {
			e.t.Errorf("status = %s, want ACTIVE", got)
		}
		e.fails("RegisterStreamConsumer", &kinesis.RegisterStreamConsumerInput{StreamARN: e.summary(orders).StreamARN, ConsumerName: new("billing")},
			"ResourceInUseException", "Consumer billing under stream orders already exists for account 000000000000.")
		e.fails("DeleteStream", &kinesis.DeleteStreamInput{StreamName: new(orders)}, "ResourceInUseException", "has registered consumers")

		b := e.subscribed(subscribeTo(arn, 0, horizon))
		e.do("DeregisterStreamConsumer", &kinesis.DeregisterStreamConsumerInput{StreamARN: e.summary(orders).StreamARN, ConsumerName: new("billing")})
		<-b.Done()
		e.wantError("subscription of a consumer that goes", b.Cause(), "ResourceNotFoundException", "Consumer billing:946684801 of stream orders under account 000000000000 not found.")
		if got := status(); got != types.ConsumerStatusDeleting {
			e.t.Errorf("status = %s, want DELETING", got)
		}
		e.pass(time.Second)
		e.fails("DescribeStreamConsumer", &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn}, "ResourceNotFoundException", "Consumer billing:946684801")
		if again := e.registerAt("billing"); *again == *arn {
			e.t.Errorf("a consumer that is registered again has the same ARN %s", *again)
		}
		e.fails("DescribeStreamConsumer", &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn}, "ResourceNotFoundException", "Consumer billing:946684801")
		e.do("DeleteStream", &kinesis.DeleteStreamInput{StreamName: new(orders), EnforceConsumerDeletion: new(true)})
	})
}

func TestListStreamConsumersPages(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		for _, name := range []string{"d", "b", "a", "c"} {
			e.registerAt(name)
		}
		in := kinesis.ListStreamConsumersInput{StreamARN: e.summary(orders).StreamARN, MaxResults: new(int32(3))}
		var got []string
		for {
			out := run[kinesis.ListStreamConsumersOutput](e, "ListStreamConsumers", &in)
			for _, con := range out.Consumers {
				got = append(got, *con.ConsumerName)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		wantList(e.t, "consumers", got, "a", "b", "c", "d")
		if got := *e.summary(orders).ConsumerCount; got != 4 {
			e.t.Errorf("summary counts %d consumers, want 4", got)
		}
		in.NextToken = new("garbage")
		e.fails("ListStreamConsumers", &in, "InvalidArgumentException", "Invalid NextToken.")
	})
}

func TestSubscriptionFollowsTheShardToItsEnd(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		arn := e.registerAt("billing")
		e.put(orders, "k", "a")
		b := e.subscribed(subscribeTo(arn, 0, horizon))
		defer b.Close()
		first := b.Next(100, 1<<20)
		e.wantTexts("first event", first.Records, "a")
		if first.More || first.End || first.Continuation != first.Records[0].Seq {
			e.t.Errorf("first event = more %v, end %v, continuation %s", first.More, first.End, first.Continuation)
		}
		woken := make(chan string)
		go func() {
			<-first.Wake
			woken <- texts(b.Next(100, 1<<20).Records)
		}()
		e.pass(time.Minute)
		e.put(orders, "k", "b")
		if got := <-woken; got != "b" {
			e.t.Errorf("event after the wake-up = %q, want b", got)
		}
		e.pass(time.Minute)
		idle := b.Next(100, 1<<20)
		e.pass(time.Minute)
		c := e.put(orders, "k", "c")
		if before := e.Records(orders)[1].SequenceNumber; idle.Continuation.Compare(e.sequence(&before)) <= 0 {
			e.t.Errorf("continuation %s of a silent event is not above the last record %s", idle.Continuation, before)
		}
		for what, from := range map[string]string{"a silent event": idle.Continuation.String(), "an event with records": first.Continuation.String()} {
			want := map[string]string{"a silent event": "c", "an event with records": "b c"}[what]
			it := e.iterator(kinesis.GetShardIteratorInput{
				StreamName: new(orders), ShardId: new(idOf(0)),
				ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, StartingSequenceNumber: &from,
			})
			e.wantTexts("continued after "+what, e.get(it).Records, want)
		}
		if c.Seq.Compare(idle.Continuation) <= 0 {
			e.t.Errorf("continuation %s is not below the next record %s", idle.Continuation, c.Seq)
		}
		b.Next(100, 1<<20)
		waiting := b.Next(100, 1<<20)
		e.split(0, "1000")
		<-waiting.Wake
		last := b.Next(100, 1<<20)
		if !last.End || len(last.ChildShards) != 2 || !last.Continuation.IsZero() {
			e.t.Errorf("last event = end %v, %d children, continuation %s", last.End, len(last.ChildShards), last.Continuation)
		}
	})
}

func TestSubscriptionSeesASplitThatTakesTime(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{StateDelay: time.Second}, func(e engine) {
		e.create(orders, 1)
		arn := e.registerAt("billing")
		e.pass(time.Second)
		b := e.subscribed(subscribeTo(arn, 0, horizon))
		e.split(0, "1000")
		event := b.Next(100, 1<<20)
		if want := time.Now().Add(time.Second); !event.Retry.Equal(want) {
			e.t.Fatalf("retry at %s, want %s", event.Retry, want)
		}
		e.pass(time.Until(event.Retry))
		if event = b.Next(100, 1<<20); !event.End {
			e.t.Error("the subscription does not see the end of the shard when the split is due")
		}
	})
}

func TestSubscriptionsTakeTurns(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 2)
		arn, other := e.registerAt("billing"), e.registerAt("search")
		first := e.subscribed(subscribeTo(arn, 0, horizon))
		const inUse = "Another active subscription exists for this consumer: 000000000000:orders:shardId-000000000000:billing"
		e.pass(4999 * time.Millisecond)
		_, err := e.Subscribe(subscribeTo(arn, 0, horizon))
		e.wantError("within 5 s", err, "ResourceInUseException", inUse)
		e.subscribed(subscribeTo(arn, 1, horizon))
		e.subscribed(subscribeTo(other, 0, horizon))
		wantList(e.t, "readers of shard 0", e.Shards(orders)[0].Readers, "billing", "search")

		e.pass(time.Millisecond)
		second := e.subscribed(subscribeTo(arn, 0, horizon))
		<-first.Done()
		e.wantError("the one that was replaced", first.Cause(), "ResourceInUseException", inUse)
		first.Close() // must not free the place of the second
		if got := e.Stats().Subscriptions; got != 3 {
			e.t.Errorf("%d subscriptions open, want 3", got)
		}
		second.Close()
		_, err = e.Subscribe(subscribeTo(arn, 0, horizon))
		e.wantError("within 5 s of one that was closed", err, "ResourceInUseException", inUse)

		e.EndSubscriptions(orders)
		third := e.subscribed(subscribeTo(arn, 0, horizon))
		e.EndSubscriptions(orders)
		<-third.Done()
		if third.Cause() != nil {
			e.t.Errorf("cause of a subscription that was ended = %v, want none", third.Cause())
		}
		fourth := e.subscribed(subscribeTo(arn, 0, horizon))
		e.do("DeleteStream", &kinesis.DeleteStreamInput{StreamName: new(orders), EnforceConsumerDeletion: new(true)})
		<-fourth.Done()
		e.wantError("after the stream", fourth.Cause(), "ResourceNotFoundException", "Stream orders under account 000000000000 not found.")
	})
}

func TestSubscribeRefuses(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		arn := e.registerAt("billing")
		dry := subscribeTo(arn, 0, horizon)
		dry.DryRun = new(true)
		for _, c := range []struct {
			in            *kinesis.SubscribeToShardInput
			code, message string
		}{
			{&kinesis.SubscribeToShardInput{}, "ValidationException", "3 validation errors detected: Value null at 'consumerARN' failed to satisfy constraint: Member must not be null; Value null at 'shardId'"},
			{subscribeTo(arn, 5, horizon), "ResourceNotFoundException", "Shard shardId-000000000005 in stream orders under account 000000000000 does not exist"},
			{subscribeTo(new(strings.Replace(*arn, "billing", "nobody", 1)), 0, horizon), "ResourceNotFoundException", "Consumer nobody:"},
			{subscribeTo(e.summary(orders).StreamARN, 0, horizon), "ValidationException", "at 'consumerARN' failed to satisfy constraint: Member must satisfy regular expression pattern"},
			{subscribeTo(arn, 0, types.StartingPosition{Type: "AT_SEQUENCE_NUMBER"}), "InvalidArgumentException", "no StartingSequenceNumber"},
			{subscribeTo(arn, 0, types.StartingPosition{Type: "AT_TIMESTAMP", Timestamp: new(time.Now().Add(time.Hour))}), "InvalidArgumentException", "cannot be greater than"},
			{dry, "DryRunOperationException", ""},
		} {
			_, err := e.Subscribe(c.in)
			e.wantError("subscribe", err, c.code, c.message)
		}
		e.subscribed(subscribeTo(arn, 0, horizon)).Close() // the refused ones took no place
	})
}
