package cli_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/kintest"
)

// streamObject is what the stream commands print with -o json.
type streamObject struct {
	Name           string     `json:"name"`
	ARN            string     `json:"arn"`
	Status         string     `json:"status"`
	Mode           string     `json:"mode"`
	OpenShards     int        `json:"open_shards"`
	RetentionHours int        `json:"retention_hours"`
	Created        *time.Time `json:"created"`
	Encryption     string     `json:"encryption"`
	Consumers      int        `json:"consumers"`
	MaxRecordKiB   int        `json:"max_record_kib"`
	Shards         []struct {
		ID        string   `json:"id"`
		Open      bool     `json:"open"`
		Parents   []string `json:"parents"`
		Children  []string `json:"children"`
		HashStart string   `json:"hash_start"`
		HashEnd   string   `json:"hash_end"`
		SeqStart  string   `json:"sequence_start"`
		SeqEnd    string   `json:"sequence_end"`
	} `json:"shards"`
}

func TestStream_lives_from_create_to_delete(t *testing.T) {
	t.Parallel()
	_, url := serve(t, func(c *kintest.Config) { c.StateDelay = 20 * time.Millisecond })
	at := []string{"--endpoint", url}
	if got, want := mustRun(t, "", append(at, "stream", "create", "orders", "--shards", "2")...), "orders is ACTIVE with 2 open shards\n"; got != want {
		t.Errorf("create = %q, want %q", got, want)
	}
	wantFailure(t, run(t.Context(), "", append(at, "stream", "create", "orders")...), 1, "orders", "already exists")
	list := mustRun(t, "", append(at, "stream", "list")...)
	if ok, _ := regexp.MatchString(`(?m)^STREAM +STATUS +MODE +CREATED\norders +ACTIVE +PROVISIONED +\d{4}-\d\d-\d\d`, list); !ok {
		t.Errorf("list =\n%s", list)
	}
	if got, want := mustRun(t, "", append(at, "stream", "reshard", "orders", "--shards", "5")...), "orders: 2 -> 5 open shards in 2 steps"; !strings.HasPrefix(got, want) {
		t.Errorf("reshard = %q, want %q", got, want)
	}
	if got, want := mustRun(t, "", append(at, "stream", "reshard", "orders", "--shards", "5")...), "orders has 5 open shards already\n"; got != want {
		t.Errorf("reshard again = %q, want %q", got, want)
	}
	describe := mustRun(t, "", append(at, "stream", "describe", "orders")...)
	for _, text := range []string{"orders  ACTIVE\n", "mode       PROVISIONED\n", "retention  24 hours\n", "shards     5 open, ", "└─ shardId-"} {
		if !strings.Contains(describe, text) {
			t.Errorf("describe has no %q:\n%s", text, describe)
		}
	}
	wantFailure(t, run(t.Context(), "", append(at, "stream", "delete", "orders")...), 2, "would delete orders", "5 open shards", "--yes")
	if got, want := mustRun(t, "", append(at, "stream", "delete", "orders", "--yes")...), "orders is deleted\n"; got != want {
		t.Errorf("delete = %q, want %q", got, want)
	}
	r := run(t.Context(), "", append(at, "stream", "list")...)
	if r.code != 0 || r.out != "" || !strings.Contains(r.err, "no streams") {
		t.Errorf("list of nothing = %+v", r)
	}
}

func TestStream_commands_print_one_object_per_line_with_json(t *testing.T) {
	t.Parallel()
	_, url := serve(t)
	at := []string{"--endpoint", url, "-o", "json"}
	created := objects[streamObject](t, mustRun(t, "", append(at, "stream", "create", "orders", "--shards", "2")...))
	if len(created) != 1 || created[0].Name != "orders" || created[0].Status != "ACTIVE" || created[0].OpenShards != 2 {
		t.Errorf("created = %+v", created)
	}
	mustRun(t, "", append(at, "stream", "create", "clicks", "--on-demand")...)
	listed := objects[struct{ Name, ARN, Status, Mode, Created string }](t, mustRun(t, "", append(at, "stream", "list")...))
	if len(listed) != 2 || listed[0].Name != "clicks" || listed[0].Mode != "ON_DEMAND" || listed[1].Name != "orders" {
		t.Errorf("listed = %+v", listed)
	}
	resharded := objects[struct {
		Stream          string
		From, To, Steps int
		Seconds         float64
	}](t, mustRun(t, "", append(at, "stream", "reshard", "orders", "--shards", "1")...))
	if len(resharded) != 1 || resharded[0].From != 2 || resharded[0].To != 1 || resharded[0].Steps != 1 {
		t.Errorf("resharded = %+v", resharded)
	}
	described := objects[streamObject](t, mustRun(t, "", append(at, "stream", "describe", "orders")...))
	if len(described) != 1 || len(described[0].Shards) != 3 {
		t.Fatalf("described = %+v", described)
	}
	merged := described[0].Shards[2]
	if !merged.Open || len(merged.Parents) != 2 || described[0].Shards[0].Children[0] != merged.ID || described[0].Shards[0].Open {
		t.Errorf("shards = %+v", described[0].Shards)
	}
	open := objects[streamObject](t, mustRun(t, "", append(at, "stream", "describe", "orders", "--open")...))
	if len(open[0].Shards) != 1 || open[0].Shards[0].ID != merged.ID {
		t.Errorf("open shards = %+v", open[0].Shards)
	}
	deleted := objects[struct{ Deleted string }](t, mustRun(t, "", append(at, "stream", "delete", "orders", "--yes")...))
	if len(deleted) != 1 || deleted[0].Deleted != "orders" {
		t.Errorf("deleted = %+v", deleted)
	}
}

func TestStream_reshard_refuses_on_demand_streams(t *testing.T) {
	t.Parallel()
	_, url := serve(t)
	mustRun(t, "", "stream", "create", "clicks", "--on-demand", "--endpoint", url)
	wantFailure(t, run(t.Context(), "", "stream", "reshard", "clicks", "--shards", "9", "--endpoint", url), 2, "on-demand")
}

func TestStream_can_be_named_by_its_ARN(t *testing.T) {
	t.Parallel()
	_, url := serve(t)
	mustRun(t, "", "stream", "create", "orders", "--endpoint", url)
	arn := "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
	if got := mustRun(t, "", "stream", "describe", arn, "--endpoint", url); !strings.Contains(got, arn) {
		t.Errorf("describe = %s", got)
	}
	mustRun(t, "a\n", "put", arn, "--endpoint", url)
	if got := mustRun(t, "", "tail", arn, "--from", "trim-horizon", "--until", "tip", "--endpoint", url); got != "a\n" {
		t.Errorf("tail = %q, want a", got)
	}
}

func TestStream_reshard_that_a_limit_stops_says_how_far_it_came(t *testing.T) {
	t.Parallel()
	server, url := serve(t)
	mustRun(t, "", "stream", "create", "orders", "--endpoint", url)
	server.Inject(kintest.Fault{Operation: "UpdateShardCount", Skip: 1, Error: "LimitExceededException", Message: "10 per day"})
	r := run(t.Context(), "", "stream", "reshard", "orders", "--shards", "4", "--endpoint", url)
	if r.code != 1 || !strings.Contains(r.err, "10 per day; ") || !strings.Contains(r.err, "; orders has 2 open shards now\n") {
		t.Errorf("reshard = %+v", r)
	}
	if got := mustRun(t, "", "stream", "describe", "orders", "--endpoint", url); !strings.Contains(got, "2 open") {
		t.Errorf("after it:\n%s", got)
	}
}
