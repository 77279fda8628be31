package conformance

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/kinstream/kin/e2e/server"
)

// Check is one question to a server.
type Check struct {
	// Name is the answer that is right, as a sentence.
	Name string

	run func(*probe)
}

// Checks returns all checks, in the order in which they are asked.
func Checks() []Check {
	var all []Check
	for _, group := range [][]Check{
		streamChecks(), settingChecks(), putChecks(), refusedPutChecks(), readChecks(), positionChecks(),
		reshardChecks(), listShardsChecks(), consumerChecks(), wireChecks(),
	} {
		all = append(all, group...)
	}
	return all
}

//go:embed deviations/*.txt
var deviationFiles embed.FS

// Deviation is what is known about a check that a server does not pass.
type Deviation struct {
	Reason string

	// Harmful says that asking does damage, so that it is not asked at all.
	Harmful bool

	// Sometimes says that it depends on chance, so that the check may pass too.
	Sometimes bool
}

// Deviations returns the known deviations of a server by the names of checks. A
// line of its file is "name: reason"; one whose check must not be asked begins
// with an exclamation mark, and one that depends on chance with a tilde; lines that
// begin with # are comments.
func Deviations(server string) (map[string]Deviation, error) {
	known := map[string]Deviation{}
	file, err := deviationFiles.Open("deviations/" + server + ".txt")
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, found := strings.Cut(line, ": ")
		if !found {
			return nil, fmt.Errorf("deviations of %s: %q has no reason", server, line)
		}
		check := strings.TrimLeft(name, "!~")
		if _, twice := known[check]; twice {
			return nil, fmt.Errorf("deviations of %s: %q is there twice", server, check)
		}
		known[check] = Deviation{Reason: reason, Harmful: name == "!"+check, Sometimes: name == "~"+check}
	}
	return known, lines.Err()
}

// Outcome is what a check found.
type Outcome struct {
	Check    string
	Failures []string // nil if the answer was right
	Deviation
	Known bool // Deviation is filled in
}

// Run asks a server all checks, one after the other, and fails t where the
// server's known deviations do not fit what was found.
func Run(t *testing.T, s *server.Server) []Outcome {
	t.Helper()
	known, err := Deviations(s.Name)
	if err != nil {
		t.Fatal(err)
	}
	var outcomes []Outcome
	for _, c := range Checks() {
		deviation, deviates := known[c.Name]
		outcome := Outcome{Check: c.Name, Deviation: deviation, Known: deviates}
		if !deviation.Harmful {
			outcome.Failures = ask(newProbe(t.Context(), s), c)
			judge(t, outcome)
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes
}

func judge(t *testing.T, o Outcome) {
	t.Helper()
	switch failed := len(o.Failures) > 0; {
	case failed && !o.Known:
		t.Errorf("%s\n\t%s", o.Check, strings.Join(o.Failures, "\n\t"))
	case !failed && o.Known && !o.Sometimes:
		t.Errorf("%s\n\tpasses; the deviation that is listed no longer occurs: %s", o.Check, o.Reason)
	}
}

// ask runs one check and returns what failed. Checks end themselves by
// runtime.Goexit, so each has a goroutine.
func ask(p *probe, c Check) []string {
	var wait sync.WaitGroup
	wait.Go(func() {
		defer p.close()
		c.run(p)
	})
	wait.Wait()
	return p.failures
}
