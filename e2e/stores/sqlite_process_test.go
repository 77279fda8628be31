package stores_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/sqlstore"
)

// Variables that make a process of this test binary a worker of TestSQLiteInManyProcesses.
const (
	fileVariable = "KIN_TEST_SQLITE_FILE"
	nameVariable = "KIN_TEST_SQLITE_WORKER"
)

const (
	sqliteProcesses = 6
	sqliteLeases    = 12
	sqliteRounds    = 40
)

func TestMain(m *testing.M) {
	if file := os.Getenv(fileVariable); file != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		err := raceForLeases(ctx, file, os.Getenv(nameVariable))
		cancel()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	m.Run()
}

// raceForLeases is one of the processes of TestSQLiteInManyProcesses.
func raceForLeases(ctx context.Context, file, name string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer db.Close()
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.SQLite})
	if err != nil {
		return err
	}
	if err := store.CreateTables(ctx); err != nil {
		return err
	}
	w := lease.Worker{ID: name, TTL: 10 * time.Second}
	if err := store.Join(ctx, "g", w); err != nil {
		return err
	}
	fmt.Println("joined")
	for round := range sqliteRounds {
		s, err := store.Load(ctx, "g")
		if err != nil {
			return err
		}
		if _, err := store.Beat(ctx, "g", w); err != nil {
			return err
		}
		for _, c := range wanted(s, name, round) {
			results, err := store.Update(ctx, "g", []lease.Change{c})
			if err != nil {
				return err
			}
			if results[0].Made {
				line, err := json.Marshal(won{c.New.Shard, c.New.Revision, name})
				if err != nil {
					return err
				}
				fmt.Println("won " + string(line))
			}
		}
	}
	fmt.Println("done")
	return nil
}

// wanted returns the changes that a process tries: to take two of the leases, or create them.
func wanted(s lease.Snapshot, name string, round int) (changes []lease.Change) {
	for i := range 2 {
		l := lease.Lease{Key: lease.Key{Stream: "s", Shard: fmt.Sprint((round + i*5) % sqliteLeases)}}
		for _, stored := range s.Leases {
			if stored.Key == l.Key {
				l = stored
			}
		}
		next := l
		next.Owner = name
		next.Epoch++
		changes = append(changes, lease.Set(l, next))
	}
	return changes
}

// won is a change that a process has made.
type won struct {
	Shard    string `json:"shard"`
	Revision int64  `json:"revision"`
	Owner    string `json:"owner"`
}

// TestSQLiteInManyProcesses lets processes race for the leases in one file, from its making on.
// Some are killed in the middle. Each revision of a lease has one winner, and no revision is
// missing.
func TestSQLiteInManyProcesses(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(file string) string{
		"as documented":       sqliteDSN,
		"with a busy timeout": func(file string) string { return sqliteDSN(file) + "&_pragma=busy_timeout(5000)" },
		"without any setting": func(file string) string { return file },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := dsn(filepath.Join(t.TempDir(), "kin.db"))
			type report struct {
				lines []string
				err   error
			}
			reports := make(chan report, sqliteProcesses)
			for i := range sqliteProcesses {
				go func() {
					lines, err := runSQLiteProcess(t.Context(), file, fmt.Sprintf("worker-%d", i), i%3 == 2)
					reports <- report{lines, err}
				}()
			}
			winners := map[won]string{}
			for range sqliteProcesses {
				r := <-reports
				if r.err != nil {
					t.Error(r.err)
				}
				account(t, r.lines, winners)
			}
			s, err := database{sqlstore.SQLite, "sqlite", file}.open(t).Load(t.Context(), "g")
			if err != nil {
				t.Fatal(err)
			}
			wantHistory(t, s, winners)
		})
	}
}

// runSQLiteProcess runs a process to its end, or kills it when it has won five times, and
// returns what it wrote.
func runSQLiteProcess(ctx context.Context, file, name string, kill bool) (lines []string, err error) {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), fileVariable+"="+file, nameVariable+"="+name)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	scanner := bufio.NewScanner(out)
	wins := 0
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
		if strings.HasPrefix(scanner.Text(), "won ") {
			wins++
		}
		if kill && wins == 5 {
			_ = cmd.Process.Kill()
		}
	}
	err = cmd.Wait()
	if kill {
		return lines, nil
	}
	if err != nil {
		err = fmt.Errorf("%s: %w:\n%s", name, err, strings.Join(lines, "\n"))
	}
	return lines, err
}

// account adds the changes that a process says it made.
func account(t *testing.T, lines []string, winners map[won]string) {
	t.Helper()
	for _, line := range lines {
		text, found := strings.CutPrefix(line, "won ")
		if !found {
			continue
		}
		var w won
		if err := json.Unmarshal([]byte(text), &w); err != nil {
			continue // the process was killed while it wrote
		}
		owner := w.Owner
		w.Owner = ""
		if other, twice := winners[w]; twice {
			t.Errorf("revision %d of lease %s was made by %s and by %s", w.Revision, w.Shard, other, owner)
		}
		winners[w] = owner
	}
}

// wantHistory checks that each revision was made, as far as its maker was not killed before it
// could say so.
func wantHistory(t *testing.T, s lease.Snapshot, winners map[won]string) {
	t.Helper()
	const killed = sqliteProcesses / 3
	if len(s.Leases) != sqliteLeases || len(s.Workers) != sqliteProcesses {
		t.Errorf("%d leases and %d workers, want %d and %d", len(s.Leases), len(s.Workers), sqliteLeases, sqliteProcesses)
	}
	missing, all := 0, int64(0)
	for _, l := range s.Leases {
		all += l.Revision
		for n := range l.Revision {
			if _, made := winners[won{Shard: l.Shard, Revision: n + 1}]; !made {
				missing++
			}
		}
		if owner, said := winners[won{Shard: l.Shard, Revision: l.Revision}]; said && owner != l.Owner {
			t.Errorf("the last revision of lease %s is %s's, want %s's", l.Shard, l.Owner, owner)
		}
	}
	if missing > killed {
		t.Errorf("nobody has made %d of %d revisions, want at most %d: those of processes that were killed", missing, all, killed)
	}
	t.Logf("%d revisions by %d processes, of which %d were killed", all, sqliteProcesses, killed)
}
