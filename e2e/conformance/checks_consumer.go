package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func consumerChecks() []Check {
	return []Check{
		{"a consumer is registered, described, listed and deregistered", func(p *probe) {
			stream := p.stream(1)
			arn := p.consumer(stream, "reader")
			out, err := p.ListStreamConsumers(p.ctx, &kinesis.ListStreamConsumersInput{StreamARN: p.active(stream).StreamARN})
			p.must(err, "list consumers")
			if len(out.Consumers) != 1 || aws.ToString(out.Consumers[0].ConsumerARN) != arn {
				p.errorf("listed %d consumers, want the one that was registered", len(out.Consumers))
			}
			_, err = p.DeregisterStreamConsumer(p.ctx, &kinesis.DeregisterStreamConsumerInput{ConsumerARN: &arn})
			p.must(err, "deregister consumer")
			p.eventually("consumer is gone", func() bool {
				_, err = p.DescribeStreamConsumer(p.ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: &arn})
				return err != nil
			})
			p.refused(err, notFound)
		}},
		{"a consumer's name is taken once", func(p *probe) {
			stream := p.stream(1)
			p.consumer(stream, "reader")
			_, err := p.RegisterStreamConsumer(p.ctx, &kinesis.RegisterStreamConsumerInput{
				StreamARN: p.active(stream).StreamARN, ConsumerName: aws.String("reader"),
			})
			p.refused(err, inUse)
		}},
		{"a subscription pushes what is there and what comes", func(p *probe) {
			stream := p.stream(1)
			p.put(stream, "k", "there")
			events := p.subscribe(p.consumer(stream, "reader"), firstShard)
			defer events.Close()
			p.equal("first", p.next(events, 1), []string{"there"})
			p.put(stream, "k", "comes")
			p.equal("second", p.next(events, 1), []string{"comes"})
		}},
		{"a subscription ends at the end of its shard with the children", func(p *probe) {
			stream := p.stream(1)
			p.put(stream, "k", "before")
			parent, children := p.split(stream, p.shards(stream)[0])
			events := p.subscribe(p.consumer(stream, "reader"), *parent.ShardId)
			defer events.Close()
			var named int
			var got []string
			timeout := time.After(10 * time.Second)
			for open := true; open; {
				select {
				case event, ok := <-events.Events():
					open = ok
					if e, is := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent); is {
						named += len(e.Value.ChildShards)
						for _, r := range e.Value.Records {
							got = append(got, string(r.Data))
						}
					}
				case <-timeout:
					p.errorf("the subscription did not end in 10 s")
					open = false
				}
			}
			p.equal("records", got, []string{"before"})
			p.equal("children", named, len(children))
		}},
		{"subscribing with an unknown consumer is ResourceNotFoundException", func(p *probe) {
			stream := p.stream(1)
			arn := p.consumer(stream, "reader")
			last := len(arn) - 1
			other := arn[:last] + string('0'+'9'-arn[last]) // ends in another digit
			_, err := p.SubscribeToShard(p.ctx, &kinesis.SubscribeToShardInput{
				ConsumerARN: &other, ShardId: aws.String(firstShard),
				StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
			})
			p.refused(err, notFound)
		}},
		{"a second subscription within five seconds is ResourceInUseException", func(p *probe) {
			stream := p.stream(1)
			arn := p.consumer(stream, "reader")
			events := p.subscribe(arn, firstShard)
			defer events.Close()
			out, err := p.SubscribeToShard(p.ctx, &kinesis.SubscribeToShardInput{
				ConsumerARN: &arn, ShardId: aws.String(firstShard),
				StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
			})
			if err == nil {
				_ = out.GetStream().Close()
			}
			p.refused(err, inUse)
		}},
	}
}

// consumer registers a consumer, waits until it is ACTIVE and returns its ARN.
func (p *probe) consumer(stream, name string) string {
	out, err := p.RegisterStreamConsumer(p.ctx, &kinesis.RegisterStreamConsumerInput{
		StreamARN: p.active(stream).StreamARN, ConsumerName: &name,
	})
	p.must(err, "register consumer")
	p.eventually("consumer is ACTIVE", func() bool {
		got, err := p.DescribeStreamConsumer(p.ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: out.Consumer.ConsumerARN})
		p.must(err, "describe consumer")
		return got.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive
	})
	return aws.ToString(out.Consumer.ConsumerARN)
}

func (p *probe) subscribe(consumer, shard string) *kinesis.SubscribeToShardEventStream {
	ctx, cancel := context.WithCancel(p.ctx)
	p.cleanups = append(p.cleanups, cancel)
	out, err := p.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: &consumer, ShardId: &shard, StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
	})
	p.must(err, "subscribe to shard")
	return out.GetStream()
}

// next waits for so many records of the subscription.
func (p *probe) next(events *kinesis.SubscribeToShardEventStream, want int) []string {
	var got []string
	timeout := time.After(10 * time.Second)
	for len(got) < want {
		select {
		case event, ok := <-events.Events():
			if !ok {
				p.fatalf("the subscription ended: %v", events.Err())
			}
			if e, is := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent); is {
				for _, r := range e.Value.Records {
					got = append(got, string(r.Data))
				}
			}
		case <-timeout:
			p.fatalf("got %d records in 10 s, want %d", len(got), want)
		}
	}
	return got
}

func shardName(i int) string { return fmt.Sprintf("shardId-%012d", i) }
