package conformance

import (
	"crypto/md5" //nolint:gosec // the service routes by MD5
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const firstShard = "shardId-000000000000"

func putChecks() []Check {
	return []Check{
		{"the MD5 of the partition key chooses the shard", func(p *probe) {
			stream := p.stream(4)
			shards := p.shards(stream)
			for i := range 40 {
				key := fmt.Sprintf("key-%d", i)
				hash := md5.Sum([]byte(key)) //nolint:gosec // see the import
				want := owner(shards, new(big.Int).SetBytes(hash[:]))
				if got := aws.ToString(p.put(stream, key, "x").ShardId); got != want {
					p.errorf("key %q is on %s, want %s", key, got, want)
				}
			}
		}},
		{"the explicit hash key chooses the shard", func(p *probe) {
			stream := p.stream(3)
			for _, s := range p.shards(stream) {
				for _, key := range []*string{s.HashKeyRange.StartingHashKey, s.HashKeyRange.EndingHashKey} {
					out, err := p.PutRecord(p.ctx, &kinesis.PutRecordInput{
						StreamName: &stream, PartitionKey: aws.String("k"), ExplicitHashKey: key, Data: []byte("x"),
					})
					p.must(err, "put record")
					p.equal("shard of "+*key, aws.ToString(out.ShardId), aws.ToString(s.ShardId))
				}
			}
		}},
		{"sequence numbers have 56 digits and grow along a shard", func(p *probe) {
			stream := p.stream(1)
			last := integer(p.shards(stream)[0].SequenceNumberRange.StartingSequenceNumber)
			for range 20 {
				text := aws.ToString(p.put(stream, "k", "x").SequenceNumber)
				if !regexp.MustCompile(`^[1-9][0-9]{55}$`).MatchString(text) {
					p.errorf("sequence number %q does not have 56 digits", text)
				}
				if next := integer(&text); next.Cmp(last) <= 0 {
					p.errorf("sequence number %s after %s", next, last)
				} else {
					last = next
				}
			}
		}},
		{"PutRecords answers for each record in order", func(p *probe) {
			stream := p.stream(2)
			shards := p.shards(stream)
			in := &kinesis.PutRecordsInput{StreamName: &stream}
			var want []string
			for i := range 100 {
				s := shards[i%2]
				in.Records = append(in.Records, types.PutRecordsRequestEntry{
					PartitionKey: aws.String("k"), ExplicitHashKey: s.HashKeyRange.StartingHashKey, Data: fmt.Appendf(nil, "%d", i),
				})
				want = append(want, *s.ShardId)
			}
			out, err := p.PutRecords(p.ctx, in)
			p.must(err, "put records")
			p.equal("failed", aws.ToInt32(out.FailedRecordCount), 0)
			var got []string
			for _, r := range out.Records {
				got = append(got, aws.ToString(r.ShardId))
			}
			p.equal("shards", got, want)
			for i, s := range shards {
				records := p.read(p.iterator(stream, *s.ShardId, types.ShardIteratorTypeTrimHorizon), 50)
				for j, data := range records {
					p.equal("record", data, 2*j+i)
				}
				p.equal("records", len(records), 50)
			}
		}},
		{"PutRecords takes 500 records", func(p *probe) {
			stream := p.stream(1)
			out, err := p.PutRecords(p.ctx, batch(stream, 500, 10))
			p.must(err, "put records")
			p.equal("answers", len(out.Records), 500)
			p.equal("records", len(p.read(p.iterator(stream, firstShard, types.ShardIteratorTypeTrimHorizon), 500)), 500)
		}},
		{"PutRecords takes 9 MiB at once", func(p *probe) {
			stream := p.stream(1)
			out, err := p.PutRecords(p.ctx, batch(stream, 10, 900<<10))
			p.must(err, "put records")
			p.equal("failed", aws.ToInt32(out.FailedRecordCount), 0)
		}},
		{"a record of 1 MiB less its key fits", func(p *probe) {
			stream := p.stream(1)
			p.put(stream, "k", strings.Repeat("d", 1<<20-1))
		}},
		{"data comes back byte for byte", func(p *probe) {
			stream := p.stream(1)
			all := make([]byte, 256)
			for i := range all {
				all[i] = byte(i)
			}
			want := []string{string(all), "", "\x00", "schön ☃ 😀", strings.Repeat("\xff", 1000)}
			for _, data := range want {
				p.put(stream, "key ☃", data)
			}
			out := p.get(p.iterator(stream, firstShard, types.ShardIteratorTypeTrimHorizon), 0)
			if len(out.Records) != len(want) {
				p.fatalf("got %d records, want %d", len(out.Records), len(want))
			}
			for i, r := range out.Records {
				if string(r.Data) != want[i] {
					p.errorf("record %d is %q, want %q", i, r.Data, want[i])
				}
				p.equal("partition key", aws.ToString(r.PartitionKey), "key ☃")
			}
		}},
		{"SequenceNumberForOrdering is taken", func(p *probe) {
			stream := p.stream(1)
			first := p.put(stream, "k", "1")
			second, err := p.PutRecord(p.ctx, &kinesis.PutRecordInput{
				StreamName: &stream, PartitionKey: aws.String("k"), Data: []byte("2"), SequenceNumberForOrdering: first.SequenceNumber,
			})
			p.must(err, "put record")
			if integer(second.SequenceNumber).Cmp(integer(first.SequenceNumber)) <= 0 {
				p.errorf("sequence number %s after %s", *second.SequenceNumber, *first.SequenceNumber)
			}
		}},
	}
}

func refusedPutChecks() []Check {
	one := func(change func(*kinesis.PutRecordInput), codes ...string) func(*probe) {
		return func(p *probe) {
			stream := p.stream(1)
			in := &kinesis.PutRecordInput{StreamName: &stream, PartitionKey: aws.String("k"), Data: []byte("x")}
			change(in)
			_, err := p.PutRecord(p.ctx, in)
			p.refused(err, codes...)
		}
	}
	return []Check{
		{"PutRecords refuses 501 records", func(p *probe) {
			_, err := p.PutRecords(p.ctx, batch(p.stream(1), 501, 1))
			p.refused(err, validation)
		}},
		{"PutRecords refuses no records", func(p *probe) {
			_, err := p.PutRecords(p.ctx, &kinesis.PutRecordsInput{StreamName: aws.String(p.stream(1)), Records: []types.PutRecordsRequestEntry{}})
			p.refused(err, validation)
		}},
		{"PutRecords refuses more than 10 MiB", func(p *probe) {
			_, err := p.PutRecords(p.ctx, batch(p.stream(1), 11, 1000<<10))
			p.refused(err, invalid, validation)
		}},
		{"a record's key counts to its size", one(func(in *kinesis.PutRecordInput) { in.Data = make([]byte, 1<<20) }, validation, invalid)},
		{"a record of more than 1 MiB is refused", one(func(in *kinesis.PutRecordInput) { in.Data = make([]byte, 1<<20+1) }, validation, invalid)},
		{"an empty partition key is refused", one(func(in *kinesis.PutRecordInput) { in.PartitionKey = aws.String("") }, validation)},
		{"a partition key of 257 characters is refused", one(func(in *kinesis.PutRecordInput) {
			in.PartitionKey = aws.String(strings.Repeat("k", 257))
		}, validation)},
		{"a partition key counts in characters, not bytes", func(p *probe) {
			p.put(p.stream(1), strings.Repeat("☃", 256), "x")
		}},
		{"an explicit hash key that is no number is refused", one(func(in *kinesis.PutRecordInput) {
			in.ExplicitHashKey = aws.String("0x10")
		}, validation)},
		{"an explicit hash key of 2^128 is refused", one(func(in *kinesis.PutRecordInput) {
			in.ExplicitHashKey = aws.String("340282366920938463463374607431768211456")
		}, invalid, validation)},
		{"putting into an unknown stream is ResourceNotFoundException", func(p *probe) {
			_, err := p.PutRecord(p.ctx, &kinesis.PutRecordInput{StreamName: aws.String("nowhere"), PartitionKey: aws.String("k"), Data: []byte("x")})
			p.refused(err, notFound)
			_, err = p.PutRecords(p.ctx, batch("nowhere", 1, 1))
			p.refused(err, notFound)
		}},
		{"DryRun stores nothing", func(p *probe) {
			stream := p.stream(1)
			_, err := p.PutRecord(p.ctx, &kinesis.PutRecordInput{
				StreamName: &stream, PartitionKey: aws.String("k"), Data: []byte("x"), DryRun: aws.Bool(true),
			})
			p.refused(err, "DryRunOperationException")
			p.equal("records", len(p.get(p.iterator(stream, firstShard, types.ShardIteratorTypeTrimHorizon), 0).Records), 0)
		}},
	}
}

// batch is a PutRecords request of so many records of so many bytes.
func batch(stream string, records, bytes int) *kinesis.PutRecordsInput {
	in := &kinesis.PutRecordsInput{StreamName: &stream}
	for i := range records {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{
			PartitionKey: aws.String(fmt.Sprintf("key-%d", i)), Data: make([]byte, bytes),
		})
	}
	return in
}

// owner returns the open shard that owns the hash key.
func owner(shards []types.Shard, key *big.Int) string {
	for _, s := range shards {
		if s.SequenceNumberRange.EndingSequenceNumber == nil &&
			integer(s.HashKeyRange.StartingHashKey).Cmp(key) <= 0 && key.Cmp(integer(s.HashKeyRange.EndingHashKey)) <= 0 {
			return aws.ToString(s.ShardId)
		}
	}
	return ""
}
