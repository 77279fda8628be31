package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/group/proxy"
)

// echo serves lines back, and tells each that it gets.
func echo(t *testing.T) (address string, got <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer conn.Close()
				for scanner := bufio.NewScanner(conn); scanner.Scan(); {
					lines <- scanner.Text()
					if _, err := io.WriteString(conn, scanner.Text()+"\n"); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wait.Wait()
	})
	return l.Addr().String(), lines
}

type client struct {
	net.Conn
	lines *bufio.Reader
}

func setup(t *testing.T) (*proxy.Proxy, func() client, <-chan string) {
	t.Helper()
	target, got := echo(t)
	p, err := proxy.Start(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, func() client {
		conn, err := net.Dial("tcp", p.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return client{conn, bufio.NewReader(conn)}
	}, got
}

func (c client) send(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (c client) expect(t *testing.T, line string) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, err := c.lines.ReadString('\n'); got != line+"\n" {
		t.Fatalf("got %q, %v, want %q", got, err, line)
	}
}

// expectNothing says that no answer comes, for a moment.
func (c client) expectNothing(t *testing.T) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if got, err := c.lines.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %q, %v, want nothing", got, err)
	}
}

func TestPass(t *testing.T) {
	t.Parallel()
	_, dial, _ := setup(t)
	c := dial()
	c.send(t, "one")
	c.expect(t, "one")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.lines.ReadString('\n'); !errors.Is(err, io.EOF) {
		t.Errorf("after closing: %v, want EOF", err)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	p, dial, _ := setup(t)
	c := dial()
	c.send(t, "one")
	c.expect(t, "one")
	p.Set(proxy.Cut)
	if got, err := c.lines.ReadString('\n'); err == nil {
		t.Errorf("read %q from a connection that was cut", got)
	}
	if conn, err := net.Dial("tcp", p.Address()); err == nil { // it may be reset that early
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("read %d bytes from a connection while all are cut", n)
		}
		_ = conn.Close()
	}
	p.Set(proxy.Pass)
	c = dial()
	c.send(t, "two")
	c.expect(t, "two")
}

func TestHoldDeliversLater(t *testing.T) {
	t.Parallel()
	p, dial, got := setup(t)
	c := dial()
	c.send(t, "one")
	c.expect(t, "one")
	<-got
	p.Set(proxy.Hold)
	c.send(t, "two")
	fresh := dial()
	fresh.send(t, "three")
	c.expectNothing(t)
	fresh.expectNothing(t)
	select {
	case line := <-got:
		t.Fatalf("the server got %q through a closed gate", line)
	default:
	}
	p.Set(proxy.Pass)
	c.expect(t, "two")
	fresh.expect(t, "three")
}

func TestHoldDeliversWhatItsClientGaveUp(t *testing.T) {
	t.Parallel()
	p, dial, got := setup(t)
	c := dial()
	c.send(t, "one")
	c.expect(t, "one")
	<-got
	p.Set(proxy.Hold)
	c.send(t, "two")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	p.Set(proxy.Pass)
	if line := <-got; line != "two" {
		t.Errorf("the server got %q, want two", line)
	}
}

func TestHoldAnswers(t *testing.T) {
	t.Parallel()
	p, dial, got := setup(t)
	p.Set(proxy.HoldAnswers)
	c := dial()
	c.send(t, "one")
	if line := <-got; line != "one" {
		t.Errorf("the server got %q, want one", line)
	}
	c.expectNothing(t)
	p.Set(proxy.Pass)
	c.expect(t, "one")
}

func TestDelay(t *testing.T) {
	t.Parallel()
	p, dial, _ := setup(t)
	c := dial()
	p.Delay(60 * time.Millisecond)
	began := time.Now()
	c.send(t, "one")
	c.expectNothing(t)
	c.expect(t, "one")
	if took := time.Since(began); took < 120*time.Millisecond {
		t.Errorf("an answer took %s, want at least 120ms", took)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	p, dial, got := setup(t)
	c := dial()
	p.Watch(func(request []byte) proxy.Verdict {
		switch string(request) {
		case "late\n":
			return proxy.Verdict{Hold: 60 * time.Millisecond}
		case "lost\n":
			return proxy.Verdict{Drop: true}
		}
		return proxy.Verdict{}
	})
	c.send(t, "one")
	c.expect(t, "one")
	<-got
	lost := dial()
	lost.send(t, "lost")
	if line, err := lost.lines.ReadString('\n'); err == nil {
		t.Errorf("got %q for a request that was dropped", line)
	}
	began := time.Now()
	c.send(t, "late")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if line, took := <-got, time.Since(began); line != "late" || took < 60*time.Millisecond {
		t.Errorf("the server got %q after %s, want late after at least 60ms, although its client had gone", line, took)
	}
}
