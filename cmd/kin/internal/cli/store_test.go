package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
	"github.com/kinstream/kin/sqlstore"
)

func TestStore_addresses(t *testing.T) {
	t.Parallel()
	getenv := func(name string) string { return map[string]string{"HOME": "/home/ann"}[name] }
	for text, want := range map[string][3]string{
		"sqlite:groups.db":                  {"sqlite", "groups.db", "sqlite:groups.db"},
		"sqlite:///var/lib/groups.db":       {"sqlite", "/var/lib/groups.db", "sqlite:/var/lib/groups.db"},
		"SQLite:a:b.db":                     {"sqlite", "a:b.db", "sqlite:a:b.db"},
		"dynamodb:leases":                   {"dynamodb", "leases", "dynamodb:leases"},
		"dynamodb:leases?region=eu-north-1": {"dynamodb", "leases", "dynamodb:leases?region=eu-north-1"},
		"postgres://ann:pw@db:5433/kin":     {"postgres", "kin", "postgres://ann:xxxxx@db:5433/kin"},
		"postgresql://db/kin?sslmode=off":   {"postgres", "kin", "postgresql://db/kin?sslmode=off"},
		"mysql://ann@db/kin":                {"mysql", "kin", "mysql://ann@db/kin"},
		"mariadb://ann@db/kin":              {"mysql", "kin", "mariadb://ann@db/kin"},
		"memory:":                           {"memory", "", "memory:"},
	} {
		kind, place, shown, err := cli.ParseStore(text, getenv)
		if got := [3]string{kind, place, shown}; err != nil || got != want {
			t.Errorf("store %q = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"groups.db", "sqlite:", "dynamodb:", "dynamodb:t?colour=red", "dynamodb:t?%", "redis://db", "postgres://db", "postgres:kin", "mysql:///kin"} {
		if _, _, _, err := cli.ParseStore(text, getenv); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("store %q = %v, want an error of one line", text, err)
		}
	}
}

// stateError is an error of PostgreSQL.
type stateError string

func (e stateError) Error() string    { return "refused (" + string(e) + ")" }
func (e stateError) SQLState() string { return string(e) }

func TestStore_failures_say_once_what_may_help(t *testing.T) {
	t.Parallel()
	const hint = "what the library says"
	for _, c := range []struct{ address, want string }{
		{"postgres://ann:pw@db/kin", "postgres://ann:xxxxx@db/kin: sqlstore: poll group billing: refused (28P01); check the user and the password in --store, and what the user may do with the tables"},
		{"postgres://db/kin", "postgres://db/kin: sqlstore: poll group billing: refused (3D000); create the database first"},
	} {
		state := stateError("28P01")
		if strings.Contains(c.want, "3D000") {
			state = "3D000"
		}
		err := &sqlstore.Error{Op: "poll group billing", Err: state, Hint: hint}
		if got := cli.StoreFailure(c.address, err); got != c.want {
			t.Errorf("printed %q, want %q", got, c.want)
		}
	}
}

func TestStore_that_is_no_file_of_SQLite_is_a_wrong_path(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("not what a database begins with\n", 64)), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, run(t.Context(), "", "group", "list", "--store", "sqlite:"+path), 2, "no database of SQLite", "check the path in --store")
}

func TestStore_is_a_file_where_state_belongs_by_default(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		system string
		env    map[string]string
		want   string
	}{
		{"linux", map[string]string{"HOME": "/home/ann"}, "/home/ann/.local/state/kin/groups.db"},
		{"linux", map[string]string{"HOME": "/home/ann", "XDG_STATE_HOME": "/state"}, "/state/kin/groups.db"},
		{"linux", map[string]string{"HOME": "/home/ann", "XDG_STATE_HOME": "relative"}, "/home/ann/.local/state/kin/groups.db"},
		{"darwin", map[string]string{"HOME": "/Users/ann"}, "/Users/ann/Library/Application Support/kin/groups.db"},
		{"windows", map[string]string{"LocalAppData": "/ann/local"}, "/ann/local/kin/groups.db"},
		{"linux", nil, ""},
		{"windows", nil, ""},
	} {
		got, err := cli.DefaultStorePath(c.system, func(name string) string { return c.env[name] })
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s with %v = %q, %v; want %q", c.system, c.env, got, err, c.want)
		}
	}
}
