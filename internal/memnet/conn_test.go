package memnet_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/memnet"
)

// pipe returns two connected ends that are closed with the test.
func pipe(tb testing.TB) (a, b *memnet.Conn) {
	tb.Helper()
	a, b = memnet.Pipe()
	tb.Cleanup(func() {
		_ = a.Close()
		_ = b.Close()
	})
	return a, b
}

func TestConn(t *testing.T) {
	t.Parallel()

	t.Run("carries_megabytes_unchanged_in_both_directions_at_once", func(t *testing.T) {
		t.Parallel()
		a, b := pipe(t)
		var wg sync.WaitGroup
		for seed, ends := range [][2]*memnet.Conn{{a, b}, {b, a}} {
			sent, got := sha256.New(), sha256.New()
			from, to := ends[0], ends[1]
			wg.Go(func() {
				sendChunks(from, sent, uint64(seed))
				_ = from.CloseWrite()
			})
			wg.Go(func() {
				if _, err := io.CopyBuffer(got, struct{ io.Reader }{to}, make([]byte, 7777)); err != nil {
					t.Errorf("copy: %v", err)
				}
			})
			defer func() {
				if !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
					t.Errorf("direction %d: received bytes differ from those sent", seed)
				}
			}()
		}
		wg.Wait()
	})

	t.Run("gives_a_short_read_what_there_is_and_keeps_the_rest", func(t *testing.T) {
		t.Parallel()
		a, b := pipe(t)
		mustWrite(t, a, "hello world")
		for _, want := range []string{"hello", " worl", "d"} {
			buf := make([]byte, 5)
			n, err := b.Read(buf)
			if err != nil || string(buf[:n]) != want {
				t.Errorf("read = %q, %v; want %q", buf[:n], err, want)
			}
		}
	})

	t.Run("lets_the_peer_answer_after_half_close", func(t *testing.T) {
		t.Parallel()
		a, b := pipe(t)
		mustWrite(t, a, "question")
		if err := a.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(b); err != nil || string(got) != "question" {
			t.Errorf("peer read = %q, %v; want question", got, err)
		}
		mustWrite(t, b, "answer")
		_ = b.Close()
		if got, err := io.ReadAll(a); err != nil || string(got) != "answer" {
			t.Errorf("read = %q, %v; want answer", got, err)
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after CloseWrite = %v, want net.ErrClosed", err)
		}
	})

	t.Run("delivers_what_was_written_before_close", func(t *testing.T) {
		t.Parallel()
		a, b := pipe(t)
		mustWrite(t, a, "last words")
		_ = a.Close()
		if got, err := io.ReadAll(b); err != nil || string(got) != "last words" {
			t.Errorf("read = %q, %v; want the last words", got, err)
		}
		if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to a closed peer = %v, want broken pipe", err)
		}
	})

	t.Run("keeps_concurrent_writes_whole", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe(t)
			const writers, size = 4, 300 << 10 // more than the buffer
			var wg sync.WaitGroup
			for i := range writers {
				wg.Go(func() { mustWrite(t, a, string(bytes.Repeat([]byte{byte('a' + i)}, size))) })
			}
			got := make([]byte, writers*size)
			for at := 0; at < len(got); {
				synctest.Wait() // all writers wait, for room or for their turn: any of them may be next
				n, err := b.Read(got[at:])
				if err != nil {
					t.Fatal(err)
				}
				at += n
			}
			wg.Wait()
			for i := range writers {
				part := got[i*size : (i+1)*size]
				if n := bytes.Count(part, part[:1]); n != size {
					t.Errorf("part %d: %d bytes of its first writer, want %d", i, n, size)
				}
			}
		})
	})

	t.Run("survives_reads_writes_deadlines_and_closes_by_many_goroutines", func(t *testing.T) {
		t.Parallel()
		a, b := pipe(t)
		var wg sync.WaitGroup
		for i, c := range []*memnet.Conn{a, b, a, b} {
			wg.Go(func() {
				for n := range 200 {
					_ = c.SetDeadline(time.Now().Add(time.Duration(n%3) * time.Microsecond))
					_, _ = c.Write(make([]byte, 3000))
					_ = c.SetDeadline(time.Now().Add(time.Microsecond))
					_, _ = c.Read(make([]byte, 2000))
					_, _ = c.LocalAddr().String(), c.RemoteAddr().Network()
				}
				if i > 1 {
					_ = c.Close()
				}
			})
		}
		wg.Wait()
	})
}

func TestConnEnds(t *testing.T) {
	t.Parallel()

	ends := map[string]struct {
		end               func(a, b *memnet.Conn)
		readErr, writeErr error // what a waiting Read and Write of a fail with
	}{
		"its_own_close":      {func(a, _ *memnet.Conn) { _ = a.Close() }, net.ErrClosed, net.ErrClosed},
		"the_peers_close":    {func(_, b *memnet.Conn) { _ = b.Close() }, io.EOF, syscall.EPIPE},
		"a_cut":              {func(_, b *memnet.Conn) { b.Cut() }, syscall.ECONNRESET, syscall.ECONNRESET},
		"an_expired_moment":  {func(a, _ *memnet.Conn) { _ = a.SetDeadline(time.Now()) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
		"a_coming_deadline":  {func(a, _ *memnet.Conn) { _ = a.SetDeadline(time.Now().Add(time.Hour)) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
		"a_time_in_the_past": {func(a, _ *memnet.Conn) { _ = a.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
	}
	for name, end := range ends {
		t.Run("waiting_read_and_write_return_at_"+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe(t)
				var wg sync.WaitGroup
				wg.Go(func() {
					if n, err := a.Read(make([]byte, 1)); n != 0 || !errors.Is(err, end.readErr) {
						t.Errorf("read = %d, %v; want %v", n, err, end.readErr)
					}
				})
				wg.Go(func() {
					if n, err := a.Write(make([]byte, 1<<20)); n != 256<<10 || !errors.Is(err, end.writeErr) {
						t.Errorf("write = %d, %v; want %d, %v", n, err, 256<<10, end.writeErr)
					}
				})
				synctest.Wait() // both wait now
				end.end(a, b)
				wg.Wait()
			})
		})
	}
}

func TestConnInBubble(t *testing.T) {
	t.Parallel()

	t.Run("a_waiting_reader_lets_fake_time_pass", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe(t)
			start := time.Now()
			time.AfterFunc(time.Hour, func() { mustWrite(t, a, "x") })
			if _, err := b.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(start); got != time.Hour {
				t.Errorf("read returned after %v, want 1h", got)
			}
		})
	})

	t.Run("a_moved_deadline_revives_the_connection", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe(t)
			_ = b.SetReadDeadline(time.Now().Add(time.Second))
			if _, err := b.Read(make([]byte, 1)); !isTimeout(err) {
				t.Fatalf("read = %v, want a time-out", err)
			}
			_ = b.SetReadDeadline(time.Now().Add(time.Minute))
			mustWrite(t, a, "x")
			if n, err := b.Read(make([]byte, 1)); n != 1 || err != nil {
				t.Errorf("read after moving the deadline = %d, %v", n, err)
			}
			_ = b.SetReadDeadline(time.Time{})
			time.Sleep(2 * time.Minute) // in a bubble
			mustWrite(t, a, "y")
			if n, err := b.Read(make([]byte, 1)); n != 1 || err != nil {
				t.Errorf("read after removing the deadline = %d, %v", n, err)
			}
		})
	})

	t.Run("an_expired_deadline_hides_even_bytes_that_are_there", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe(t)
			mustWrite(t, a, "x")
			_ = b.SetReadDeadline(time.Now().Add(-time.Second))
			if _, err := b.Read(make([]byte, 1)); !isTimeout(err) {
				t.Errorf("read = %v, want a time-out", err)
			}
		})
	})

	t.Run("a_cut_loses_what_is_in_flight", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe(t)
			mustWrite(t, a, "lost")
			a.Cut()
			if n, err := b.Read(make([]byte, 4)); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read = %d, %v; want connection reset", n, err)
			}
		})
	})
}

func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout() && errors.Is(err, os.ErrDeadlineExceeded)
}

func mustWrite(tb testing.TB, w io.Writer, s string) {
	tb.Helper()
	if n, err := io.WriteString(w, s); n != len(s) || err != nil {
		tb.Errorf("write = %d, %v; want %d", n, err, len(s))
	}
}

// sendChunks writes 2 MiB in pieces of random sizes, and to sum.
func sendChunks(to io.Writer, sum io.Writer, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for left := 2 << 20; left > 0; {
		chunk := make([]byte, min(left, 1+r.IntN(100_000)))
		for i := range chunk {
			chunk[i] = byte(r.Uint32())
		}
		_, _ = sum.Write(chunk)
		_, _ = to.Write(chunk)
		left -= len(chunk)
	}
}

func BenchmarkConn(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(map[int]string{1 << 10: "1KiB_echo", 1 << 20: "1MiB_echo"}[size], func(b *testing.B) {
			x, y := pipe(b)
			go func() { // ends when x is closed with the benchmark
				buf := make([]byte, size)
				for {
					if _, err := io.ReadFull(y, buf); err != nil {
						return
					}
					_, _ = y.Write(buf[:1])
				}
			}()
			msg, ack := make([]byte, size), make([]byte, 1)
			b.SetBytes(int64(size))
			for b.Loop() {
				_, _ = x.Write(msg)
				_, _ = io.ReadFull(x, ack)
			}
		})
	}
}
