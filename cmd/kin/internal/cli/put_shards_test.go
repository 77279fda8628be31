package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/kintest"
)

// slowShards makes the server take its time to say which shards there are: for longer than a short run takes.
func slowShards(server *kintest.Server) {
	server.Inject(kintest.Fault{Operation: "ListShards", Delay: 700 * time.Millisecond})
}

func TestPut_packs_from_the_beginning_however_late_it_knows_the_shards(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 2)
	slowShards(server)
	got := objects[putObject](t, mustRun(t, strings.Repeat("a line\n", 2000), append(put, "--aggregate", "shard", "-o", "json")...))[0]
	if got.Put != 2000 || got.Entries > 10 {
		t.Errorf("result = %+v, want 2,000 lines in a few Kinesis records", got)
	}
}

func TestLoad_keeps_to_the_pace_from_the_beginning_however_late_it_knows_the_shards(t *testing.T) {
	t.Parallel()
	args := limitedServer(t)
	got := objects[loadObject](t, mustRun(t, "", append(args, "load", "orders", "--rate", "max", "--count", "1200", "--pace", "service", "-o", "json")...))[0]
	if got.Stored != 1200 || got.Throttled != 0 {
		t.Errorf("result = %+v, want all stored and nothing refused", got)
	}
}

func TestPut_keeps_to_the_pace_from_the_beginning_however_late_it_knows_the_shards(t *testing.T) {
	t.Parallel()
	args := limitedServer(t)
	got := objects[putObject](t, mustRun(t, strings.Repeat("a line\n", 1200), append(args, "put", "orders", "--pace", "service", "-o", "json")...))[0]
	if got.Put != 1200 || got.Throttled != 0 {
		t.Errorf("result = %+v, want all stored and nothing refused", got)
	}
}

// limitedServer has a stream of one shard, with the limits of the service, and is slow to say so.
func limitedServer(t *testing.T) (args []string) {
	t.Helper()
	server, url := serve(t, func(c *kintest.Config) { c.Limits = kintest.ServiceLimits() })
	if err := server.CreateStream("orders", 1); err != nil {
		t.Fatal(err)
	}
	slowShards(server)
	return []string{"--endpoint", url}
}
