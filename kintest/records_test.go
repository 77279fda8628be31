package kintest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

func TestRecordsGoWhereTheirKeysSay(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 7)
		ranges := hashkey.Even(7)
		in := proto.PutRecordsRequest{StreamName: new(orders), HasRecords: true}
		var want []string
		for i := range 100 {
			en := entry(fmt.Sprint("key", i), strconv.Itoa(i))
			key := hashkey.Of(en.PartitionKey)
			if i%3 == 0 {
				key = ranges[i%7].End
				en.ExplicitHashKey, en.HasHashKey = key.String(), true
			}
			in.Records = append(in.Records, en)
			for n, r := range ranges {
				if r.Contains(key) {
					want = append(want, idOf(n))
				}
			}
		}
		var out proto.PutRecordsReply
		if err := e.PutRecords(&in, &out); err != nil || out.Failed != 0 || len(out.Records) != 100 {
			e.t.Fatalf("PutRecords = %d results, %d failed, %v", len(out.Records), out.Failed, err)
		}
		last := map[string]string{}
		for i, r := range out.Records {
			if r.ShardID != want[i] {
				e.t.Errorf("record %d went to %s, want %s", i, r.ShardID, want[i])
			}
			if seq := r.Seq.String(); len(seq) != 56 && len(seq) != 55 || seq <= last[r.ShardID] {
				e.t.Errorf("sequence number %s after %s in %s", seq, last[r.ShardID], r.ShardID)
			}
			last[r.ShardID] = r.Seq.String()
		}
		for _, p := range e.Records(orders) {
			var i int
			_, _ = fmt.Sscan(string(p.Data), &i)
			if p.SequenceNumber != out.Records[i].Seq.String() || p.ShardID != want[i] ||
				p.PartitionKey != in.Records[i].PartitionKey || p.ExplicitHashKey != in.Records[i].ExplicitHashKey {
				e.t.Errorf("record %d was kept as %+v", i, p)
			}
		}
	})
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		big := strings.Repeat("x", 1<<20)
		for _, c := range []struct {
			name, code, message string
			change              func(in *proto.PutRecordRequest)
		}{
			{
				"no data", "ValidationException", "1 validation error detected: Value null at 'data' failed to satisfy constraint: Member must not be null",
				func(in *proto.PutRecordRequest) { in.HasData = false },
			},
			{
				"no key", "ValidationException", "Value null at 'partitionKey' failed to satisfy constraint: Member must not be null",
				func(in *proto.PutRecordRequest) { in.HasPartitionKey = false },
			},
			{
				"empty key", "ValidationException", "Value '' at 'partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1",
				func(in *proto.PutRecordRequest) { in.PartitionKey = "" },
			},
			{
				"long key", "ValidationException", "at 'partitionKey' failed to satisfy constraint: Member must have length less than or equal to 256",
				func(in *proto.PutRecordRequest) { in.PartitionKey = strings.Repeat("ä", 257) },
			},
			{
				"hash key with zeros", "ValidationException", `Value '01' at 'explicitHashKey' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(0|([1-9]\d{0,38}))$`,
				func(in *proto.PutRecordRequest) { in.HasHashKey, in.ExplicitHashKey = true, "01" },
			},
			{
				"hash key 2^128", "InvalidArgumentException", "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was 340282366920938463463374607431768211456",
				func(in *proto.PutRecordRequest) {
					in.HasHashKey, in.ExplicitHashKey = true, "340282366920938463463374607431768211456"
				},
			},
			{
				"data and key above the limit", "InvalidArgumentException", "exceeds the maximum record size of 1024 KiB",
				func(in *proto.PutRecordRequest) { in.Data = []byte(big) },
			},
			{
				"unknown stream", "ResourceNotFoundException", "Stream other under account 000000000000 not found.",
				func(in *proto.PutRecordRequest) { in.StreamName = new("other") },
			},
			{
				"bad stream name", "ValidationException", "1 validation error detected: Value 'a b' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
				func(in *proto.PutRecordRequest) { in.StreamName = new("a b") },
			},
			{
				"foreign sequence number", "InvalidArgumentException", "ExclusiveMinimumSequenceNumber 17 used in PutRecord on stream orders under account 000000000000 is invalid.",
				func(in *proto.PutRecordRequest) { in.SequenceNumberForOrdering = new("17") },
			},
			{"dry run", "DryRunOperationException", "DryRun", func(in *proto.PutRecordRequest) { in.DryRun = true }},
		} {
			in := record(orders, "k", "data")
			c.change(in)
			e.wantError(c.name, e.PutRecord(in, &proto.PutRecordReply{}), c.code, c.message)
		}
		if got := len(e.Records(orders)); got != 0 {
			e.t.Errorf("%d records stored, want none", got)
		}
	})
}

func TestPutTakesWhatJustFits(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		longest := strings.Repeat("ä", 256)
		e.put(orders, "k", strings.Repeat("x", 1<<20-1))
		e.put(orders, longest, "")
		in := record(orders, "k", "x")
		in.HasHashKey, in.ExplicitHashKey = true, hashkey.Max().String()
		if err := e.PutRecord(in, &proto.PutRecordReply{}); err != nil {
			e.t.Errorf("with the highest hash key: %v", err)
		}
		if got := e.Records(orders); len(got) != 3 || got[1].PartitionKey != longest {
			e.t.Errorf("%d records stored, want 3", len(got))
		}
	})
}

func TestPutRecordsRefusesAsAWhole(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		many := func(n, size int) *proto.PutRecordsRequest {
			in := &proto.PutRecordsRequest{StreamName: new(orders), HasRecords: true}
			for range n {
				in.Records = append(in.Records, entry("k", strings.Repeat("x", size)))
			}
			return in
		}
		broken := many(3, 1)
		broken.Records[1].HasData = false
		broken.Records[2].PartitionKey = ""
		dry := many(1, 1)
		dry.DryRun = true
		for _, c := range []struct {
			name          string
			in            *proto.PutRecordsRequest
			code, message string
		}{
			{"nothing", &proto.PutRecordsRequest{StreamName: new(orders)}, "ValidationException", "Value null at 'records' failed to satisfy constraint: Member must not be null"},
			{"none", many(0, 0), "ValidationException", "at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1"},
			{"501", many(501, 1), "ValidationException", "at 'records' failed to satisfy constraint: Member must have length less than or equal to 500"},
			{"too much", many(11, 1<<20-1), "InvalidArgumentException", "Records size exceeds 10 MB limit"},
			{"two broken", broken, "ValidationException", "2 validation errors detected: Value null at 'records.2.member.data' failed to satisfy constraint: Member must not be null; " +
				"Value '' at 'records.3.member.partitionKey' failed"},
			{"dry run", dry, "DryRunOperationException", ""},
		} {
			e.wantError(c.name, e.PutRecords(c.in, &proto.PutRecordsReply{}), c.code, c.message)
		}
		if got := len(e.Records(orders)); got != 0 {
			e.t.Fatalf("%d records stored, want none", got)
		}
		if err := e.PutRecords(many(10, 1<<20-1), &proto.PutRecordsReply{}); err != nil {
			e.t.Errorf("10 MiB in one request: %v", err)
		}
	})
}

func TestScriptedRefusalsHitSingleRecords(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		in := proto.PutRecordsRequest{StreamName: new(orders), HasRecords: true, Records: []proto.PutEntry{entry("a", "a"), entry("b", "b"), entry("c", "c")}}
		in.Refuse = func(i int, shard string) (string, string) {
			if shard != idOf(0) {
				e.t.Errorf("record %d is refused for shard %s", i, shard)
			}
			if i == 1 {
				return "InternalFailure", "scripted"
			}
			return "", ""
		}
		var out proto.PutRecordsReply
		if err := e.PutRecords(&in, &out); err != nil {
			e.t.Fatal(err)
		}
		if r := out.Records[1]; out.Failed != 1 || r.ErrorCode != "InternalFailure" || r.ErrorMessage != "scripted" || r.ShardID != "" {
			e.t.Errorf("%d failed, the second result is %+v", out.Failed, r)
		}
		e.wantTexts("stored", e.get(e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)).Records, "a c")
	})
}

func TestIteratorTypes(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		latest := e.from(orders, idOf(0), types.ShardIteratorTypeLatest)
		a := e.put(orders, "k", "a")
		e.pass(time.Second)
		between := time.Now()
		e.pass(time.Second)
		b := e.put(orders, "k", "b")
		atB := time.Now()
		e.put(orders, "k", "c")
		it := func(kind types.ShardIteratorType, seq string, at *time.Time) string {
			in := kinesis.GetShardIteratorInput{StreamName: new(orders), ShardId: new(idOf(0)), ShardIteratorType: kind, Timestamp: at}
			if seq != "" {
				in.StartingSequenceNumber = &seq
			}
			return e.iterator(in)
		}
		start := *e.shards(orders, nil)[0].SequenceNumberRange.StartingSequenceNumber
		ago := time.Now().Add(-time.Hour)
		for _, c := range []struct{ what, it, want string }{
			{"trim horizon", e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon), "a b c"},
			{"latest, made before", latest, "a b c"},
			{"latest", e.from(orders, idOf(0), types.ShardIteratorTypeLatest), ""},
			{"at a", it(types.ShardIteratorTypeAtSequenceNumber, a.Seq.String(), nil), "a b c"},
			{"after a", it(types.ShardIteratorTypeAfterSequenceNumber, a.Seq.String(), nil), "b c"},
			{"after b", it(types.ShardIteratorTypeAfterSequenceNumber, b.Seq.String(), nil), "c"},
			{"at the start of the shard", it(types.ShardIteratorTypeAtSequenceNumber, start, nil), "a b c"},
			{"after the start of the shard", it(types.ShardIteratorTypeAfterSequenceNumber, start, nil), "a b c"},
			{"at an earlier time", it(types.ShardIteratorTypeAtTimestamp, "", &ago), "a b c"},
			{"at a time between", it(types.ShardIteratorTypeAtTimestamp, "", &between), "b c"},
			{"at the time of b", it(types.ShardIteratorTypeAtTimestamp, "", &atB), "b c"},
		} {
			e.wantTexts(c.what, e.get(c.it).Records, c.want)
			e.wantTexts(c.what+", used again", e.get(c.it).Records, c.want)
		}
		e.put(orders, "k", "d")
		e.wantTexts("latest, made before and used later", e.get(latest).Records, "a b c d")
	})
}

func TestGetShardIteratorRefuses(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 2)
		e.create("other", 2)
		e.pass(5 * time.Second)
		e.create("late", 1)
		there := e.put("late", "k", "x").Seq.String()
		seq := *e.shards(orders, nil)[1].SequenceNumberRange.StartingSequenceNumber
		type input = kinesis.GetShardIteratorInput
		const at, after = types.ShardIteratorTypeAtSequenceNumber, types.ShardIteratorTypeAfterSequenceNumber
		for _, c := range []struct {
			in            input
			code, message string
		}{
			{input{ShardId: new("shardId-000000000009"), ShardIteratorType: "LATEST"}, "ResourceNotFoundException", "Shard shardId-000000000009 in stream orders under account 000000000000 does not exist"},
			{input{ShardId: new("nonsense"), ShardIteratorType: "LATEST"}, "ResourceNotFoundException", "Could not find shard nonsense in stream orders under account 000000000000."},
			{input{ShardId: new(idOf(0)), ShardIteratorType: "MIDDLE"}, "ValidationException", "Value 'MIDDLE' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"},
			{input{ShardId: new(idOf(0)), ShardIteratorType: at}, "InvalidArgumentException", "Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber."},
			{input{ShardId: new(idOf(0)), ShardIteratorType: "LATEST", StartingSequenceNumber: &seq}, "InvalidArgumentException", "Request specified LATEST and also a StartingSequenceNumber."},
			{input{ShardId: new(idOf(0)), ShardIteratorType: after, StartingSequenceNumber: &seq}, "InvalidArgumentException", "Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used in a call to a shard with shardId-000000000000"},
			{input{ShardId: new(idOf(0)), ShardIteratorType: after, StartingSequenceNumber: &there}, "InvalidArgumentException", "is invalid because it did not come from this stream."},
			{input{ShardId: new(idOf(0)), ShardIteratorType: after, StartingSequenceNumber: new("12345")}, "InvalidArgumentException", "StartingSequenceNumber 12345 used in GetShardIterator on shard shardId-000000000000 in stream orders under account 000000000000 is invalid."},
			{input{ShardId: new(idOf(0)), ShardIteratorType: after, StartingSequenceNumber: new("1x")}, "ValidationException", "Value '1x' at 'startingSequenceNumber' failed"},
			{input{ShardId: new(idOf(0)), ShardIteratorType: "AT_TIMESTAMP"}, "InvalidArgumentException", "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP."},
			{input{ShardId: new(idOf(0)), ShardIteratorType: "AT_TIMESTAMP", Timestamp: new(time.Now().Add(time.Second))}, "InvalidArgumentException", "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis."},
			{input{ShardId: new(idOf(0)), ShardIteratorType: "LATEST", DryRun: new(true)}, "DryRunOperationException", ""},
		} {
			c.in.StreamName = new(orders)
			e.fails("GetShardIterator", &c.in, c.code, c.message)
		}
	})
}

func TestIteratorsEnd(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		e.put(orders, "k", "x")
		it := e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
		for _, text := range []string{"garbage", "AAAAAAAAAAE=", it[:len(it)-4], it + "AAAA", "B" + it[1:], strings.Replace(it, it[40:44], "zzzz", 1), strings.Repeat("A", 512)} {
			e.getFails(text, "InvalidArgumentException", "Invalid ShardIterator.")
		}
		e.getFails("", "ValidationException", "at 'shardIterator' failed to satisfy constraint: Member must have length greater than or equal to 1")
		e.getFails(strings.Repeat("A", 513), "ValidationException", "Member must have length less than or equal to 512")

		e.pass(5 * time.Minute)
		e.get(it)
		e.pass(time.Millisecond)
		e.getFails(it, "ExpiredIteratorException", "Iterator expired. The iterator was created at time Sat Jan 01 00:00:00 UTC 2000 while right now it is "+
			"Sat Jan 01 00:05:00 UTC 2000 which is further in the future than the tolerated delay of 300000 milliseconds.")

		it = e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
		e.ExpireIterators(orders)
		e.getFails(it, "ExpiredIteratorException", "Iterator expired.")
		it = e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
		it = e.get(it).NextShardIterator
		e.get(it)

		e.do("DeleteStream", &kinesis.DeleteStreamInput{StreamName: new(orders)})
		e.create(orders, 1)
		e.getFails(it, "ResourceNotFoundException", "Shard shardId-000000000000 in stream orders under account 000000000000 does not exist")
	})
}

func TestPagesAreBoundedInRecordsAndBytes(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		e.do("UpdateMaxRecordSize", &kinesis.UpdateMaxRecordSizeInput{StreamARN: e.summary(orders).StreamARN, MaxRecordSizeInKiB: new(int32(10240))})
		for range 10_001 {
			e.put(orders, "k", "s")
		}
		large := strings.Repeat("x", 6<<20)
		e.put(orders, "k", large)
		e.put(orders, "k", large)
		full := strings.Repeat("x", 10<<20-1)
		e.put(orders, "k", full)

		it := e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
		var out proto.GetRecordsReply
		if err := e.GetRecords(&proto.GetRecordsRequest{ShardIterator: &it, Limit: new(int32(7))}, &out); err != nil || len(out.Records) != 7 {
			e.t.Errorf("with a limit of 7: %d records, %v", len(out.Records), err)
		}
		for _, n := range []int32{0, 10_001} {
			err := e.GetRecords(&proto.GetRecordsRequest{ShardIterator: &it, Limit: &n}, &out)
			e.wantError(fmt.Sprint("limit ", n), err, "ValidationException", fmt.Sprintf("Value '%d' at 'limit' failed to satisfy constraint: Member must have value", n))
		}
		var got []int
		for it != "" && len(got) < 6 {
			page := e.get(it)
			got = append(got, len(page.Records))
			it = page.NextShardIterator
			if behind := page.MillisBehindLatest; (len(got) < 4) != (behind > 0) {
				e.t.Errorf("page %d: %d ms behind", len(got), behind)
			}
		}
		wantList(e.t, "records per page", got, 10_000, 2, 1, 1, 0, 0)
	})
}

func TestLagIsTheAgeOfTheOldestUnreadRecord(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		e.put(orders, "k", "a")
		e.pass(10 * time.Second)
		e.put(orders, "k", "b")
		e.pass(5 * time.Second)
		it := e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
		for _, want := range []int64{5000, 0, 0} {
			var out proto.GetRecordsReply
			if err := e.GetRecords(&proto.GetRecordsRequest{ShardIterator: &it, Limit: new(int32(1))}, &out); err != nil {
				e.t.Fatal(err)
			}
			if out.MillisBehindLatest != want {
				e.t.Errorf("%d ms behind after %q, want %d", out.MillisBehindLatest, texts(out.Records), want)
			}
			it = out.NextShardIterator
		}
	})
}

func TestEncryptionIsNamedInResultsAndRecords(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		if got := e.put(orders, "k", "plain").EncryptionType; got != "" {
			e.t.Errorf("encryption of a plain stream = %q, want none", got)
		}
		e.do("StartStreamEncryption", &kinesis.StartStreamEncryptionInput{StreamName: new(orders), EncryptionType: "KMS", KeyId: new("alias/aws/kinesis")})
		if got := e.put(orders, "k", "secret").EncryptionType; got != types.EncryptionTypeKms {
			e.t.Errorf("encryption = %q, want KMS", got)
		}
		if d := e.summary(orders); d.EncryptionType != types.EncryptionTypeKms || *d.KeyId != "alias/aws/kinesis" {
			e.t.Errorf("summary says %s", d.EncryptionType)
		}
		e.do("StopStreamEncryption", &kinesis.StopStreamEncryptionInput{StreamName: new(orders), EncryptionType: "KMS", KeyId: new("alias/aws/kinesis")})
		e.put(orders, "k", "plain again")
		var kms []bool
		for _, r := range e.get(e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)).Records {
			kms = append(kms, r.KMS)
		}
		wantList(e.t, "encrypted", kms, false, true, false)
	})
}
