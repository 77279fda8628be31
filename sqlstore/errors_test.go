package sqlstore_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/sqlstore"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	const tables = "call Store.CreateTables, or run what Store.Schema returns)"
	for name, test := range map[string]struct {
		err   error
		hint  string // the end of the text
		setup bool
	}{
		"PostgreSQL: no table":      {stateError("42P01"), tables, true},
		"PostgreSQL: no schema":     {stateError("3F000"), tables, true},
		"PostgreSQL: another table": {stateError("42703"), "of this version?)", true},
		"PostgreSQL: password":      {stateError("28P01"), "may do with the tables)", true},
		"PostgreSQL: no right":      {stateError("42501"), "may do with the tables)", true},
		"PostgreSQL: no database":   {stateError("3D000"), "(make the database first)", true},
		"PostgreSQL: a replica":     {stateError("25006"), "is it a replica?)", false},
		"PostgreSQL: shutting down": {stateError("57P01"), "57P01", false},
		"PostgreSQL: too many":      {stateError("53300"), "with SetMaxOpenConns)", false},
		"MySQL: too many":           {errors.New("Error 1040 (08004): Too many connections"), "with SetMaxOpenConns)", false},
		"SQLite: no table":          {errors.New("SQL logic error: no such table: kin_groups (1)"), tables, true},
		"SQLite: no directory":      {errors.New("unable to open database file: out of memory (14)"), "its directory there?)", true},
		"SQLite: another file":      {errors.New("file is not a database (26)"), "no database of SQLite)", true},
		"MySQL: no table":           {errors.New("Error 1146 (42S02): Table 'a.kin_groups' doesn't exist"), tables, true},
		"MySQL: password":           {errors.New("Error 1045 (28000): Access denied for user 'a'@'b'"), "may do with the tables)", true},
		"no connection":             {&net.OpError{Op: "dial", Err: errors.New("refused")}, "and the network)", false},
		"what nobody can know":      {errors.New("strange"), "strange", false},
		"several lines":             {errors.New("one:\n\ttwo"), "one: two", false},
	} {
		t.Run("name what may help against "+name, func(t *testing.T) {
			t.Parallel()
			store, _ := open(t, sqlstore.PostgreSQL, func(string, int) (answer, error) { return answer{}, test.err })
			_, err := store.Load(t.Context(), "billing")
			if _, ok := errors.AsType[*sqlstore.Error](err); !ok || !errors.Is(err, test.err) {
				t.Fatalf("error = %#v, want an *Error that wraps its cause", err)
			}
			if got := err.Error(); !strings.HasPrefix(got, "sqlstore: load group billing: ") || !strings.HasSuffix(got, test.hint) {
				t.Errorf("error = %q, want one that ends with %q", got, test.hint)
			}
			if got := errors.Is(err, lease.ErrSetup); got != test.setup {
				t.Errorf("error %q is ErrSetup: %v, want %v", err, got, test.setup)
			}
		})
	}
}
