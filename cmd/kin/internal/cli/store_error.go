package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/sqlstore"
)

// storeError is an error of the store, which is explained as such: another machine than that of
// the streams may be meant.
type storeError struct {
	address storeAddress
	err     error
}

func (e *storeError) Error() string { return e.address.String() + ": " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// bare is the text without the hint of the store, for where the command has one of its own.
func (e *storeError) bare() string {
	text := e.Error()
	hint := ""
	if sql, ok := errors.AsType[*sqlstore.Error](e.err); ok {
		hint = sql.Hint
	} else if dynamo, ok := errors.AsType[*dynamostore.Error](e.err); ok {
		hint = dynamo.Hint
	}
	if hint != "" {
		text = strings.TrimSuffix(text, " ("+hint+")")
	}
	return oneLine(text)
}

// storeFailure marks an error as one of the store. What says what happened in the group stays
// as it is.
func storeFailure(address storeAddress, err error) error {
	if err == nil || errors.Is(err, lease.ErrNoWorker) {
		return err
	}
	if _, explained := errors.AsType[*failure](err); explained {
		return err
	}
	return &storeError{address, err}
}

// storeFailure explains an error of the store.
func (a *app) storeFailure(e *storeError) *failure {
	if f := groupFailure(e.err); f != nil {
		return f
	}
	elsewhere := &app{flags: a.flags, target: target{endpoint: e.address.String()}}
	if f := elsewhere.networkFailure(e.err); f != nil {
		f.hint = "is the store there, and is --store right?"
		return f
	}
	if f := fileFailure(e.err); f != nil {
		return f
	}
	if f := sqlFailure(e); f != nil {
		return f
	}
	f := &failure{code: exitFailed, what: oneLine(e.Error()), err: e}
	switch service := elsewhere.serviceFailure(e.err); {
	case service == nil:
	case service.code == exitNotFound:
		f = noTables(e, "is the region right?")
	case service.code == exitDenied:
		f.code, f.what, f.hint = exitDenied, e.bare(), service.hint
	}
	return f
}

// noTables says that the place of a store is there, and empty.
func noTables(e *storeError, hint string) *failure {
	return &failure{
		code: exitNotFound, what: fmt.Sprintf("%v: there are no tables for groups", e.address),
		hint: "kin consume --create-store makes them; " + hint, err: e,
	}
}

// Codes of SQLite for what is wrong with the file.
const (
	sqliteReadOnly    = 8
	sqliteCantOpen    = 14
	sqliteNotDatabase = 26
)

// sqlFailure explains an error of a database. It returns nil for other errors.
func sqlFailure(e *storeError) *failure {
	state := ""
	if coded, ok := errors.AsType[interface {
		error
		SQLState() string
	}](e.err); ok {
		state = coded.SQLState()
	}
	number := uint16(0)
	if coded, ok := errors.AsType[*mysql.MySQLError](e.err); ok {
		number = coded.Number
	}
	denied := &failure{
		code: exitDenied, what: e.bare(), err: e,
		hint: "check the user and the password in --store, and what the user may do with the tables",
	}
	sqlite := 0 // the code of SQLite without what it adds to it
	if coded, ok := errors.AsType[interface {
		error
		Code() int
	}](e.err); ok && e.address.kind == storeSQLite {
		sqlite = coded.Code() & 0xff
	}
	switch {
	case sqlite == sqliteReadOnly, sqlite == sqliteCantOpen, sqlite == sqliteNotDatabase:
		return &failure{code: exitUsage, what: oneLine(e.Error()), hint: "check the path in --store", err: e}
	case state == "42P01", number == 1146: // there is no such table
		return noTables(e, "is it the right database?")
	case state == "3D000", number == 1049: // there is no such database
		return &failure{code: exitNotFound, what: e.bare(), hint: "create the database first", err: e}
	case strings.HasPrefix(state, "28"), state == "42501", number == 1044, number == 1045, number == 1142:
		return denied
	}
	return nil
}
