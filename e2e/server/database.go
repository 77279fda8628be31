package server

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
)

// DatabaseKind is a SQL database server that can be started. Its program comes from the system,
// its data are fresh, and it ends with the test: the system's service is never used.
type DatabaseKind struct {
	Name   string
	driver string
	start  func(tb testing.TB) (r running, dsn string)
}

// DatabaseKinds returns all SQL database servers.
func DatabaseKinds() []DatabaseKind { return []DatabaseKind{PostgreSQL(), MariaDB()} }

// Database is a running SQL database server with an empty database.
type Database struct {
	DatabaseKind

	Driver, DSN string // for sql.Open
	PID         int
}

// Start starts a server of this kind on a free port and stops it when tb ends.
func (k DatabaseKind) Start(tb testing.TB) *Database {
	tb.Helper()
	r, dsn := k.start(tb)
	d := &Database{DatabaseKind: k, Driver: k.driver, DSN: dsn, PID: r.pid}
	d.ready(tb)
	return d
}

// ready waits until the server answers: it listens before it does.
func (d *Database) ready(tb testing.TB) {
	tb.Helper()
	db, err := sql.Open(d.Driver, d.DSN)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(tb.Context(), startTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			tb.Fatalf("%s does not answer: %v", d.Name, err)
		case <-tick.C:
		}
	}
}

// Open returns a pool of connections, which is closed when tb ends.
func (d *Database) Open(tb testing.TB) *sql.DB {
	tb.Helper()
	db, err := sql.Open(d.Driver, d.DSN)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// PostgreSQL is the system's PostgreSQL, 13 or later.
func PostgreSQL() DatabaseKind {
	return DatabaseKind{
		Name:   "PostgreSQL",
		driver: "pgx",
		start: func(tb testing.TB) (running, string) {
			tb.Helper()
			bin := filepath.Dir(systemProgram(tb, "postgres", "PostgreSQL", "/usr/lib/postgresql/*/bin"))
			as, dir := unprivileged(tb, "postgres")
			data := filepath.Join(dir, "data")
			as.run(tb, dir, filepath.Join(bin, "initdb"), "-D", data, "-U", "kin", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
			r := as.process(process{
				name:    "PostgreSQL",
				command: filepath.Join(bin, "postgres"),
				args: func(port string) []string {
					return []string{
						"-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
						"-c", "max_connections=200", "-c", "log_min_messages=fatal", "-c", "log_min_error_statement=panic",
					}
				},
				end: os.Interrupt,
			}).run(tb)
			return r, "postgres://kin@" + strings.TrimPrefix(r.url, "http://") + "/postgres?sslmode=disable"
		},
	}
}

// MariaDB is the system's MariaDB, 10.5 or later, with a binary log.
func MariaDB() DatabaseKind {
	return DatabaseKind{
		Name:   "MariaDB",
		driver: "mysql",
		start: func(tb testing.TB) (running, string) {
			tb.Helper()
			if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil { // errors are returned as well
				tb.Fatal(err)
			}
			program := systemProgram(tb, "mariadbd", "MariaDB", "/usr/sbin")
			install := systemProgram(tb, "mariadb-install-db", "MariaDB", "/usr/bin")
			as, dir := unprivileged(tb, "mysql")
			data := filepath.Join(dir, "data")
			as.run(tb, dir, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
			r := as.process(process{
				name:    "MariaDB",
				command: program,
				args: func(port string) []string {
					return []string{
						"--no-defaults", "--datadir=" + data, "--port=" + port, "--bind-address=127.0.0.1", "--socket=" + filepath.Join(dir, "s"),
						"--pid-file=" + filepath.Join(dir, "pid"), "--skip-grant-tables", "--skip-name-resolve", "--max-connections=200",
						"--log-bin=" + filepath.Join(dir, "binlog"), "--server-id=1", "--log-warnings=0",
					}
				},
				end: syscall.SIGTERM,
			}).run(tb)
			dsn := func(database string) string {
				return "root@tcp(" + strings.TrimPrefix(r.url, "http://") + ")/" + database + "?interpolateParams=true"
			}
			quickly(tb, "mysql", dsn(""), "CREATE DATABASE kin")
			return r, dsn("kin")
		},
	}
}

// quickly opens a database for one statement.
func quickly(tb testing.TB, driver, dsn, statement string) {
	tb.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(tb.Context(), statement); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

// systemProgram finds a program in the PATH or in folders, the last in order of which counts.
func systemProgram(tb testing.TB, name, what, folders string) string {
	tb.Helper()
	if path, err := exec.LookPath(name); err == nil {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			return target // where its companions are
		}
		return path
	}
	found, err := filepath.Glob(filepath.Join(folders, name))
	if err != nil || len(found) == 0 {
		Missing(tb, what)
	}
	slices.Sort(found)
	return found[len(found)-1]
}

// account runs programs as another user: database servers refuse to be root.
type account struct {
	name string // empty for this process's own
}

// unprivileged returns an account for servers and a folder that belongs to it, below one that
// everybody may enter. It is removed when tb ends.
func unprivileged(tb testing.TB, names ...string) (account, string) {
	tb.Helper()
	dir, err := os.MkdirTemp("", "kin-e2e-") //nolint:usetesting // another user can't enter the test's own
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() != 0 || runtime.GOOS == "windows" {
		return account{}, dir
	}
	for _, name := range append(names, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if err := errors.Join(uidErr, gidErr, os.Chown(dir, uid, gid)); err != nil {
			tb.Fatal(err)
		}
		return account{u.Username}, dir
	}
	tb.Fatal("there is no user as whom a database server can run")
	return account{}, ""
}

// command returns what runs a program as the account; it has the same process ID as the program.
func (a account) command(program string, args []string) (string, []string) {
	if a.name == "" {
		return program, args
	}
	return "setpriv", append([]string{"--reuid", a.name, "--regid", group(a.name), "--clear-groups", "--", program}, args...)
}

// group returns the ID of a user's group.
func group(name string) string {
	if u, err := user.Lookup(name); err == nil {
		return u.Gid
	}
	return name
}

func (a account) run(tb testing.TB, dir, program string, args ...string) {
	tb.Helper()
	command, args := a.command(program, args)
	Output(tb, dir, []string{"HOME=" + dir, "TMPDIR=" + dir}, command, args...)
}

// process returns a server that runs as the account.
func (a account) process(p process) process {
	program, args := p.command, p.args
	p.command, _ = a.command(program, nil)
	p.args = func(port string) []string {
		_, all := a.command(program, args(port))
		return all
	}
	return p
}
