package sqlstore

import (
	"errors"
	"strings"
)

// gaveUp says whether the database ended a statement or a transaction because of what others
// did at the same time, so that it changed nothing and may be tried again. Drivers tell it in
// ways of their own; none of them is required here.
func gaveUp(err error) bool {
	// PostgreSQL: pgx and lib/pq.
	if state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		switch state.SQLState() {
		case "40001", // serialization failure
			"40P01", // deadlock
			"55P03": // lock not available
			return true
		}
		return false
	}
	// SQLite: modernc.org/sqlite and others that carry the result code.
	if code, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		const busy, locked, primary = 5, 6, 0xff
		c := code.Code() & primary
		return c == busy || c == locked
	}
	text := err.Error()
	for _, sign := range []string{
		"Error 1213",                                     // MySQL: deadlock
		"Error 1205",                                     // MySQL: waited too long for a lock
		"Error 1020",                                     // MariaDB: the row has changed since it was read
		"database is locked", "database table is locked", // SQLite: github.com/mattn/go-sqlite3, github.com/ncruces/go-sqlite3
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
