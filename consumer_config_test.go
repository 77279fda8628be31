package kin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/memstore"
)

func TestConsumerConfig(t *testing.T) {
	t.Parallel()
	h := &book{}
	for name, tt := range map[string]struct {
		set  func(*kin.ConsumerConfig)
		want string
	}{
		"no group":              {func(c *kin.ConsumerConfig) { c.Group = "" }, "ConsumerConfig.Group is empty"},
		"a bad group":           {func(c *kin.ConsumerConfig) { c.Group = "a b" }, `ConsumerConfig.Group ("a b")`},
		"no store":              {func(c *kin.ConsumerConfig) { c.Store = nil }, "ConsumerConfig.Store is nil"},
		"no stream":             {func(c *kin.ConsumerConfig) { c.Stream = "" }, "ConsumerConfig.Stream is empty"},
		"a bad stream":          {func(c *kin.ConsumerConfig) { c.Stream = "a/b" }, "ConsumerConfig.Stream"},
		"a bad one of several":  {func(c *kin.ConsumerConfig) { c.Stream, c.Streams = "", []string{"a", "b/c"} }, "ConsumerConfig.Streams[1]"},
		"streams twice":         {func(c *kin.ConsumerConfig) { c.Stream, c.Streams = "", []string{"a", "a"} }, "names a twice"},
		"both kinds":            {func(c *kin.ConsumerConfig) { c.Streams = []string{"a"} }, "are both set"},
		"a sequence number":     {func(c *kin.ConsumerConfig) { c.From = kin.AtSequence("1") }, "ConsumerConfig.From (AT_SEQUENCE_NUMBER:1)"},
		"a bad worker":          {func(c *kin.ConsumerConfig) { c.WorkerName = "a/b" }, "ConsumerConfig.WorkerName"},
		"a short TTL":           {func(c *kin.ConsumerConfig) { c.LeaseTTL = time.Second }, "ConsumerConfig.LeaseTTL (1s) must be from 3s"},
		"negative leases":       {func(c *kin.ConsumerConfig) { c.MaxLeases = -2 }, "ConsumerConfig.MaxLeases (-2)"},
		"frequent checkpoints":  {func(c *kin.ConsumerConfig) { c.CheckpointEvery = 1 }, "ConsumerConfig.CheckpointEvery (1ns)"},
		"a negative number":     {func(c *kin.ConsumerConfig) { c.CheckpointRecords = -1 }, "ConsumerConfig.CheckpointRecords (-1)"},
		"large batches":         {func(c *kin.ConsumerConfig) { c.MaxBatchRecords = 1e7 }, "ConsumerConfig.MaxBatchRecords"},
		"negative lanes":        {func(c *kin.ConsumerConfig) { c.Parallel = -1 }, "ConsumerConfig.Parallel (-1)"},
		"negative bytes":        {func(c *kin.ConsumerConfig) { c.MaxUnackedBytes = -1 }, "ConsumerConfig.MaxUnackedBytes (-1)"},
		"a policy that is none": {func(c *kin.ConsumerConfig) { c.WhenFailed = 7 }, "ConsumerConfig.WhenFailed (7)"},
		"attempts for ever":     {func(c *kin.ConsumerConfig) { c.MaxAttempts = 3 }, "ConsumerConfig.MaxAttempts (3) has no meaning with RetryBatch"},
		"letters for nobody":    {func(c *kin.ConsumerConfig) { c.DeadLetter = h }, "ConsumerConfig.DeadLetter has no meaning with RetryBatch"},
		"waits the wrong way": {
			func(c *kin.ConsumerConfig) { c.RetryWait, c.MaxRetryWait = 2, 1 },
			"ConsumerConfig.RetryWait (2ns) is longer than MaxRetryWait (1ns)",
		},
		"a long stop":         {func(c *kin.ConsumerConfig) { c.ShutdownTimeout = 2 * time.Hour }, "ConsumerConfig.ShutdownTimeout (2h0m0s)"},
		"many records a call": {func(c *kin.ConsumerConfig) { c.MaxRecords = 10_001 }, "ConsumerConfig.MaxRecords (10001)"},
		"idle waits":          {func(c *kin.ConsumerConfig) { c.MinIdleWait, c.MaxIdleWait = 2e9, 1e9 }, "ConsumerConfig.MinIdleWait (2s)"},
		"an unknown choice":   {func(c *kin.ConsumerConfig) { c.WhenAggregated = 9 }, "ConsumerConfig.WhenAggregated (9)"},
		"another unknown one": {func(c *kin.ConsumerConfig) { c.WhenOutOfRange = 9 }, "ConsumerConfig.WhenOutOfRange (9)"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			cfg := kin.ConsumerConfig{Stream: "orders", Group: "billing", Store: memstore.New()}
			tt.set(&cfg)
			_, err := kin.NewConsumer(newFakeStream(1), cfg, h)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "kin: ") {
				t.Errorf("NewConsumer: %v, want an error with %q", err, tt.want)
			}
		})
	}

	t.Run("needs a client and a handler, and nothing but what has no default", func(t *testing.T) {
		t.Parallel()
		cfg := kin.ConsumerConfig{Stream: "orders", Group: "billing", Store: memstore.New()}
		if _, err := kin.NewConsumer(nil, cfg, h); err == nil {
			t.Error("no error without a client")
		}
		if _, err := kin.NewConsumer(newFakeStream(1), cfg, nil); err == nil {
			t.Error("no error without a handler")
		}
		if _, err := kin.NewConsumer(newFakeStream(1), cfg, h); err != nil {
			t.Errorf("NewConsumer: %v", err)
		}
	})
}
