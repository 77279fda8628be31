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

// machineMutants are mistakes in the decisions of production, made in a copy of their source: nothing in the
// source itself can switch them on. Each one names what it does; file is relative to this folder.
var machineMutants = []struct {
	name      string
	file      string
	old, new  string
	different bool // from the others: it is not a mistake, and must not be found
}{
	{name: "nothing is changed", file: "../coord/timing.go", old: "deadAfter   = 0.85", new: "deadAfter   = 0.850", different: true},
	{name: "workers are forgotten too early", file: "../coord/timing.go", old: "deadAfter   = 0.85", new: "deadAfter   = 0.5"},
	{name: "leases are trusted for too long", file: "../coord/timing.go", old: "trustFor    = 0.7", new: "trustFor    = 0.95"},
}

// TestMachineMutantsAreFound builds the simulation with each mistake and runs it.
func TestMachineMutantsAreFound(t *testing.T) {
	t.Parallel()
	if testing.Short() || raceEnabled {
		t.Skip("it builds a program for each mutant, and what it tests has one thread")
	}
	for _, m := range machineMutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			out, found := runMutant(t, m.file, m.old, m.new)
			switch {
			case found && m.different:
				t.Errorf("found, want no violation:\n%s", out)
			case !found && !m.different:
				t.Errorf("not found:\n%s", out)
			default:
				t.Log(firstLine(out, "breaks a promise"))
			}
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

// runMutant builds the command with a text of a file replaced, and says what it printed and whether it found a violation.
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
	out, err := exec.Command(program, "-seeds", "1000", "-shrink", "0", "-tail", "25", "-parallel", "1").CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return string(out), true
	}
	if err != nil {
		t.Fatalf("run: %v\n%s", err, out)
	}
	return string(out), false
}
