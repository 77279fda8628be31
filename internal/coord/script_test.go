package coord_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

var update = flag.Bool("update", false, "write what the Machine does into testdata")

// TestScripts tells a Machine, worker a, the events in testdata/*.txt, and compares what it
// wants with the lines below each of them. A line of an event is a time and words; see
// script.event. A row of a lease is shard:owner:epoch:revision:checkpoint, where "-" is nobody,
// T is TRIM_HORIZON, and a number is after a record.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts = %v, error %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := playScript(t, config("a"), string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if got != string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) {
				t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
			}
		})
	}
}

// script is one run.
type script struct {
	t       *testing.T
	m       *coord.Machine
	updates []coord.Update // not answered yet
}

// playScript returns the script with the actions as they are.
func playScript(t *testing.T, c coord.Config, text string) string {
	s := &script{t: t, m: coord.New(c)}
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "    ") { // an action
			continue
		}
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		at, err := time.ParseDuration(words[0])
		if err != nil || len(words) < 2 {
			t.Fatalf("line %q: %v", line, err)
		}
		for _, a := range s.m.Step(at, s.event(words[1], words[2:])) {
			if u, ok := a.(coord.Update); ok {
				s.updates = append(s.updates, u)
			}
			for _, text := range describe(a) {
				out.WriteString("    " + text + "\n")
			}
		}
	}
	return out.String()
}

// event makes an event of its name and of words: "fails", or key=value.
func (s *script) event(name string, words []string) coord.Event {
	v := map[string]string{}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		v[key] = value
	}
	var err error
	if _, fails := v["fails"]; fails {
		err = errDown
	}
	number := func(key string) int64 {
		n, _ := strconv.ParseInt(v[key], 10, 64)
		return n
	}
	key, epoch, at := shardKey(int(number("shard"))), number("epoch"), checkpointOf(v["at"])
	switch name {
	case "tick":
		return coord.Tick{}
	case "joined":
		return coord.Joined{Worker: s.m.ID(), Err: err}
	case "beaten":
		if _, gone := v["gone"]; gone {
			err = lease.ErrNoWorker
		}
		return coord.Beaten{Worker: lease.Worker{ID: cmp.Or(v["worker"], s.m.ID()), Beat: number("beat"), TTL: ttl}, Err: err}
	case "polled":
		return coord.Polled{Snapshot: s.snapshot(v), Err: err}
	case "loaded":
		return coord.Loaded{Snapshot: s.snapshot(v), Err: err}
	case "updated":
		return s.updated(v, err)
	case "forgotten":
		return coord.Forgotten{Worker: v["worker"], Gone: v["gone"] == "true", Err: err}
	case "drained":
		return coord.Drained{Worker: s.m.ID(), Err: err}
	case "progress":
		return coord.Progress{Key: key, Epoch: epoch, Checkpoint: at, Load: -1, Now: v["now"] == "true"}
	case "ended":
		return coord.Ended{Key: key, Epoch: epoch, Checkpoint: at, Children: childrenOf(v["children"], key.Shard)}
	case "stopped":
		return coord.Stopped{Key: key, Epoch: epoch, Checkpoint: at}
	case "leave":
		return coord.Leave{}
	case "streams": // none of them
		return coord.Streams{}
	case "cut":
		return coord.Cut{}
	}
	s.t.Fatalf("no event %q", name)
	return nil
}

// childrenOf makes the children of a split of a shard with all keys: two numbers.
func childrenOf(text, parent string) []topology.Shard {
	var children []topology.Shard
	ranges := evenShards(2)
	for i, number := range strings.Split(text, ",") {
		n, _ := strconv.Atoi(number)
		children = append(children, topology.Shard{ID: shardKey(n).Shard, Parents: []string{parent}, Range: ranges[i].Range})
	}
	return children
}

// snapshot makes the rows that a poll or a load has: version=, workers=id:beat:seen:draining,...
// and leases=...
func (s *script) snapshot(v map[string]string) lease.Snapshot {
	version, _ := strconv.ParseInt(v["version"], 10, 64)
	snapshot := lease.Snapshot{Version: version}
	for _, text := range strings.FieldsFunc(v["workers"], func(r rune) bool { return r == ',' }) {
		parts := strings.Split(text+":::", ":")
		beat, _ := strconv.ParseInt(parts[1], 10, 64)
		seen, _ := strconv.ParseInt(parts[2], 10, 64)
		snapshot.Workers = append(snapshot.Workers, lease.Worker{
			ID: parts[0], Beat: beat, Seen: seen, Draining: parts[3] == "draining", Streams: []string{stream1}, TTL: ttl,
		})
	}
	snapshot.Streams = []lease.Stream{{ARN: stream1, CreatedAt: created, Start: lease.TrimHorizon, Seeded: true, Revision: 2}}
	for _, text := range strings.FieldsFunc(v["leases"], func(r rune) bool { return r == ',' }) {
		snapshot.Leases = append(snapshot.Leases, s.row(text))
	}
	return snapshot
}

func (s *script) row(text string) lease.Lease {
	parts := strings.Split(text, ":")
	if len(parts) != 5 {
		s.t.Fatalf("no lease: %q", text)
	}
	var n [3]int64
	for i, part := range []string{parts[0], parts[2], parts[3]} {
		n[i], _ = strconv.ParseInt(part, 10, 64)
	}
	l := lease.Lease{Key: shardKey(int(n[0])), Epoch: n[1], Revision: n[2], Checkpoint: checkpointOf(parts[4])}
	l.HashStart, l.HashEnd = "0", "340282366920938463463374607431768211455"
	if parts[1] != "-" {
		l.Owner = parts[1]
	}
	return l
}

// updated answers the oldest Update: all made, or fails, or refused= with the rows as they are.
func (s *script) updated(v map[string]string, err error) coord.Event {
	if len(s.updates) == 0 {
		s.t.Fatal("no Update is under way")
	}
	u := s.updates[0]
	s.updates = s.updates[1:]
	answer := coord.Updated{Changes: u.Changes, Err: err}
	if err != nil {
		return answer
	}
	if rows, refused := v["refused"]; refused {
		for text := range strings.SplitSeq(rows, ",") {
			answer.Results = append(answer.Results, lease.Result{Lease: s.row(text)})
		}
		return answer
	}
	for _, c := range u.Changes {
		answer.Results = append(answer.Results, lease.Result{Made: true, Lease: c.New})
	}
	return answer
}

func checkpointOf(text string) lease.Checkpoint {
	switch text {
	case "":
		return ""
	case "T":
		return lease.TrimHorizon
	case "END":
		return lease.ShardEnd
	}
	return lease.Checkpoint("AFTER_SEQUENCE_NUMBER:" + text)
}

// describe returns an action in words.
func describe(a coord.Action) []string {
	number := func(k lease.Key) string {
		return strings.TrimLeft(strings.TrimPrefix(k.Shard, "shardId-00000000000"), "-")
	}
	row := func(l lease.Lease) string {
		at := strings.TrimPrefix(strings.Replace(string(l.Checkpoint), "TRIM_HORIZON", "T", 1), "AFTER_SEQUENCE_NUMBER:")
		owner := l.Owner
		if owner == "" {
			owner = "-"
		}
		return fmt.Sprintf("%s:%s:%d:%d:%s", number(l.Key), owner, l.Epoch, l.Revision, strings.Replace(at, "SHARD_END", "END", 1))
	}
	switch a := a.(type) {
	case coord.Join:
		return []string{"join " + a.Worker.ID}
	case coord.Beat:
		return []string{fmt.Sprintf("beat %s, seen %d", a.Worker.ID, a.Worker.Seen)}
	case coord.Poll, coord.Load:
		return []string{strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", a), "coord."))}
	case coord.Update:
		var lines []string
		for _, c := range a.Changes {
			lines = append(lines, "change "+row(c.Old)+" to "+row(c.New))
		}
		return lines
	case coord.Forget:
		return []string{fmt.Sprintf("forget %s at beat %d", a.Worker, a.Beat)}
	case coord.Drain:
		return []string{"drain " + a.Worker}
	case coord.List:
		return []string{"list"}
	case coord.StartShard:
		return []string{"start " + row(a.Lease)}
	case coord.StopShard:
		return []string{fmt.Sprintf("stop %s of epoch %d: %v", number(a.Key), a.Epoch, a.Why)}
	case coord.Trust:
		return []string{fmt.Sprintf("trust until %v", a.Until)}
	case coord.Note:
		return nil // told by tests of groups
	}
	return []string{fmt.Sprintf("%T %+v", a, a)}
}
