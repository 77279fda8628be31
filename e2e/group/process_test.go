//go:build unix

package group_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/kinstream/kin/e2e/group/proxy"
	"github.com/kinstream/kin/e2e/group/trace"
	"github.com/kinstream/kin/e2e/group/worker"
)

// process is a worker, with a proxy of its own to each server.
type process struct {
	r       *rig
	name    string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	log     *trace.Follower
	kinesis *proxy.Proxy
	store   *proxy.Proxy // nil for a store without a server
	exited  chan struct{}
	wait    sync.WaitGroup
	stderr  string // path of what it said

	mu     sync.Mutex // guards what follows
	wanted bool       // the test has stopped or killed it
	dead   bool       // by kill
}

// start starts a worker. Options change its settings.
func (r *rig) start(name string, options ...func(*worker.Config)) *process {
	r.Helper()
	p := &process{r: r, name: name, exited: make(chan struct{})}
	cfg := r.defaults
	cfg.Name = name
	cfg.Endpoint, p.kinesis = r.through(r.server.URL)
	if r.storeAddress == "" {
		cfg.Store = r.storeSpec
	} else {
		var address string
		address, p.store = r.through("http://" + r.storeAddress)
		p.store.Set(r.storeMode)
		cfg.Store = strings.ReplaceAll(r.storeSpec, r.storeAddress, strings.TrimPrefix(address, "http://"))
	}
	for _, option := range options {
		option(&cfg)
	}
	n := r.number()
	cfg.Log = filepath.Join(r.dir, fmt.Sprintf("%02d-%s.log", n, name))
	p.stderr = filepath.Join(r.dir, fmt.Sprintf("%02d-%s.err", n, name))
	p.run(cfg)
	r.add(p)
	return p
}

// run starts the process and follows its log.
func (p *process) run(cfg worker.Config) {
	p.r.Helper()
	settings, err := json.Marshal(cfg)
	p.r.must(err)
	self, err := os.Executable()
	p.r.must(err)
	stderr, err := os.Create(p.stderr)
	p.r.must(err)
	defer stderr.Close()
	p.r.must(os.WriteFile(cfg.Log, nil, 0o644))
	p.log, err = trace.Follow(cfg.Log)
	p.r.must(err)
	p.cmd = exec.Command(self)
	p.cmd.Env = append(os.Environ(), workerEnv+"="+string(settings), "GOMAXPROCS=2")
	p.cmd.Stdout, p.cmd.Stderr = stderr, stderr
	p.stdin, err = p.cmd.StdinPipe()
	p.r.must(err)
	p.r.must(p.cmd.Start())
	p.wait.Go(func() { // until the process has ended
		defer close(p.exited)
		_ = p.cmd.Wait()
	})
}

// signal sends a signal to the process.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	p.wanted = p.wanted || s == syscall.SIGKILL || s == syscall.SIGTERM
	p.dead = p.dead || s == syscall.SIGKILL
	p.mu.Unlock()
	p.r.notef("%s: %s", p.name, s)
	_ = p.cmd.Process.Signal(s)
}

// kill ends the process as kill -9 does, and returns when it is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.exited
	p.closeProxies()
}

// terminate asks the process to stop in order, as a deployment does.
func (p *process) terminate() { p.signal(syscall.SIGTERM) }

// left waits until the process has ended, which it must have done in order unless it was killed.
func (p *process) left() {
	p.r.Helper()
	p.r.until(p.name+" has ended", func() bool { return p.gone() })
	p.closeProxies()
	if !p.cmd.ProcessState.Success() && !p.killed() {
		p.r.Errorf("%s did not stop in order: %s; it said:\n%s", p.name, p.cmd.ProcessState, lastLines(p.stderr, 5))
	}
}

func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// killed says that the test has killed it, or excused it.
func (p *process) killed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// excuse says that the process need not stop in order.
func (p *process) excuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

// handling returns how many batches the process has in hand, as its log shows.
func (p *process) handling() int {
	open := 0
	for _, e := range p.log.Entries() {
		if e.Kind == trace.Begin {
			open++
		}
		if e.Kind == trace.End {
			open--
		}
	}
	return open
}

// began says whether the process began a batch after a moment.
func (p *process) began(after trace.Time) bool {
	for _, e := range p.log.Entries() {
		if e.Kind == trace.Begin && e.At > after {
			return true
		}
	}
	return false
}

func (p *process) closeProxies() {
	_ = p.kinesis.Close()
	if p.store != nil {
		_ = p.store.Close()
	}
}

// end makes sure that nothing is left of the process at the end of the test.
func (p *process) end(tb testing.TB) {
	p.mu.Lock()
	wanted := p.wanted
	p.mu.Unlock()
	if p.gone() && !wanted {
		tb.Errorf("%s ended by itself: %s", p.name, p.cmd.ProcessState)
	}
	_ = p.cmd.Process.Kill()
	p.wait.Wait()
	p.closeProxies()
	_ = p.log.Close()
}
