package stores_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/e2e/server"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/lease"
)

var updateDocs = flag.Bool("update", false, "rewrite the tables of docs/costs.md")

// What DynamoDB asks on demand in us-east-1, in dollars for a unit, and the hours of a month.
const (
	writePrice = 0.625e-6
	readPrice  = 0.125e-6
	month      = 730
)

func (u usage) dollars() float64 { return month * (u.Write*writePrice + u.Read*readPrice) }

// size is a group whose cost is computed, with what it may cost at most; 0 for anything.
type size struct {
	shards, workers int
	idle, busy      float64 // requests per hour
	dollars         float64 // per month, busy
}

func sizes() []size {
	return []size{
		{shards: 4, workers: 2},
		{shards: 10, workers: 3},
		{shards: 100, workers: 10, idle: 20_000, busy: 30_000, dollars: 10},
		{shards: 1000, workers: 20, dollars: 50},
		{shards: 1000, workers: 100},
	}
}

// TestCost computes what groups of several sizes cost at DynamoDB, and holds them to what they
// may cost: the calls that real groups make in an hour, times the requests and units of
// capacity that such a call takes with real rows at two servers, which have to agree. Run with
// -v to see the tables, and with -update to write them into docs/costs.md.
func TestCost(t *testing.T) {
	t.Parallel()
	var servers []*server.DynamoDB
	for _, kind := range server.DynamoDBKinds() {
		servers = append(servers, kind.Start(t))
	}
	var units, bill table
	units.row("shards", "workers", "call", "requests", "read units", "write units")
	bill.row("shards", "workers", "requests/h idle", "busy", "write units/h", "read units/h", "$/month idle", "busy", "KCL 3.x", "KCL 2.x")
	for _, size := range sizes() {
		each := measure(t, servers[0], size.shards, size.workers)
		for _, s := range servers[1:] {
			if got := measure(t, s, size.shards, size.workers); got != each {
				t.Errorf("%d shards, %d workers: %s counts %+v, %s %+v", size.shards, size.workers, s.Name, got, servers[0].Name, each)
			}
		}
		for _, call := range each.all() {
			units.row(size.shards, size.workers, call.name, call.used.Requests, call.used.Read, call.used.Write)
		}
		idle := each.price(hour(t, size.shards, size.workers, false))
		busy := each.price(hour(t, size.shards, size.workers, true))
		kcl3, kcl2 := kcl(size.shards, size.workers)
		bill.row(size.shards, size.workers, thousands(idle.Requests), thousands(busy.Requests), thousands(busy.Write), thousands(busy.Read),
			dollars(idle), dollars(busy), dollars(kcl3), dollars(kcl2))
		size.check(t, idle, busy)
	}
	t.Logf("\n%s\n%s", bill.String(), units.String())
	page := filepath.Join(server.Root(t), "docs", "costs.md")
	compare(t, page, "bill", bill.String())
	compare(t, page, "units", units.String())
}

func (s size) check(t *testing.T, idle, busy usage) {
	t.Helper()
	for _, c := range []struct {
		what      string
		got, most float64
	}{
		{"requests per hour when idle", idle.Requests, s.idle},
		{"requests per hour when busy", busy.Requests, s.busy},
		{"dollars per month", busy.dollars(), s.dollars},
	} {
		if c.most > 0 && c.got > c.most {
			t.Errorf("%d shards, %d workers: %s = %.2f, want at most %.0f", s.shards, s.workers, c.what, c.got, c.most)
		}
	}
}

// prices are what each call of a group takes, at a certain number of rows.
type prices struct {
	beat, poll, load, checkpoint, announced usage // announced without the version
	bump                                    usage
}

type priced struct {
	name string
	used usage
}

func (p prices) all() []priced {
	return []priced{
		{"heartbeat", p.beat},
		{"poll", p.poll},
		{"load", p.load},
		{"checkpoint", p.checkpoint},
		{"hand-over", p.announced},
		{"version", p.bump},
	}
}

func (p prices) price(n calls) usage {
	return p.beat.times(float64(n.Beats)).plus(p.poll.times(float64(n.Polls))).plus(p.load.times(float64(n.Loads))).
		plus(p.checkpoint.times(float64(n.Checkpoints))).plus(p.announced.times(float64(n.Announced))).
		plus(p.bump.times(float64(n.Bumps + n.Others)))
}

// measure makes each call once at the server, in a group with real rows.
func measure(t *testing.T, s *server.DynamoDB, shards, workers int) prices {
	t.Helper()
	m := &meter{Client: s.Client()}
	dynamoStore(t, s, "costs")
	store, err := dynamostore.New(m, dynamostore.Config{Table: "costs", CallTimeout: slowServer})
	if err != nil {
		t.Fatal(err)
	}
	group := fmt.Sprintf("%s-%d-%d", costGroup, shards, workers)
	rows, members := realRows(t, store, group, shards, workers)
	var p prices
	use := func(f func() error) usage {
		m.take()
		if err := f(); err != nil {
			t.Fatal(err)
		}
		return m.take()
	}
	p.beat = use(func() error { _, err := store.Beat(t.Context(), group, members[0]); return err })
	p.poll = use(func() error { _, err := store.Poll(t.Context(), group); return err })
	p.load = use(func() error { _, err := store.Load(t.Context(), group); return err })
	change := func(f func(*lease.Lease)) usage {
		return use(func() error {
			l := rows[0]
			f(&l)
			results, err := store.Update(t.Context(), group, []lease.Change{lease.Set(rows[0], l)})
			if err == nil && !results[0].Made {
				err = fmt.Errorf("the change was not made: %+v", results[0].Lease)
			}
			if err == nil {
				rows[0] = results[0].Lease
			}
			return err
		})
	}
	p.checkpoint = change(func(l *lease.Lease) { l.Checkpoint += "9" })
	p.bump = use(func() error { return store.Drain(t.Context(), group, members[0].ID, false) }).plus(p.beat.times(-1))
	p.announced = change(func(l *lease.Lease) { l.Owner, l.Epoch = members[workers-1].ID, l.Epoch+1 }).plus(p.bump.times(-1))
	return p
}

// realRows fills a group with rows as long as real ones.
func realRows(t testing.TB, store lease.Store, group string, shards, workers int) ([]lease.Lease, []lease.Worker) {
	t.Helper()
	members := make([]lease.Worker, workers)
	for i := range members {
		members[i] = lease.Worker{
			ID: fmt.Sprintf("ip-10-0-%d-112.ec2.internal-1b2c3d4e5f%02d", i, i), Beat: 123_456, Streams: []string{costStream},
			TTL: costTTL, Seen: 12_345, Build: "v1.12.3", JoinedAt: time.Date(2026, 11, 21, 12, 34, 56, 123_456_789, time.UTC),
		}
		if err := store.Join(t.Context(), group, members[i]); err != nil {
			t.Fatal(err)
		}
	}
	_, err := store.PutStream(t.Context(), group, lease.Stream{ARN: costStream, CreatedAt: time.Now(), Start: lease.TrimHorizon, Revision: 1})
	if err != nil {
		t.Fatal(err)
	}
	changes := make([]lease.Change, shards)
	for i, r := range hashkey.Even(shards) {
		changes[i] = lease.Create(lease.Lease{
			Key: lease.Key{Stream: costStream, Shard: shardID(i)}, Parents: []string{shardID(i + shards)},
			HashStart: r.Start.String(), HashEnd: r.End.String(), Owner: members[i%workers].ID, Epoch: 123,
			Checkpoint: lease.Checkpoint(fmt.Sprintf("AFTER_SEQUENCE_NUMBER:496%053d", i)), CheckpointAt: time.Now(), Load: 5,
		})
	}
	results, err := store.Update(t.Context(), group, changes)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]lease.Lease, shards)
	for i, r := range results {
		rows[i] = r.Lease
	}
	return rows, members
}

// kcl returns what the KCL uses in an hour by its default settings, with one checkpoint per
// shard and minute: each lease is renewed 1,088 times an hour, 2.x scans the table 3 times a
// minute in each worker, 3.x in one worker, and 3.x queries an index and writes a row of
// metrics in each.
func kcl(shards, workers int) (v3, v2 usage) {
	const renewals, checkpoints, leaseBytes = 1088, 60, 425
	s, w := float64(shards), float64(workers)
	scan := 0.5 * math.Ceil(s*leaseBytes/4096)
	writes := (renewals + checkpoints) * s
	scans2 := (179.6+12)*w + 30
	v2 = usage{Requests: writes + scans2, Write: writes, Read: scans2 * scan}
	queries, locks := 361*w, 240*(w-1)+180
	metrics := 120*w + 120
	v3 = usage{
		Requests: writes + metrics + 390 + queries + locks, Write: writes + metrics,
		Read: 210*scan + 180*0.5*math.Ceil(w/20) + queries*0.5*max(1, math.Ceil(80*s/w/4096)) + locks,
	}
	return v3, v2
}

// table is a table in Markdown.
type table struct {
	bytes.Buffer
	rows int
}

func (t *table) row(cells ...any) {
	for _, c := range cells {
		if f, ok := c.(float64); ok {
			c = strconv.FormatFloat(f, 'f', -1, 64)
		}
		fmt.Fprintf(t, "| %v ", c)
	}
	t.WriteString("|\n")
	if t.rows++; t.rows == 1 {
		t.WriteString(strings.Repeat("|---", len(cells)) + "|\n")
	}
}

func dollars(u usage) string { return fmt.Sprintf("%.2f", u.dollars()) }

// thousands writes a number with commas.
func thousands(f float64) string {
	digits := strconv.FormatFloat(math.Round(f), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// compare compares the table between two comments of a page with another one, or writes it
// there. Numbers may differ by a few percent: the workers' own numbers spread their calls.
func compare(t *testing.T, page, name, text string) {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	before, rest, found := strings.Cut(string(content), begin)
	old, after, closed := strings.Cut(rest, end)
	switch {
	case !found || !closed:
		t.Fatalf("%s has no lines %q and %q", page, begin, end)
	case *updateDocs:
		if err := os.WriteFile(page, []byte(before+begin+text+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case !alike(old, text):
		t.Errorf("%s has other figures; go test ./stores -run TestCost -update writes them:\n%s", page, cmp.Or(old, "(none)"))
	}
}

func alike(a, b string) bool {
	const tolerance = 0.1
	return slices.EqualFunc(strings.Fields(a), strings.Fields(b), func(x, y string) bool {
		f, errX := strconv.ParseFloat(strings.ReplaceAll(x, ",", ""), 64)
		g, errY := strconv.ParseFloat(strings.ReplaceAll(y, ",", ""), 64)
		return x == y || errX == nil && errY == nil && math.Abs(f-g) <= tolerance*max(f, g)
	})
}
