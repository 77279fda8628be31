package cli_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/lease"
)

func TestGroupReset_shows_what_it_would_do_and_does_it_with_yes(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	f.join("host-a-1") // dead, as far as beats tell
	r := f.run("group", "reset", "billing", "--to", "trim-horizon")
	if r.code != 2 || !strings.Contains(r.err, "this would set 2 shards of orders for group billing") || !strings.Contains(r.err, "host-a-1 is silent") || !strings.Contains(r.err, "--yes") {
		t.Errorf("code = %d, it said %q", r.code, r.err)
	}
	want := "SHARD                 FROM          TO            OWNER BEFORE  WHY\n" +
		"shardId-000000000000  shard end     trim horizon  -             begins there\n" +
		"shardId-000000000001  trim horizon  trim horizon  host-a-1      taken from its owner\n"
	if r.out != want {
		t.Errorf("plan =\n%swant\n%s", r.out, want)
	}
	if f.row(0).Revision != 1 || f.row(1).Owner != "host-a-1" {
		t.Fatal("it did something")
	}
	r = f.run("group", "reset", "billing", "--to", "trim-horizon", "--yes")
	if r.code != 0 || !strings.HasSuffix(r.out, "\nset 2 shards of orders for group billing\n") || !strings.Contains(r.err, "forgot worker host-a-1, which was dead") {
		t.Errorf("result = %+v", r)
	}
	if l := f.row(0); l.Checkpoint != lease.TrimHorizon {
		t.Errorf("lease = %+v, want it open again", l)
	}
	if l := f.row(1); l.Owner != "" || l.Epoch != 3 {
		t.Errorf("lease = %+v, want it without an owner, and a new epoch", l)
	}
	if out := f.mustRun("group", "reset", "billing", "--to", "trim-horizon", "--yes"); out != "group billing is there already\n" {
		t.Errorf("again = %q", out)
	}
}

func TestGroupReset_to_latest_and_to_times(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	type step struct{ Stream, Shard, From, To, Owner, Why string }
	all := objects[step](t, f.mustRun("group", "reset", "billing", "--to", "latest", "--yes", "-o", "json"))
	if len(all) != 2 || !strings.HasPrefix(all[0].To, "AT_TIMESTAMP:") || all[0].To != all[1].To || all[0].Owner != "host-a-1" || f.row(0).Checkpoint != lease.ShardEnd {
		t.Errorf("latest = %+v, first = %+v; want the open shards at one time, and the closed one finished", all, f.row(0))
	}
	at, err := time.Parse(time.RFC3339Nano, strings.TrimPrefix(all[0].To, "AT_TIMESTAMP:"))
	if err != nil || time.Since(at).Abs() > 10*time.Second {
		t.Errorf("latest is %v, %v", at, err)
	}
	all = objects[step](t, f.mustRun("group", "reset", "billing", "--to", "1h", "--yes", "-o", "json"))
	if len(all) != 3 || !strings.HasPrefix(all[0].To, "AT_TIMESTAMP:") || all[0].From != "SHARD_END" || all[1].To != "TRIM_HORIZON" || all[2].To != "TRIM_HORIZON" {
		t.Errorf("an hour ago = %+v; want the parent at the time, and its children after it", all)
	}
}

func TestGroupReset_of_one_shard_to_a_sequence_number(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	first := f.server.Records("orders")[0].SequenceNumber
	wantFailure(t, f.run("group", "reset", "billing", "--to", first), 2, "is a position in one shard", "--shard")
	out := f.mustRun("group", "reset", "billing", "--to", first, "--shard", "shardId-000000000000", "--yes")
	if f.row(0).Checkpoint != lease.Checkpoint("AT_SEQUENCE_NUMBER:"+first) || f.row(1).Owner != "" || !strings.Contains(out, "at .."+first[len(first)-12:]) {
		t.Errorf("it said %q; leases = %+v, %+v", out, f.row(0), f.row(1))
	}
	r := f.run("group", "reset", "billing", "--to", "AFTER_SEQUENCE_NUMBER:12", "--shard", "shardId-000000000001", "--yes")
	wantFailure(t, r, 2, "12")
	wantFailure(t, f.run("group", "reset", "billing", "--to", "latest", "--shard", "shardId-000000000009"), 5, "does not list the shard")
}

func TestGroupReset_refuses_while_workers_live(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	f.beating()
	wantFailure(t, f.run("group", "reset", "billing", "--to", "latest", "--yes"), 7, "host-a-1 is alive", "--force")
	if f.row(1).Owner != "host-a-1" {
		t.Fatal("it took the shard")
	}
	f.mustRun("group", "reset", "billing", "--to", "latest", "--yes", "--force")
	if l := f.row(1); l.Owner != "" || l.Epoch != 3 {
		t.Errorf("lease = %+v", l)
	}
}

func TestGroupReset_explains_what_is_wrong(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	reset := []string{"group", "reset", "billing"}
	wantFailure(t, f.run(append(reset, "--to", "noon")...), 2, `--to "noon" is no position`)
	wantFailure(t, f.run(reset...), 2, "--to is missing")
	wantFailure(t, f.run(append(reset, "--to", "latest", "--stream", "clicks")...), 5, "does not read the stream: clicks")
	wantFailure(t, f.run("group", "reset", "others", "--to", "latest"), 5, "no such group")
	f.server.Inject(kintest.Fault{Operation: "ListShards", Times: -1, Error: "AccessDeniedException"})
	wantFailure(t, f.run(append(reset, "--to", "latest", "--yes")...), 4, "IAM policy")
	if _, err := f.store.PutStream(context.Background(), "billing", lease.Stream{ARN: f.arn + "2", Start: lease.TrimHorizon, Revision: 1}); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, f.run(append(reset, "--to", "latest")...), 2, "reads orders, orders2", "--stream")
}
