package sqlstore

import (
	"errors"
	"net"
	"strings"

	"github.com/kinstream/kin/lease"
)

// Error is returned by the methods of a [Store] when the database could not be reached, refused
// a statement, or has rows that can't be understood. It is not known whether anything was
// changed. Trying again is safe; where it does not help, Hint may. It wraps [lease.ErrSetup] if
// somebody has to set something right first. Errors that wrap [lease.ErrInvalid] and
// [lease.ErrNoWorker] come as they are.
type Error struct {
	// Op is what was to be done, such as "load group billing".
	Op string

	// Err is the cause, with the error of the driver in its chain.
	Err error

	// Hint says what may help, and is empty if that is not known.
	Hint string

	setup bool
}

// Error says what did not work, why, and what may help, in one line.
func (e *Error) Error() string {
	text := "sqlstore: " + e.Op + ": " + strings.Join(strings.Fields(e.Err.Error()), " ")
	if e.Hint == "" {
		return text
	}
	return strings.TrimSuffix(text, ".") + " (" + e.Hint + ")"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is says that the error is [lease.ErrSetup] if it is.
func (e *Error) Is(target error) bool { return e.setup && target == lease.ErrSetup }

// wrap says what did not work. It returns nil for nil.
func wrap(what string, err error) error {
	if err == nil || errors.Is(err, lease.ErrNoWorker) || errors.Is(err, lease.ErrInvalid) {
		return err
	}
	e := &Error{Op: what, Err: err}
	if e.Hint, e.setup = remedy(err); e.setup || e.Hint != "" {
		return e
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		e.Hint = "check the address of the database and the network"
	}
	return e
}

const (
	noTables   = "there are no tables for leases of that name in this database: call Store.CreateTables, or run what Store.Schema returns"
	otherTable = "is it a table for leases, made by Store.CreateTables of this version?"
	denied     = "check the user and the password, and what the user may do with the tables"
	noDatabase = "make the database first"
	readOnly   = "the database can't be written: is it a replica?"
	noFile     = "can the file be opened and written, and is its directory there?"
	crowded    = "the server has no connection left: allow more there, or fewer in each process with SetMaxOpenConns"
	noSQLite   = "the file is no database of SQLite"
)

// remedy returns what may help against an error, and whether nothing else does. Drivers tell
// errors in ways of their own; none of them is required here. A server that can't be written
// may be another one soon, after a failover.
func remedy(err error) (hint string, setup bool) {
	// PostgreSQL: pgx and lib/pq.
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		switch state := e.SQLState(); {
		case state == "42P01", state == "3F000":
			return noTables, true
		case state == "42703":
			return otherTable, true
		case state == "42501", strings.HasPrefix(state, "28"):
			return denied, true
		case state == "3D000":
			return noDatabase, true
		case state == "25006":
			return readOnly, false
		case state == "53300":
			return crowded, false
		}
		return "", false
	}
	text := err.Error()
	for _, s := range []struct {
		sign, hint string
		setup      bool
	}{
		{"no such table", noTables, true},
		{"no such column", otherTable, true},
		{"unable to open database file", noFile, true},
		{"file is not a database", noSQLite, true},
		{"attempt to write a readonly database", noFile, true},
		{"Error 1146", noTables, true},
		{"Error 1054", otherTable, true},
		{"Error 1044", denied, true},
		{"Error 1045", denied, true},
		{"Error 1142", denied, true},
		{"Error 1049", noDatabase, true},
		{"Error 1290", readOnly, false},
		{"Error 1040", crowded, false},
	} {
		if strings.Contains(text, s.sign) {
			return s.hint, s.setup
		}
	}
	return "", false
}
