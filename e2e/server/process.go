package server

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// startTimeout bounds how long a server may take until it accepts connections.
const startTimeout = 60 * time.Second

// endTimeout bounds how long a server may take to end when it was asked to.
const endTimeout = 20 * time.Second

// process is a program to run with an address of its own.
type process struct {
	name    string
	args    func(port string) []string
	env     func(port string) []string // added to this process's environment
	command string
	end     os.Signal // asks it to end; nil if it is to be killed
}

// run starts the program, waits until its port accepts connections, and stops it
// when tb ends. A port that somebody else took meanwhile is replaced.
func (p process) run(tb testing.TB) running {
	tb.Helper()
	for range 3 {
		if r, err := p.try(tb); err == nil {
			return r
		} else if tb.Failed() {
			tb.FailNow()
		} else {
			tb.Logf("start %s: %v", p.name, err)
		}
	}
	tb.Fatalf("%s did not start", p.name)
	return running{}
}

func (p process) try(tb testing.TB) (running, error) {
	tb.Helper()
	address := freeAddress(tb)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return running{}, err
	}
	cmd := exec.Command(p.command, p.args(port)...)
	cmd.Env = os.Environ()
	if p.env != nil {
		cmd.Env = append(cmd.Env, p.env(port)...)
	}
	var output tail
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return running{}, err
	}
	exited := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		defer close(exited)
		_ = cmd.Wait()
	})
	stop := func() {
		if p.end != nil {
			_ = cmd.Process.Signal(p.end)
			select {
			case <-exited:
			case <-time.After(endTimeout):
			}
		}
		_ = cmd.Process.Kill()
		wait.Wait()
	}
	if err := accepts(address, exited); err != nil {
		stop()
		return running{}, fmt.Errorf("%w; it said:\n%s", err, output.String())
	}
	tb.Cleanup(func() {
		select {
		case <-exited:
			tb.Errorf("%s ended by itself: %s; it said:\n%s", p.name, cmd.ProcessState, output.String())
		default:
		}
		stop()
		if tb.Failed() {
			tb.Logf("%s said:\n%s", p.name, output.String())
		}
	})
	return running{url: "http://" + address, pid: cmd.Process.Pid}, nil
}

// accepts waits until address takes connections or the process has exited.
func accepts(address string, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-exited:
			return fmt.Errorf("exited before it listened on %s", address)
		case <-ctx.Done():
			return fmt.Errorf("nothing listens on %s after %s: %w", address, startTimeout, err)
		case <-tick.C:
		}
	}
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Output runs a program to its end and returns what it wrote to standard output.
// A program that fails, fails the test with what it wrote to standard error.
func Output(tb testing.TB, dir string, env []string, command string, args ...string) string {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), command, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%s %s: %v\n%s%s", command, strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// tail keeps the last part of what is written to it.
type tail struct {
	mu   sync.Mutex // guards text
	text []byte
}

const tailBytes = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// stateDelay is StateDelay as options of servers want it, in milliseconds.
func stateDelay() string { return strconv.FormatInt(StateDelay.Milliseconds(), 10) }

// Program is a kind of server that is a program with its address in its environment.
func Program(name string, command func(testing.TB) string, env func(port string) []string) Kind {
	return Kind{
		Name: name,
		start: func(tb testing.TB) running {
			tb.Helper()
			return process{
				name:    name,
				command: command(tb),
				args:    func(string) []string { return nil },
				env:     env,
			}.run(tb)
		},
	}
}
