//go:build unix

package group_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kinstream/kin/e2e/server"
)

// storeKind is a store that a scenario can use.
type storeKind struct {
	name string

	// start starts its server and returns what worker.OpenStore takes, the address in it, and
	// the process of the server. The latter two are empty for a store without one.
	start func(tb testing.TB) (spec, address string, pid int)

	embedded bool // it has no server
}

func dynamo(kind server.DynamoDBKind) storeKind {
	return storeKind{name: kind.Name, start: func(tb testing.TB) (string, string, int) {
		tb.Helper()
		s := kind.Start(tb)
		return "dynamodb:" + s.URL, strings.TrimPrefix(s.URL, "http://"), s.PID
	}}
}

func dynalite() storeKind { return dynamo(server.Dynalite()) }
func dynoxide() storeKind { return dynamo(server.Dynoxide()) }

// loopback is the address in a DSN.
var loopback = regexp.MustCompile(`127\.0\.0\.1:\d+`)

func database(kind server.DatabaseKind) storeKind {
	return storeKind{name: kind.Name, start: func(tb testing.TB) (string, string, int) {
		tb.Helper()
		s := kind.Start(tb)
		pid := s.PID
		if kind.Name == server.PostgreSQL().Name {
			pid = 0 // it is many processes
		}
		return s.Driver + ":" + s.DSN, loopback.FindString(s.DSN), pid
	}}
}

func postgres() storeKind { return database(server.PostgreSQL()) }
func mariadb() storeKind  { return database(server.MariaDB()) }

// sqlite is a file that all workers open.
func sqlite() storeKind {
	return storeKind{name: "SQLite", embedded: true, start: func(tb testing.TB) (string, string, int) {
		tb.Helper()
		file := filepath.Join(tb.TempDir(), "groups.db")
		return "sqlite:file:" + file + "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)", "", 0
	}}
}

// benchStores are those that figures are given for.
func benchStores() []storeKind { return []storeKind{dynalite(), postgres()} }
