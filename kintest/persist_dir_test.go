package kintest_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

func TestDirectoryShrinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := kintest.Config{Dir: t.TempDir()}.WithSegments(10_000)
		segments := func() int {
			t.Helper()
			found, err := filepath.Glob(filepath.Join(config.Dir, "*.log"))
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		fill := func(e engine, name string) {
			for range 50 {
				e.put(name, "k", strings.Repeat("x", 1000))
			}
		}
		session(t, config, func(e engine) {
			e.create(orders, 1)
			fill(e, orders)
			e.create("other", 1)
			fill(e, "other")
			if n := segments(); n < 10 {
				t.Fatalf("%d files, want more", n)
			}
			if err := e.DeleteStream("other"); err != nil {
				t.Fatal(err)
			}
			fill(e, orders)
			if n := segments(); n < 10 || n > 14 {
				t.Errorf("%d files after the deletion of half of the records, want about 12", n)
			}
		})
		time.Sleep(24*time.Hour + time.Second)
		session(t, config, func(e engine) {
			if records := e.Records(orders); len(records) != 0 {
				t.Errorf("%d records after their retention", len(records))
			}
			if n := segments(); n != 1 {
				t.Errorf("%d files when nothing is left, want 1", n)
			}
			fill(e, orders)
			if n := segments(); n > 7 {
				t.Errorf("%d files when the retention of the first records has passed, want about 6", n)
			}
			if got := len(e.Records(orders)); got != 50 {
				t.Errorf("%d records, want the 50 new ones", got)
			}
		})
	})
}

func TestDirectoryProblems(t *testing.T) {
	t.Parallel()

	t.Run("in_use", func(t *testing.T) {
		t.Parallel()
		config := kintest.Config{Dir: t.TempDir()}
		session(t, config, func(engine) {
			if _, err := kintest.NewServer(config); !errors.Is(err, kintest.ErrLocked) || !strings.Contains(err.Error(), config.Dir) {
				t.Errorf("error = %v, want %v with the directory", err, kintest.ErrLocked)
			}
		})
		session(t, config, func(engine) {})
	})

	t.Run("damaged", func(t *testing.T) {
		t.Parallel()
		config := kintest.Config{Dir: t.TempDir()}
		session(t, config, func(e engine) { e.create(orders, 1); e.put(orders, "k", "one"); e.put(orders, "k", "two") })
		path := filepath.Join(config.Dir, "00000000000000000001.log")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[strings.Index(string(data), "one")] ^= 1
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = kintest.NewServer(config)
		if err == nil || !strings.Contains(err.Error(), "00000000000000000001.log is damaged at byte") || strings.Contains(err.Error(), "\n") {
			t.Errorf("error = %v, want one line that names the file and the place", err)
		}
	})

	t.Run("torn", func(t *testing.T) {
		t.Parallel()
		var log strings.Builder
		config := kintest.Config{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
		session(t, config, func(e engine) { e.create(orders, 1); e.put(orders, "k", "one"); e.put(orders, "k", "two") })
		path := filepath.Join(config.Dir, "00000000000000000001.log")
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()-1); err != nil {
			t.Fatal(err)
		}
		session(t, config, func(e engine) {
			if got := e.Records(orders); len(got) != 1 || string(got[0].Data) != "one" {
				t.Errorf("records %v, want the first one", got)
			}
		})
		if !strings.Contains(log.String(), "cut off") || !strings.Contains(log.String(), "file=00000000000000000001.log") {
			t.Errorf("log %q, want what was cut off", log.String())
		}
	})

	t.Run("not_writable_any_more", func(t *testing.T) {
		t.Parallel()
		var log strings.Builder
		config := kintest.Config{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
		session(t, config, func(e engine) {
			e.create(orders, 1)
			e.BreakJournal()
			wantInternalFailure(t, e.PutRecord(record(orders, "k", "x"), &proto.PutRecordReply{}), "journal: closed")
			if err := e.CreateStream("more", 1); err != nil {
				t.Fatal(err)
			}
		})
		if got := strings.Count(log.String(), "not kept any more"); got != 1 {
			t.Errorf("%d complaints in the log, want one: %s", got, log.String())
		}
	})
}
