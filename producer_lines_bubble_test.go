package kin_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// linePuts is a client that stores everything and remembers the data, in the order of the calls.
type linePuts struct {
	scriptedPuts
	lines, keys []string
}

func newLinePuts() *linePuts {
	c := &linePuts{}
	c.answer = func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
		for _, e := range in.Records {
			c.lines = append(c.lines, string(e.Data))
			c.keys = append(c.keys, *e.PartitionKey)
		}
		return allStored(in), nil
	}
	return c
}

// inOrder is a configuration of one call at a time.
func inOrder() kin.ProducerConfig { return kin.ProducerConfig{MaxInFlight: 1} }

// write writes the pieces and wants all of them taken.
func write(tb testing.TB, w io.Writer, pieces ...string) {
	tb.Helper()
	for _, piece := range pieces {
		if n, err := io.WriteString(w, piece); n != len(piece) || err != nil {
			tb.Errorf("Write(%.20q) = %d, %v, want %d, nil", piece, n, err, len(piece))
		}
	}
}

func TestLineWriterCutsLines(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pieces []string
		keep   bool
		want   []string
	}{
		"one line in one Write":               {pieces: []string{"a\n"}, want: []string{"a"}},
		"many lines in one Write":             {pieces: []string{"a\nb\nc\n"}, want: []string{"a", "b", "c"}},
		"a line over many Writes":             {pieces: []string{"a", "", "b", "c\nd", "\n"}, want: []string{"abc", "d"}},
		"a line without an end, by Close":     {pieces: []string{"a\nbc"}, want: []string{"a", "bc"}},
		"nothing after the last end":          {pieces: []string{"a\n", ""}, want: []string{"a"}},
		"nothing at all":                      {},
		"empty lines as records without data": {pieces: []string{"\na\n\n"}, want: []string{"", "a", ""}},
		"ends of two characters":              {pieces: []string{"a\r\nb\r", "\n\r\n"}, want: []string{"a", "b", ""}},
		"a return inside of a line":           {pieces: []string{"a\rb\n\r"}, want: []string{"a\rb", "\r"}},
		"and keeps ends when told":            {pieces: []string{"a\r\n\nb", "c\nd"}, keep: true, want: []string{"a\r\n", "\n", "bc\n", "d"}},
		"lines as long as a record":           {pieces: []string{"12345678\r\n", "1234", "5678\n12345678"}, want: []string{"12345678", "12345678", "12345678"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newLinePuts()
				cfg := inOrder()
				cfg.MaxRecordBytes = 9
				p := newProducer(t, client, cfg)
				w := kin.NewLineWriter(p, kin.LineWriterConfig{KeepNewline: tt.keep, Key: func([]byte) string { return "k" }})
				write(t, w, tt.pieces...)
				if err := w.Close(); err != nil {
					t.Errorf("Close = %v, want nil", err)
				}
				if !slices.Equal(client.lines, tt.want) {
					t.Errorf("records = %q, want %q", client.lines, tt.want)
				}
				mustClose(t, p)
			})
		})
	}
}

func TestLineWriter(t *testing.T) {
	t.Parallel()

	t.Run("spreads lines over the shards", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			server := kintest.New(t)
			if err := server.CreateStream("orders", 8); err != nil {
				t.Fatal(err)
			}
			p := newProducer(t, server.Client(), kin.ProducerConfig{})
			w := kin.NewLineWriter(p, kin.LineWriterConfig{})
			const lines = 4000
			write(t, w, strings.Repeat("line\n", lines))
			if err := w.Close(); err != nil {
				t.Errorf("Close = %v, want nil", err)
			}
			keys, perShard := map[string]bool{}, map[string]int{}
			for _, rec := range server.Records("orders") {
				keys[rec.PartitionKey] = true
				perShard[rec.ShardID]++
			}
			if len(keys) != lines || len(perShard) != 8 {
				t.Errorf("keys = %d in %d shards, want %d in 8", len(keys), len(perShard), lines)
			}
			for shard, n := range perShard {
				if n < lines/16 {
					t.Errorf("%s has %d lines of %d, want about an eighth", shard, n, lines)
				}
			}
			mustClose(t, p)
		})
	})

	t.Run("asks for the key of each line, without its end", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := newLinePuts()
			p := newProducer(t, client, inOrder())
			w := kin.NewLineWriter(p, kin.LineWriterConfig{
				KeepNewline: true, Key: func(line []byte) string { return "key of " + string(line) },
			})
			write(t, w, "a\nb\r\nc")
			if err := w.Close(); err != nil {
				t.Errorf("Close = %v, want nil", err)
			}
			slices.Sort(client.keys) // of one call, whose order is that of shards
			if want := []string{"key of a", "key of b", "key of c"}; !slices.Equal(client.keys, want) {
				t.Errorf("keys = %q, want %q", client.keys, want)
			}
			mustClose(t, p)
		})
	})

	t.Run("keeps nothing of what it is given", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := newLinePuts()
			p := newProducer(t, client, inOrder())
			w := kin.NewLineWriter(p, kin.LineWriterConfig{})
			b := []byte("abc\nde")
			for range 2 {
				if _, err := w.Write(b); err != nil {
					t.Error(err)
				}
			}
			clear(b)
			if err := w.Close(); err != nil {
				t.Errorf("Close = %v, want nil", err)
			}
			slices.Sort(client.lines)
			if want := []string{"abc", "de", "deabc"}; !slices.Equal(client.lines, want) {
				t.Errorf("records = %q, want %q", client.lines, want)
			}
			mustClose(t, p)
		})
	})

	t.Run("serves loggers, copies and buffers, many at a time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, testLineWriterShared)
	})

	t.Run("waits for room", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := &scriptedPuts{answer: slowly}
			p := newProducer(t, client, room(4))
			w := kin.NewLineWriter(p, kin.LineWriterConfig{Key: func([]byte) string { return "kk" }})
			begun := time.Now()
			write(t, w, strings.Repeat("x\n", 9))
			if took := time.Since(begun); took < time.Second {
				t.Errorf("9 lines were taken after %v, want the room for 4 to hold them up", took)
			}
			if err := w.Flush(t.Context()); err != nil {
				t.Errorf("Flush = %v, want nil", err)
			}
			mustClose(t, p)
		})
	})

	t.Run("is closed alone, and with the producer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, newLinePuts(), inOrder())
			first, second := kin.NewLineWriter(p, kin.LineWriterConfig{}), kin.NewLineWriter(p, kin.LineWriterConfig{})
			for range 2 {
				if err := first.Close(); err != nil {
					t.Errorf("Close = %v, want nil", err)
				}
			}
			if _, err := first.Write([]byte("a\n")); !errors.Is(err, kin.ErrClosed) {
				t.Errorf("Write after Close = %v, want ErrClosed", err)
			}
			write(t, second, "a\nb")
			mustClose(t, p)
			if n, err := second.Write([]byte("c\n")); n != 0 || !errors.Is(err, kin.ErrClosed) {
				t.Errorf("Write after the producer's Close = %d, %v, want 0, ErrClosed", n, err)
			}
			if err := second.Close(); !errors.Is(err, kin.ErrClosed) {
				t.Errorf("Close with a line that is not stored = %v, want ErrClosed", err)
			}
		})
	})
}

func TestLineWriterOfAnotherStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := kintest.New(t)
		for _, name := range []string{"orders", "clicks"} {
			if err := server.CreateStream(name, 1); err != nil {
				t.Fatal(err)
			}
		}
		p := newProducer(t, server.Client(), kin.ProducerConfig{})
		clicks := kin.NewLineWriter(p, kin.LineWriterConfig{Stream: "clicks"})
		write(t, clicks, "a\nb\n")
		if err := clicks.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
		if here, there := len(server.Records("clicks")), len(server.Records("orders")); here != 2 || there != 0 {
			t.Errorf("records = %d in clicks and %d in orders, want 2 and 0", here, there)
		}
		nowhere := kin.NewLineWriter(p, kin.LineWriterConfig{Stream: "a b"})
		if _, err := nowhere.Write([]byte("a\n")); !errors.Is(err, kin.ErrInvalidRecord) {
			t.Errorf("Write to a stream of no name = %v, want ErrInvalidRecord", err)
		}
		mustClose(t, p)
	})
}

func testLineWriterShared(t *testing.T) {
	server := kintest.New(t)
	if err := server.CreateStream("orders", 2); err != nil {
		t.Fatal(err)
	}
	p := newProducer(t, server.Client(), kin.ProducerConfig{})
	w := kin.NewLineWriter(p, kin.LineWriterConfig{})
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			logger := slog.New(slog.NewTextHandler(w, nil))
			for n := range 50 {
				logger.Info("logged", "by", i, "n", n)
			}
		})
	}
	writers.Wait()
	// What writes pieces of lines has the writer for itself.
	text := strings.Repeat("copied line\n", 100)
	if n, err := io.Copy(w, iotest.OneByteReader(strings.NewReader(text))); n != int64(len(text)) || err != nil {
		t.Errorf("Copy = %d, %v, want %d, nil", n, err, len(text))
	}
	buffered := bufio.NewWriterSize(w, 50)
	for n := range 100 {
		fmt.Fprintf(buffered, "buffered %d\n", n)
	}
	if err := buffered.Flush(); err != nil {
		t.Errorf("Flush = %v, want nil", err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	counts := map[string]int{}
	for _, rec := range server.Records("orders") {
		for _, kind := range []string{"msg=logged", "copied line", "buffered "} {
			if strings.Contains(string(rec.Data), kind) {
				counts[kind]++
			}
		}
	}
	if want := map[string]int{"msg=logged": 200, "copied line": 100, "buffered ": 100}; fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("records = %v, want %v", counts, want)
	}
	mustClose(t, p)
}
