package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const testProgramVariable = "KIN_TEST_PROGRAM"

// testProgram is the program of kin consume in tests: this test binary, told by an environment
// variable what to do. It adds the data of each record that it is done with to the file that
// the variable KIN_TEST_LOG names.
func testProgram(what string) int {
	log, err := os.OpenFile(os.Getenv("KIN_TEST_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 99
	}
	name, arg, _ := strings.Cut(what, ":")
	in := bufio.NewReader(os.Stdin)
	var kept []string
	for n := 1; ; n++ {
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		var rec struct {
			ID   int64  `json:"id"`
			Data string `json:"data"`
		}
		if json.Unmarshal([]byte(line), &rec) != nil {
			return 98
		}
		switch {
		case name == "fail" && fmt.Sprint(n) == arg:
			return 3
		case name == "garbage" && fmt.Sprint(n) == arg:
			fmt.Println("working on", rec.Data)
			continue
		case name == "partial" && fmt.Sprint(n) == arg:
			fmt.Print(rec.ID)
			return 0
		case name == "hang":
			continue
		case name == "backwards":
			kept = append(kept, line)
			if fmt.Sprint(len(kept)) != arg {
				continue
			}
			for i := len(kept) - 1; i >= 0; i-- {
				fmt.Print(kept[i])
			}
			kept = nil
		default:
			fmt.Println(rec.ID)
		}
		fmt.Fprintln(log, rec.Data)
	}
	fmt.Fprintln(os.Stderr, "program: no more input")
	if name == "sour" {
		return 4
	}
	return 0
}

// program runs kin consume with the test binary as its program, and returns what it was done
// with too.
func (f consumeFixture) program(what string, args ...string) (r result, done string) {
	f.t.Helper()
	log := filepath.Join(f.t.TempDir(), "log")
	r = f.run(append(args, "--", "env", testProgramVariable+"="+what, "KIN_TEST_LOG="+log, os.Args[0])...)
	text, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	return r, string(text)
}

func TestConsume_lets_a_program_acknowledge_records(t *testing.T) {
	t.Parallel()
	f := newConsume(t)
	f.put(0, 30)
	r, done := f.program("ack", "--until", "tip", "-q")
	if r.code != 0 || r.out != "" || !strings.Contains(r.err, "program: no more input") {
		t.Errorf("result = %+v", r)
	}
	wantRecords(t, 0, 30, done)
	if rest := f.run("--until", "tip"); rest.out != "" {
		t.Errorf("%q came again", rest.out)
	}
}

func TestConsume_takes_acknowledgements_in_any_order_and_as_echoes(t *testing.T) {
	t.Parallel()
	f := newConsume(t)
	f.put(0, 30)
	r, done := f.program("backwards:30", "--until", "tip", "-q")
	if r.code != 0 {
		t.Errorf("result = %+v", r)
	}
	if lines := strings.Count(done, "\n"); lines != 1 {
		t.Errorf("log has %d lines", lines)
	}
	if rest := f.run("--until", "tip"); rest.out != "" {
		t.Errorf("%q came again", rest.out)
	}
}

// Whatever a program does wrong: it is said in one line, and what it did not acknowledge comes
// again.
func TestConsume_loses_nothing_to_a_program_that_fails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		args []string
		code int
		text string
		done int // records, at least
	}{
		{"fail:6", nil, 8, "the program failed: exit status 3; ", 5},
		{"garbage:6", nil, 8, `line 6 of its output, "working on r`, 5},
		{"partial:6", nil, 0, "the last line of the program has no end, so it acknowledges nothing", 5},
		{"hang", []string{"--ack-timeout", "1s"}, 8, "it acknowledged none of ", 0},
		{"sour", []string{"--until", "tip"}, 8, "the program failed: exit status 4", 30},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			f := newConsume(t)
			f.put(0, 30)
			r, done := f.program(c.what, append(c.args, "-q")...)
			if r.code != c.code || !strings.Contains(r.err, c.text) {
				t.Errorf("code = %d, it said %s; want %d and %q", r.code, r.err, c.code, c.text)
			}
			if n := strings.Count(done, "\n"); n < c.done {
				t.Errorf("it was done with %d records, want %d", n, c.done)
			}
			rest := f.run("--until", "tip", "-q")
			all := sorted(done, rest.out)
			got := map[string]bool{}
			for _, text := range all {
				got[text] = true
			}
			// What a program has done and not yet said is done again: here that is at most what
			// it had in its hands.
			if len(got) != 30 || len(all) > 30+25 {
				t.Errorf("%d records of 30, %d times", len(got), len(all))
			}
			if c.what == "partial:6" && len(all) != 30 {
				t.Errorf("%d records, want the 5 that were acknowledged not again, and the one of the cut line again", len(all))
			}
		})
	}
}

func TestConsume_stops_when_the_program_has_done_what_it_has(t *testing.T) {
	t.Parallel()
	f := newConsume(t)
	log := filepath.Join(t.TempDir(), "log")
	w := f.start("-q", "--", "env", testProgramVariable+"=ack", "KIN_TEST_LOG="+log, os.Args[0])
	f.put(0, 10)
	ctx := t.Context()
	for deadline := time.Now().Add(time.Minute); ; {
		if text, _ := os.ReadFile(log); strings.Count(string(text), "\n") == 10 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it said %s", &w.err)
		}
		select {
		case <-time.After(10 * time.Millisecond): // what a program of others writes can only be looked at
		case <-ctx.Done():
		}
	}
	w.stop()
	if code := <-w.ended; code != 0 || !strings.Contains(w.err.String(), "program: no more input") {
		t.Errorf("code = %d, it said %s", code, &w.err)
	}
	if rest := f.run("--until", "tip"); rest.out != "" {
		t.Errorf("%q came again", rest.out)
	}
}
