//go:build unix

package examples_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/kintest"
)

// What the documents show is the code of this folder, to the letter.
func TestTheDocumentsShowTheExamples(t *testing.T) {
	t.Parallel()
	for file, document := range map[string]string{
		"follow/main.go": "../README.md", "consume/main.go": "../README.md", "put/main.go": "../README.md",
		"orders/orders_test.go": "../README.md", "billing/billing_test.go": "../docs/consuming.md",
	} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, shown, _ := strings.Cut(string(code), "\npackage ") // without the comment above
		if !strings.Contains(string(text), "```go\npackage "+shown+"```\n") {
			t.Errorf("%s does not show %s as it is", document, file)
		}
	}
}

// The programs do what the README says, as processes of their own against a server
// on TCP: put a thousand records, read them, stop at an interrupt, go on after the last; and share them.
func TestTheProgramsRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	server := kintest.New(t)
	if err := server.CreateStream("orders", 2); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }() // ends with server.Close
	bin, dir := t.TempDir(), t.TempDir()
	build := exec.CommandContext(ctx, "go", "build", "-o", bin, "./put", "./follow", "./consume")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program := func(name string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, name))
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		cmd.Env = []string{
			"HOME=" + dir, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
			"AWS_ENDPOINT_URL_KINESIS=http://" + listener.Addr().String(),
		}
		return cmd
	}

	out, err := program("put").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := string(out); !strings.HasPrefix(got, "the last one is in shardId-") {
		t.Errorf("put prints %q", got)
	}
	if got := followUntil(t, program("follow"), 1000); len(got) != 1000 {
		t.Errorf("the first run of follow printed %d different records, want 1000", len(got))
	}
	if _, err := server.Put("orders", "customer-1", []byte("one more")); err != nil {
		t.Fatal(err)
	}
	for line := range followUntil(t, program("follow"), 1) {
		if !strings.HasSuffix(line, "customer-1 one more") {
			t.Errorf("the second run of follow begins with %q", line)
		}
	}
	// Two processes, one after the other here, since which of them gets what is not fixed.
	if got := followUntil(t, program("consume"), 1001); len(got) != 1001 {
		t.Errorf("the first run of consume printed %d different records, want 1001", len(got))
	}
	if _, err := server.Put("orders", "customer-1", []byte("another one")); err != nil {
		t.Fatal(err)
	}
	for line := range followUntil(t, program("consume"), 1) {
		if !strings.HasSuffix(line, "customer-1 another one") {
			t.Errorf("the second run of consume begins with %q", line)
		}
	}
	server.Close()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// followUntil interrupts the program after n lines, waits for its end, and returns
// all lines that it printed.
func followUntil(t *testing.T, cmd *exec.Cmd, n int) map[string]bool {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]bool)
	for scan := bufio.NewScanner(stdout); scan.Scan(); {
		lines[scan.Text()] = true
		if len(lines) == n {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v", cmd.Path, err)
	}
	return lines
}
