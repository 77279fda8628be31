package conformance

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func readChecks() []Check {
	return []Check{
		{"small pages give every record once and in order", func(p *probe) {
			stream, want := p.numbered(25)
			iterator := p.iterator(stream, firstShard, types.ShardIteratorTypeTrimHorizon)
			var got []string
			for range 20 {
				out := p.get(iterator, 3)
				if len(out.Records) > 3 {
					p.errorf("a page has %d records, want at most 3", len(out.Records))
				}
				for _, r := range out.Records {
					got = append(got, string(r.Data))
				}
				iterator = aws.ToString(out.NextShardIterator)
			}
			p.equal("records", got, want)
		}},
		{"reading while others put passes no record over", func(p *probe) {
			stream := p.stream(1)
			const writers, calls, each = 4, 25, 20
			var writing sync.WaitGroup
			for range writers {
				writing.Go(func() {
					for range calls {
						if _, err := p.PutRecords(p.ctx, batch(stream, each, 10)); err != nil {
							return // the count tells
						}
					}
				})
			}
			var written atomic.Bool
			var waiting sync.WaitGroup
			waiting.Go(func() { writing.Wait(); written.Store(true) })
			defer waiting.Wait()
			got := 0
			iterator := p.iterator(stream, firstShard, types.ShardIteratorTypeTrimHorizon)
			for empty := 0; empty < 3; {
				done := written.Load()
				out := p.get(iterator, 0)
				got += len(out.Records)
				if done && len(out.Records) == 0 {
					empty++
				}
				iterator = aws.ToString(out.NextShardIterator)
			}
			p.equal("records", got, writers*calls*each)
		}},
		{"an iterator can be used again", func(p *probe) {
			stream, want := p.numbered(5)
			iterator := p.iterator(stream, firstShard, types.ShardIteratorTypeTrimHorizon)
			p.equal("first time", p.read(iterator, 5), want)
			p.equal("second time", p.read(iterator, 5), want)
		}},
		{"an open shard has a next iterator, also when there is nothing", func(p *probe) {
			stream, _ := p.numbered(1)
			out := p.get(p.iterator(stream, firstShard, types.ShardIteratorTypeLatest), 0)
			p.equal("records", len(out.Records), 0)
			if aws.ToString(out.NextShardIterator) == "" {
				p.errorf("no next iterator on an open shard")
			}
		}},
		{"a page has at most 10 MiB", func(p *probe) {
			stream := p.stream(1)
			for range 3 {
				_, err := p.PutRecords(p.ctx, batch(stream, 4, 1000<<10))
				p.must(err, "put records")
			}
			out := p.get(p.iterator(stream, firstShard, types.ShardIteratorTypeTrimHorizon), 0)
			bytes := 0
			for _, r := range out.Records {
				bytes += len(r.Data)
			}
			if bytes > 10<<20 || bytes == 0 {
				p.errorf("a page has %d bytes, want at most %d", bytes, 10<<20)
			}
		}},
		{"the lag is 0 at the tip and more before it", func(p *probe) {
			stream, _ := p.numbered(1)
			p.pause(300 * time.Millisecond)
			p.put(stream, "k", "late")
			iterator := p.iterator(stream, firstShard, types.ShardIteratorTypeTrimHorizon)
			behind := p.get(iterator, 1)
			if lag := aws.ToInt64(behind.MillisBehindLatest); lag <= 0 || lag > 60_000 {
				p.errorf("lag with a record to come = %d ms, want more than 0 and less than a minute", lag)
			}
			tip := p.get(aws.ToString(behind.NextShardIterator), 10)
			p.equal("lag at the tip", aws.ToInt64(tip.MillisBehindLatest), 0)
		}},
		{"the arrival time is now", func(p *probe) {
			stream, _ := p.numbered(1)
			out := p.get(p.iterator(stream, firstShard, types.ShardIteratorTypeTrimHorizon), 0)
			at := aws.ToTime(out.Records[0].ApproximateArrivalTimestamp)
			if age := time.Since(at); age < -2*time.Second || age > time.Minute {
				p.errorf("arrived at %s, which is %s ago", at, age)
			}
		}},
		{"a limit over 10,000 is refused", func(p *probe) {
			stream, _ := p.numbered(1)
			_, err := p.GetRecords(p.ctx, &kinesis.GetRecordsInput{
				ShardIterator: aws.String(p.iterator(stream, firstShard, types.ShardIteratorTypeTrimHorizon)), Limit: aws.Int32(10001),
			})
			p.refused(err, validation, invalid)
		}},
		{"a garbage iterator is InvalidArgumentException", func(p *probe) {
			_, err := p.GetRecords(p.ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String("AAAAgarbage")})
			p.refused(err, invalid)
		}},
		{"an iterator of an unknown shard is ResourceNotFoundException", func(p *probe) {
			_, err := p.GetShardIterator(p.ctx, &kinesis.GetShardIteratorInput{
				StreamName: aws.String(p.stream(1)), ShardId: aws.String("shardId-000000000099"), ShardIteratorType: types.ShardIteratorTypeLatest,
			})
			p.refused(err, notFound)
		}},
	}
}

func positionChecks() []Check {
	const trim, after, at = types.ShardIteratorTypeTrimHorizon, types.ShardIteratorTypeAfterSequenceNumber, types.ShardIteratorTypeAtSequenceNumber
	return []Check{
		{"LATEST gives what is put afterwards", func(p *probe) {
			stream, _ := p.numbered(3)
			iterator := p.iterator(stream, firstShard, types.ShardIteratorTypeLatest)
			p.put(stream, "k", "new")
			p.equal("records", p.read(iterator, 1), []string{"new"})
		}},
		{"AT_SEQUENCE_NUMBER begins with the record itself, AFTER with the next", func(p *probe) {
			stream, data := p.numbered(10)
			records := p.get(p.iterator(stream, firstShard, trim), 0).Records
			for i, r := range records {
				number := sequence(r.SequenceNumber)
				p.equal("from "+data[i], p.read(p.iterator(stream, firstShard, at, number), 10-i), data[i:])
				if i < 9 {
					p.equal("after "+data[i], p.read(p.iterator(stream, firstShard, after, number), 9-i), data[i+1:])
				}
			}
			p.equal("records", len(records), 10)
		}},
		{"AT_SEQUENCE_NUMBER takes the start of the shard", func(p *probe) {
			stream, data := p.numbered(3)
			start := p.shards(stream)[0].SequenceNumberRange.StartingSequenceNumber
			p.equal("records", p.read(p.iterator(stream, firstShard, at, sequence(start)), 3), data)
		}},
		{"AT_TIMESTAMP begins with the first record that arrived then", func(p *probe) {
			stream, _ := p.numbered(2)
			p.pause(1100 * time.Millisecond) // some servers count in seconds; the check is not about that
			p.put(stream, "k", "later")
			arrived := p.get(p.iterator(stream, firstShard, trim), 0).Records[2].ApproximateArrivalTimestamp
			from := arrived.Add(-500 * time.Millisecond)
			p.equal("records", p.read(p.iterator(stream, firstShard, types.ShardIteratorTypeAtTimestamp, timestamp(from)), 1), []string{"later"})
		}},
		{"AT_TIMESTAMP is exact to the millisecond", func(p *probe) {
			stream := p.stream(1)
			for i := range 3 {
				p.put(stream, "k", strconv.Itoa(i))
				p.pause(20 * time.Millisecond)
			}
			second := p.get(p.iterator(stream, firstShard, trim), 0).Records[1]
			got := p.read(p.iterator(stream, firstShard, types.ShardIteratorTypeAtTimestamp, timestamp(*second.ApproximateArrivalTimestamp)), 2)
			p.equal("records", got, []string{"1", "2"})
		}},
		{"AT_TIMESTAMP long ago is the trim horizon", func(p *probe) {
			stream, data := p.numbered(2)
			long := time.Now().Add(-100 * time.Hour)
			p.equal("records", p.read(p.iterator(stream, firstShard, types.ShardIteratorTypeAtTimestamp, timestamp(long)), 2), data)
		}},
		{"AT_TIMESTAMP in the future is refused", func(p *probe) {
			future := time.Now().Add(time.Hour)
			_, err := p.GetShardIterator(p.ctx, &kinesis.GetShardIteratorInput{
				StreamName: aws.String(p.stream(1)), ShardId: aws.String(firstShard),
				ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: &future,
			})
			p.refused(err, invalid)
		}},
		{"AT_SEQUENCE_NUMBER without a number is refused", func(p *probe) {
			_, err := p.GetShardIterator(p.ctx, &kinesis.GetShardIteratorInput{
				StreamName: aws.String(p.stream(1)), ShardId: aws.String(firstShard), ShardIteratorType: at,
			})
			p.refused(err, invalid, validation)
		}},
		{"a sequence number that the shard never gave is refused", func(p *probe) {
			_, err := p.GetShardIterator(p.ctx, &kinesis.GetShardIteratorInput{
				StreamName: aws.String(p.stream(1)), ShardId: aws.String(firstShard), ShardIteratorType: at,
				StartingSequenceNumber: aws.String(strings.Repeat("9", 56)),
			})
			p.refused(err, invalid)
		}},
	}
}

func sequence(number *string) func(*kinesis.GetShardIteratorInput) {
	return func(in *kinesis.GetShardIteratorInput) { in.StartingSequenceNumber = number }
}

func timestamp(t time.Time) func(*kinesis.GetShardIteratorInput) {
	return func(in *kinesis.GetShardIteratorInput) { in.Timestamp = &t }
}

// numbered creates a stream of one shard with n records and returns their data.
func (p *probe) numbered(n int) (stream string, data []string) {
	stream = p.stream(1)
	for i := range n {
		data = append(data, fmt.Sprintf("record %d", i))
		p.put(stream, "k", data[i])
	}
	return stream, data
}
