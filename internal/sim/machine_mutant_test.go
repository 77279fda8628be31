// Each mutant is built as a program of its own, which has one thread: the race detector has
// nothing to find in it.

//go:build !race

package sim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machineMutants are mistakes in the decisions of production, made in a copy of their source:
// nothing in the source itself can switch them on. file is relative to this folder, and has old
// exactly once.
var machineMutants = []struct {
	name     string
	file     string
	old, new string
}{
	{
		"workers are forgotten too early", "../coord/timing.go",
		"deadAfter   = 0.85", "deadAfter   = 0.5",
	}, {
		"leases are trusted for too long", "../coord/timing.go",
		"trustFor    = 0.7", "trustFor    = 0.95",
	}, {
		"trust counts from the answer of a heartbeat", "../coord/trust.go",
		"m.beatAt = max(m.beatAt, since)", "m.beatAt = m.now",
	}, {
		"heartbeats go on although nothing is answered", "../coord/trust.go",
		"if m.beat.failures > 0 && m.heard", "if false && m.beat.failures > 0 && m.heard",
	}, {
		"a worker keeps its leases when its row is gone", "../coord/trust.go",
		"		if e.slot != nil {\n			m.lose(e)\n		}\n	}\n	m.lapsed", "	}\n	m.lapsed",
	}, {
		"a worker joins again under the same ID", "../coord/trust.go",
		"m.id = m.cfg.ID + \".\" + strconv.Itoa(m.run)", "_ = strconv.Itoa",
	}, {
		"workers are forgotten whatever their beat is", "../coord/peers.go",
		"Beat: p.row.Beat", "Beat: lease.AnyBeat",
	}, {
		"leases are taken from live workers when the plan says so", "../coord/plan.go",
		"			waiting++\n", "			m.take(e)\n",
	}, {
		"the epoch stays when a lease is taken", "../coord/writer.go",
		"l.Owner, l.Epoch = m.id, l.Epoch+1", "l.Owner = m.id",
	}, {
		"an older row replaces a newer one", "../coord/view.go",
		"if asked < e.at && (", "if asked < e.at && false && (",
	}, {
		"leases are handed over without the final checkpoint", "../coord/writer.go",
		"= m.heir(e), l.Epoch+1, s.done,", "= m.heir(e), l.Epoch+1, l.Checkpoint,",
	}, {
		"leases are handed over while the handler is at work", "../coord/handover.go",
		"	m.do(StopShard{Key: e.key, Epoch: e.slot.epoch, Why: why})",
		"	m.do(StopShard{Key: e.key, Epoch: e.slot.epoch, Why: why})\n	m.enters(e, Releasing)\n	m.enqueue(e)",
	}, {
		"leases are handed over before the heir looks", "../coord/handover.go",
		"heir.row.Seen >= s.heirVersion", "heir.row.Seen >= 0",
	}, {
		"who waits for a lease looks seldom", "../coord/timing.go",
		"pollWaiting = 0.025", "pollWaiting = 0.5",
	}, {
		"shards are finished before their children have leases", "../coord/shards.go",
		"= slices.Clone(ev.Children), true,", "= slices.Clone(ev.Children), false,",
	}, {
		"a worker leaves before it has handed over", "../coord/leave.go",
		"case m.phase == member && m.slots == 0 && ", "case m.phase == member && ",
	}, {
		"a lost answer counts as a change that was made", "../coord/writer.go",
		"			m.unknown(e)\n			continue", "			m.outcome(e, lease.Result{Made: true, Lease: c.New})\n			continue",
	}, {
		"who can't read keeps what others could read", "../coord/handover.go",
		"return m.othersFrom + m.ttl(keepFor)", "return never",
	}, {
		"who can't read gives everything away at once", "../coord/timing.go",
		"keepFor     = 1.5", "keepFor     = 0.01",
	}, {
		"the plan does not heed who can't read", "../coord/plan.go",
		"Unable: p.row.Unable()", "Unable: false",
	}, {
		"who reads nothing does not find out that it can't", "../coord/ability.go",
		"m.inherits = m.inherits || owner", "m.inherits = false && owner",
	}, {
		"who can read again does not say so", "../coord/ability.go",
		"	m.setUnable(false)\n", "",
	}, {
		"a child waits for one of its parents only", "../discover/ready.go",
		"for _, p := range l.Parents {", "for _, p := range l.Parents[:min(1, len(l.Parents))] {",
	}, {
		"a child does not wait for its parents", "../discover/ready.go",
		"if found && !sorted[i].Finished() ||", "if found && !sorted[i].Finished() && i < 0 ||",
	}, {
		"finished leases are deleted while their shards are listed", "../discover/remove.go",
		"return k.lease.Finished() && a.Listings >= absentListings && m.now-a.Since >= absentFor", "return k.lease.Finished() && a.Listings >= 0",
	},
}

// TestMachineMutantsAreFound builds the simulation with each mistake and runs it.
func TestMachineMutantsAreFound(t *testing.T) {
	t.Parallel()
	for _, m := range machineMutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			out, found := runMutant(t, m.file, m.old, m.new)
			if !found {
				t.Errorf("not found:\n%s", out)
			}
			t.Log(firstLine(out, "breaks a promise"))
		})
	}
}

// firstLine returns the first line that contains a text.
func firstLine(out, text string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, text) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// runMutant builds the command with a text of a file replaced, and says what it printed and
// whether it found a violation.
func runMutant(t *testing.T, file, before, after string) (string, bool) {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(src, []byte(before)); n != 1 {
		t.Fatalf("%s has %q %d times, want once: adapt the mutant to the source", file, before, n)
	}
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	original, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	mutated := write("mutated.go", bytes.Replace(src, []byte(before), []byte(after), 1))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "kinsim.exe")
	build := exec.Command("go", "build", "-overlay", write("overlay.json", overlay), "-o", program, "./cmd/kinsim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	out, err := exec.Command(program, "-seeds", "600", "-shrink", "0", "-tail", "25", "-parallel", "1").CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return string(out), true
	}
	if err != nil {
		t.Fatalf("run: %v\n%s", err, out)
	}
	return string(out), false
}
