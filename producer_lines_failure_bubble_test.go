package kin_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

// lineError returns err as a *kin.LineError.
func lineError(tb testing.TB, err error) *kin.LineError {
	tb.Helper()
	e, ok := errors.AsType[*kin.LineError](err)
	if !ok {
		tb.Fatalf("error = %v, want a *LineError", err)
	}
	return e
}

// keyIsLine makes each line its own partition key.
func keyIsLine(line []byte) string { return string(line) }

// refusing is a client that never stores records with the key.
func refusing(key string) *scriptedPuts {
	return &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
		return failing(in, func(k string) string {
			if k == key {
				return throttledCode
			}
			return ""
		}), nil
	}}
}

func TestLineWriterEndsWithTheFirstLineThatIsNotStored(t *testing.T) {
	t.Parallel()

	t.Run("found out later", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := refusing("b")
			p := newProducer(t, client, kin.ProducerConfig{RecordTTL: time.Second})
			w := kin.NewLineWriter(p, kin.LineWriterConfig{Key: keyIsLine})
			write(t, w, "a\nb\nc\nd")
			first := w.Flush(t.Context())
			if e := lineError(t, first); e.Line != 2 || !errors.Is(e, kin.ErrExpired) || putError(t, e).Code != throttledCode {
				t.Errorf("Flush = %v, want line 2, throttled", first)
			}
			if !strings.HasPrefix(first.Error(), `line 2: put record with key "b" (1 bytes) to orders, attempt `) {
				t.Errorf("error = %q, want the line and its record", first)
			}
			n, err := w.Write([]byte("e\n"))
			if n != 0 || err != first { //nolint:errorlint // the same error
				t.Errorf("Write = %d, %v, want 0 and %v", n, err, first)
			}
			if err := w.Close(); err != first { //nolint:errorlint // the same error
				t.Errorf("Close = %v, want %v", err, first)
			}
			for _, call := range client.seen() {
				if slices.Contains(call.keys, "d") || slices.Contains(call.keys, "e") {
					t.Errorf("put = %v, want no line after the failure", call.keys)
				}
			}
			mustClose(t, p)
		})
	})

	for name, tt := range map[string]struct {
		pieces []string
		taken  int // of the last piece
		line   int64
		text   string
	}{
		"too long in one Write":     {[]string{"a\n", "b\n123456789x\nc\n"}, 2, 3, "line 3: kin: invalid record: longer than ProducerConfig.MaxRecordBytes (8)"},
		"too long over many Writes": {[]string{"a\n123", "456", "789", "abc"}, 0, 2, "line 2: kin: invalid record: longer than"},
		"too long with its key":     {[]string{"a\n12345678\nc\n"}, 2, 2, "MaxRecordBytes (8)"},
		"without a valid key":       {[]string{"a\n\xff\n"}, 2, 2, "UserRecord.PartitionKey is not valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newLinePuts()
				cfg := inOrder()
				cfg.MaxRecordBytes = 8
				p := newProducer(t, client, cfg)
				w := kin.NewLineWriter(p, kin.LineWriterConfig{Key: keyIsLine})
				last := len(tt.pieces) - 1
				write(t, w, tt.pieces[:last]...)
				n, err := io.WriteString(w, tt.pieces[last])
				if e := lineError(t, err); n != tt.taken || e.Line != tt.line || !errors.Is(e, kin.ErrInvalidRecord) || !strings.Contains(e.Error(), tt.text) {
					t.Errorf("Write = %d, %v, want %d and line %d: %s", n, err, tt.taken, tt.line, tt.text)
				}
				if again := w.Close(); again != err { //nolint:errorlint // the same error
					t.Errorf("Close = %v, want %v", again, err)
				}
				if want := numberOfLinesBefore(tt.line); len(client.lines) != want {
					t.Errorf("records = %q, want %d", client.lines, want)
				}
				mustClose(t, p)
			})
		})
	}

	t.Run("and a Flush that is cut short says so", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{answer: slowly}, kin.ProducerConfig{})
			w := kin.NewLineWriter(p, kin.LineWriterConfig{})
			write(t, w, "a\n")
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := w.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Flush = %v, want the deadline", err)
			}
			mustClose(t, p)
		})
	})
}

func numberOfLinesBefore(line int64) int { return int(line) - 1 }

func TestLineWriterGoesOnWhenSomebodyIsTold(t *testing.T) {
	t.Parallel()
	type told struct {
		mu    sync.Mutex
		lines []int64
		errs  map[int64]error
	}
	failed := func(to *told) func(*kin.LineError) {
		to.errs = map[int64]error{}
		return func(e *kin.LineError) {
			to.mu.Lock()
			defer to.mu.Unlock()
			to.lines = append(to.lines, e.Line)
			to.errs[e.Line] = e.Err
		}
	}

	t.Run("of lines that are too long or can't be stored", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := refusing("bb")
			cfg := inOrder()
			cfg.MaxRecordBytes, cfg.RecordTTL = 8, time.Second
			p := newProducer(t, client, cfg)
			var to told
			w := kin.NewLineWriter(p, kin.LineWriterConfig{Key: keyIsLine, Failed: failed(&to)})
			write(t, w, "a\nbb\n123456789abc", "def", "ghi\nc\n", strings.Repeat("x", 40)+"\nd\n12345\n", strings.Repeat("y", 12))
			if err := w.Close(); err != nil {
				t.Errorf("Close = %v, want nil", err)
			}
			if want := []int64{3, 5, 7, 8, 2}; !slices.Equal(to.lines, want) {
				t.Errorf("failed = %v, want %v", to.lines, want)
			}
			if !errors.Is(to.errs[2], kin.ErrExpired) || !errors.Is(to.errs[3], kin.ErrInvalidRecord) {
				t.Errorf("errors = %v, want line 2 expired and line 3 invalid", to.errs)
			}
			if got := slices.Sorted(slices.Values(client.seen()[0].keys)); !slices.Equal(got, []string{"a", "bb", "c", "d"}) {
				t.Errorf("put = %v, want all others", got)
			}
			mustClose(t, p)
		})
	})

	t.Run("of lines that find no room", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			cfg := room(2)
			cfg.WhenFull = kin.FailWhenFull
			p := newProducer(t, &scriptedPuts{answer: slowly}, cfg)
			var to told
			w := kin.NewLineWriter(p, kin.LineWriterConfig{Key: keyIsLine, Failed: failed(&to)})
			write(t, w, "a\nb\nc\nd\n")
			if err := w.Flush(t.Context()); err != nil {
				t.Errorf("Flush = %v, want nil", err)
			}
			write(t, w, "e\n")
			if err := w.Close(); err != nil {
				t.Errorf("Close = %v, want nil", err)
			}
			if !slices.Equal(to.lines, []int64{3, 4}) || !errors.Is(to.errs[3], kin.ErrBufferFull) {
				t.Errorf("failed = %v, want lines 3 and 4 with ErrBufferFull", to.errs)
			}
			mustClose(t, p)
		})
	})

	t.Run("but not with a producer that is closed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{answer: slowly}, room(2))
			var to told
			w := kin.NewLineWriter(p, kin.LineWriterConfig{Key: keyIsLine, Failed: failed(&to)})
			wrote := make(chan error)
			go func() {
				n, err := w.Write([]byte("a\nb\nc\nd\n"))
				if n != 4 {
					t.Errorf("Write took %d bytes, want the 4 of 2 lines", n)
				}
				wrote <- err
			}()
			synctest.Wait() // c waits for room
			closed := make(chan error)
			go func() { closed <- w.Close() }()
			synctest.Wait()
			mustClose(t, p)
			err := <-wrote
			if e := lineError(t, err); e.Line != 3 || !errors.Is(e, kin.ErrClosed) {
				t.Errorf("Write = %v, want ErrClosed for line 3", err)
			}
			if again := <-closed; again != err { //nolint:errorlint // the same error
				t.Errorf("Close = %v, want %v", again, err)
			}
			if !slices.Equal(to.lines, []int64{3}) {
				t.Errorf("failed = %v, want line 3", to.lines)
			}
		})
	})
}
