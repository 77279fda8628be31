package kintest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

// session runs a server with a directory and closes it.
func session(t testing.TB, config kintest.Config, test func(e engine)) {
	t.Helper()
	s, err := kintest.NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	test(engine{t, s})
}

// describe writes all that the API says about a server's streams as text.
func describe(e engine) string {
	e.t.Helper()
	var b strings.Builder
	show := func(what string, v any) {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			e.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\n", what, text)
	}
	list := run[kinesis.ListStreamsOutput](e, "ListStreams", &kinesis.ListStreamsInput{})
	show("streams", list.StreamSummaries)
	for _, name := range list.StreamNames {
		summary := e.summary(name)
		show("summary", summary)
		if summary.StreamStatus == types.StreamStatusCreating {
			continue
		}
		arn := summary.StreamARN
		show("shards", e.shards(name, nil))
		show("tags", run[kinesis.ListTagsForStreamOutput](e, "ListTagsForStream", &kinesis.ListTagsForStreamInput{StreamName: &name}).Tags)
		policy, _ := e.Run("GetResourcePolicy", &kinesis.GetResourcePolicyInput{ResourceARN: arn}) // an error if there is none
		show("policy", policy)
		consumers := run[kinesis.ListStreamConsumersOutput](e, "ListStreamConsumers", &kinesis.ListStreamConsumersInput{StreamARN: arn}).Consumers
		show("consumers", consumers)
		for _, con := range consumers {
			show("tags", run[kinesis.ListTagsForResourceOutput](e, "ListTagsForResource", &kinesis.ListTagsForResourceInput{ResourceARN: con.ConsumerARN}).Tags)
		}
		for _, r := range e.Records(name) {
			show("record", r)
		}
	}
	show("account", run[kinesis.DescribeAccountSettingsOutput](e, "DescribeAccountSettings", &kinesis.DescribeAccountSettingsInput{}))
	return b.String()
}

// furnish makes streams that have a bit of everything.
func furnish(e engine) {
	name, policy := "a", `{"Version":"2012-10-17","Statement":[]}`
	e.do("CreateStream", &kinesis.CreateStreamInput{StreamName: &name, ShardCount: new(int32(3)), Tags: map[string]string{"team": "red"}})
	e.settle(name)
	arn := e.summary(name).StreamARN
	e.put(name, "k1", "one")
	e.do("SplitShard", &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: new(idOf(1)), NewStartingHashKey: new("170141183460469231731687303715884105728")})
	e.settle(name)
	e.do("MergeShards", &kinesis.MergeShardsInput{StreamName: &name, ShardToMerge: new(idOf(0)), AdjacentShardToMerge: new(idOf(3))})
	e.settle(name)
	e.do("IncreaseStreamRetentionPeriod", &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: new(int32(48))})
	e.settle(name)
	e.do("StartStreamEncryption", &kinesis.StartStreamEncryptionInput{StreamName: &name, EncryptionType: types.EncryptionTypeKms, KeyId: new("alias/key")})
	e.settle(name)
	e.do("PutResourcePolicy", &kinesis.PutResourcePolicyInput{ResourceARN: arn, Policy: &policy})
	run[kinesis.EnableEnhancedMonitoringOutput](e, "EnableEnhancedMonitoring", &kinesis.EnableEnhancedMonitoringInput{
		StreamName: &name, ShardLevelMetrics: []types.MetricsName{types.MetricsNameIncomingBytes},
	})
	e.settle(name)
	for i, consumer := range []string{"reader", "writer"} {
		run[kinesis.RegisterStreamConsumerOutput](e, "RegisterStreamConsumer", &kinesis.RegisterStreamConsumerInput{
			StreamARN: arn, ConsumerName: &consumer, Tags: map[string]string{"n": fmt.Sprint(i)},
		})
	}
	in := record(name, "k2", "two")
	in.ExplicitHashKey, in.HasHashKey = "7", true
	if err := e.PutRecord(in, &proto.PutRecordReply{}); err != nil {
		e.t.Fatal(err)
	}
	e.put(name, strings.Repeat("ü", 256), "")

	run[kinesis.UpdateAccountSettingsOutput](e, "UpdateAccountSettings", &kinesis.UpdateAccountSettingsInput{
		MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentInput{
			Status: types.MinimumThroughputBillingCommitmentInputStatusEnabled,
		},
	})
	auto := "auto"
	e.do("CreateStream", &kinesis.CreateStreamInput{
		StreamName: &auto, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		MaxRecordSizeInKiB: new(int32(10240)), RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
		WarmThroughputMiBps: new(int32(6)),
	})
	e.settle(auto)
	none := record(auto, "", "no key")
	none.HasPartitionKey = false
	if err := e.PutRecord(none, &proto.PutRecordReply{}); err != nil {
		e.t.Fatal(err)
	}
}

func TestDirectoryKeepsEverything(t *testing.T) {
	t.Parallel()

	for name, segment := range map[string]int64{"in_one_file": 0, "in_many_files": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				config := kintest.Config{Dir: t.TempDir(), StateDelay: time.Second}.WithSegments(segment)
				var before string
				session(t, config, func(e engine) {
					furnish(e)
					before = describe(e)
				})
				for range 2 {
					session(t, config, func(e engine) {
						if after := describe(e); after != before {
							t.Errorf("after a restart\n%s\nbefore\n%s", after, before)
						}
					})
				}
			})
		})
	}

	t.Run("with_changes_that_take_time_going_on", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			config := kintest.Config{Dir: t.TempDir(), StateDelay: time.Minute}
			name, gone, fresh := orders, "gone", "fresh"
			session(t, config, func(e engine) {
				e.create(name, 2)
				arn := e.summary(name).StreamARN
				run[kinesis.RegisterStreamConsumerOutput](e, "RegisterStreamConsumer", &kinesis.RegisterStreamConsumerInput{
					StreamARN: arn, ConsumerName: new("leaver"),
				})
				e.create(gone, 1)
				time.Sleep(time.Minute)
				e.do("DeregisterStreamConsumer", &kinesis.DeregisterStreamConsumerInput{StreamARN: arn, ConsumerName: new("leaver")})
				e.do("DeleteStream", &kinesis.DeleteStreamInput{StreamName: &gone})
				run[kinesis.UpdateShardCountOutput](e, "UpdateShardCount", &kinesis.UpdateShardCountInput{
					StreamName: &name, TargetShardCount: new(int32(3)), ScalingType: types.ScalingTypeUniformScaling,
				})
				e.do("CreateStream", &kinesis.CreateStreamInput{StreamName: &fresh, ShardCount: new(int32(1))})
				run[kinesis.RegisterStreamConsumerOutput](e, "RegisterStreamConsumer", &kinesis.RegisterStreamConsumerInput{
					StreamARN: arn, ConsumerName: new("reader"),
				})
			})
			time.Sleep(30 * time.Second)
			session(t, config, func(e engine) {
				for name, want := range map[string]types.StreamStatus{
					name: types.StreamStatusUpdating, gone: types.StreamStatusDeleting, fresh: types.StreamStatusCreating,
				} {
					if got := e.summary(name).StreamStatus; got != want {
						t.Errorf("%s is %s, want %s", name, got, want)
					}
				}
				got := describe(e)
				for _, status := range []string{"CREATING", "DELETING"} {
					if !strings.Contains(got, `"ConsumerStatus": "`+status+`"`) {
						t.Errorf("no consumer is %s in\n%s", status, got)
					}
				}
			})
			time.Sleep(30 * time.Second)
			var before string
			for round := range 3 {
				session(t, config, func(e engine) {
					if got := names(e.shards(name, &types.ShardFilter{Type: types.ShardFilterTypeAtLatest})); strings.Count(got, " ") != 2 {
						t.Errorf("open shards %s, want 3", got)
					}
					e.fails("DescribeStreamSummary", &kinesis.DescribeStreamSummaryInput{StreamName: &gone}, "ResourceNotFoundException", "not found")
					if got := e.summary(fresh).StreamStatus; got != types.StreamStatusActive {
						t.Errorf("%s is %s, want ACTIVE", fresh, got)
					}
					if round == 1 {
						e.put(name, "k", "x")
						before = describe(e)
					}
					if round == 2 && describe(e) != before {
						t.Errorf("got\n%s\nwant\n%s", describe(e), before)
					}
				})
			}
		})
	})
}

// TestKeptTypesAreComplete fails when a field is added that persist_state.go does not
// know: decide whether it has to be kept, then add it here.
func TestKeptTypesAreComplete(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"stream":       "server key id nonce born state generation kept spread mu rescale remode encrypt",
		"streamState":  "version phase until pending gone shards open mode retention maxRecord distribution encryption keyID warm metrics tags policy consumers",
		"shard":        "index id parents keys createdAt log limits reads end",
		"shardEnd":     "at children",
		"reshape":      "split merge evenInto shard adjacent key",
		"consumer":     "stream name born ready leaving goneAt tags policy seats",
		"accountState": "committed started ends",
	}
	for name, fields := range kintest.Fields() {
		if got := strings.Join(fields, " "); got != want[name] {
			t.Errorf("%s has the fields %s, want %s", name, got, want[name])
		}
	}
}

func TestSequenceNumbersGoOn(t *testing.T) {
	t.Parallel()

	t.Run("after_a_restart", func(t *testing.T) {
		t.Parallel()
		config := kintest.Config{Dir: t.TempDir()}
		session(t, config, func(e engine) { e.create(orders, 1) })
		var last proto.PutRecordReply
		for round := range 4 {
			session(t, config, func(e engine) {
				for i := range 3 {
					r := e.put(orders, "k", fmt.Sprint(round, i))
					if r.Seq.Compare(last.Seq) <= 0 {
						t.Errorf("round %d: number %s is not above %s", round, r.Seq, last.Seq)
					}
					last = r
				}
			})
		}
		session(t, config, func(e engine) {
			got := e.get(e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon))
			e.wantTexts("all", got.Records, "0 0 0 1 0 2 1 0 1 1 1 2 2 0 2 1 2 2 3 0 3 1 3 2")
		})
	})

	t.Run("above_those_that_were_seen_and_lost", func(t *testing.T) {
		t.Parallel()
		config := kintest.Config{Dir: t.TempDir()}
		session(t, config, func(e engine) { e.create(orders, 1) })
		var seen []kintest.Placed
		for range 3 {
			session(t, config, func(e engine) {
				e.LoseRecords()
				in := record(orders, "k", "lost")
				wantInternalFailure(t, e.PutRecord(in, &proto.PutRecordReply{}), "not written")
				for _, r := range e.Records(orders) {
					for _, other := range seen {
						if r.SequenceNumber <= other.SequenceNumber {
							t.Errorf("number %s, but %s was given before", r.SequenceNumber, other.SequenceNumber)
						}
					}
					seen = append(seen, r)
				}
			})
		}
		if len(seen) != 3 {
			t.Fatalf("%d records seen, want 3", len(seen))
		}
	})
}

func wantInternalFailure(t *testing.T, err error, message string) {
	t.Helper()
	failure, ok := errors.AsType[*kintest.APIError](err)
	if !ok || failure.Code != "InternalFailureException" || failure.Status != 500 || !strings.Contains(failure.Message, message) {
		t.Errorf("error = %v, want an InternalFailureException with %q", err, message)
	}
}

func TestRecordsAreNeverWithoutTheirShard(t *testing.T) {
	t.Parallel()
	config := kintest.Config{Dir: t.TempDir()}
	session(t, config, func(e engine) {
		e.LoseStates()
		e.create(orders, 1)
		e.put(orders, "k", "one")
		if _, err := e.SplitShard(orders, idOf(0)); err != nil {
			t.Fatal(err)
		}
		e.put(orders, "k", "two")
		if err := e.DeleteStream(orders); err != nil {
			t.Fatal(err)
		}
		e.create(orders, 2) // the deletion is not written: the younger stream counts
		e.put(orders, "k", "three")
	})
	session(t, config, func(e engine) {
		records := e.Records(orders)
		if len(records) != 1 || string(records[0].Data) != "three" || len(e.Shards(orders)) != 2 {
			t.Errorf("records %v in %d shards, want the one of the younger stream in 2", records, len(e.Shards(orders)))
		}
	})
}

func TestClosedShardsEndAfterARestart(t *testing.T) {
	t.Parallel()
	config := kintest.Config{Dir: t.TempDir()}
	session(t, config, func(e engine) {
		e.create(orders, 1)
		e.put(orders, "k", "one")
		if _, err := e.SplitShard(orders, idOf(0)); err != nil {
			t.Fatal(err)
		}
	})
	session(t, config, func(e engine) {
		got := e.get(e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon))
		e.wantTexts("closed shard", got.Records, "one")
		if got.NextShardIterator != "" || len(got.ChildShards) != 2 {
			t.Errorf("next iterator %q, children %v; want no iterator and two children", got.NextShardIterator, got.ChildShards)
		}
	})
}

func TestIteratorsOutliveARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := kintest.Config{Dir: t.TempDir()}
		var horizon, tip, other string
		session(t, config, func(e engine) {
			e.create(orders, 1)
			e.create("other", 1)
			other = e.from("other", idOf(0), types.ShardIteratorTypeLatest)
			e.put(orders, "k", "one")
			horizon = e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
			tip = e.get(horizon).NextShardIterator
			if err := e.DeleteStream("other"); err != nil {
				t.Fatal(err)
			}
		})
		session(t, config, func(e engine) {
			e.create("other", 1)
			e.put(orders, "k", "two")
			e.wantTexts("horizon", e.get(horizon).Records, "one two")
			e.wantTexts("tip", e.get(tip).Records, "two")
			e.getFails(other, "InvalidArgumentException", "Invalid ShardIterator.")
			time.Sleep(5*time.Minute + time.Second)
			e.getFails(tip, "ExpiredIteratorException", "Iterator expired")
		})
	})
}

func TestDirectoryShrinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := kintest.Config{Dir: t.TempDir()}.WithSegments(10_000)
		segments := func() int {
			t.Helper()
			found, err := filepath.Glob(filepath.Join(config.Dir, "*.log"))
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		fill := func(e engine, name string) {
			for range 50 {
				e.put(name, "k", strings.Repeat("x", 1000))
			}
		}
		session(t, config, func(e engine) {
			e.create(orders, 1)
			fill(e, orders)
			e.create("other", 1)
			fill(e, "other")
			if n := segments(); n < 10 {
				t.Fatalf("%d files, want more", n)
			}
			if err := e.DeleteStream("other"); err != nil {
				t.Fatal(err)
			}
			fill(e, orders)
			if n := segments(); n < 10 || n > 14 {
				t.Errorf("%d files after the deletion of half of the records, want about 12", n)
			}
		})
		time.Sleep(24*time.Hour + time.Second)
		session(t, config, func(e engine) {
			if records := e.Records(orders); len(records) != 0 {
				t.Errorf("%d records after their retention", len(records))
			}
			fill(e, orders)
			if n := segments(); n > 7 {
				t.Errorf("%d files when the retention of the first records has passed, want about 6", n)
			}
			if got := len(e.Records(orders)); got != 50 {
				t.Errorf("%d records, want the 50 new ones", got)
			}
		})
	})
}

func TestDirectoryProblems(t *testing.T) {
	t.Parallel()

	t.Run("in_use", func(t *testing.T) {
		t.Parallel()
		config := kintest.Config{Dir: t.TempDir()}
		session(t, config, func(engine) {
			if _, err := kintest.NewServer(config); !errors.Is(err, kintest.ErrLocked) || !strings.Contains(err.Error(), config.Dir) {
				t.Errorf("error = %v, want %v with the directory", err, kintest.ErrLocked)
			}
		})
		session(t, config, func(engine) {})
	})

	t.Run("damaged", func(t *testing.T) {
		t.Parallel()
		config := kintest.Config{Dir: t.TempDir()}
		session(t, config, func(e engine) { e.create(orders, 1); e.put(orders, "k", "one"); e.put(orders, "k", "two") })
		path := filepath.Join(config.Dir, "00000000000000000001.log")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[strings.Index(string(data), "one")] ^= 1
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = kintest.NewServer(config)
		if err == nil || !strings.Contains(err.Error(), "00000000000000000001.log is damaged at byte") || strings.Contains(err.Error(), "\n") {
			t.Errorf("error = %v, want one line that names the file and the place", err)
		}
	})

	t.Run("torn", func(t *testing.T) {
		t.Parallel()
		var log strings.Builder
		config := kintest.Config{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
		session(t, config, func(e engine) { e.create(orders, 1); e.put(orders, "k", "one"); e.put(orders, "k", "two") })
		path := filepath.Join(config.Dir, "00000000000000000001.log")
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()-1); err != nil {
			t.Fatal(err)
		}
		session(t, config, func(e engine) {
			if got := e.Records(orders); len(got) != 1 || string(got[0].Data) != "one" {
				t.Errorf("records %v, want the first one", got)
			}
		})
		if !strings.Contains(log.String(), "cut off") || !strings.Contains(log.String(), "file=00000000000000000001.log") {
			t.Errorf("log %q, want what was cut off", log.String())
		}
	})

	t.Run("not_writable_any_more", func(t *testing.T) {
		t.Parallel()
		var log strings.Builder
		config := kintest.Config{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
		session(t, config, func(e engine) {
			e.create(orders, 1)
			e.BreakJournal()
			wantInternalFailure(t, e.PutRecord(record(orders, "k", "x"), &proto.PutRecordReply{}), "journal: closed")
			if err := e.CreateStream("more", 1); err != nil {
				t.Fatal(err)
			}
		})
		if got := strings.Count(log.String(), "not kept any more"); got != 1 {
			t.Errorf("%d complaints in the log, want one: %s", got, log.String())
		}
	})
}
