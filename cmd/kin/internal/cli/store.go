package cli

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kinstream/kin/lease"
)

// storeVariable names the store where --store is not given.
const storeVariable = "KIN_STORE"

const storeHelp = `Leases and checkpoints are kept in a store, which --store or KIN_STORE names:
    sqlite:PATH                   a file, for processes on one machine (the default, see below)
    dynamodb:TABLE                a table of DynamoDB, found and signed for like a stream;
                                  ?region=, ?endpoint= or AWS_ENDPOINT_URL_DYNAMODB lead elsewhere
    postgres://user:pass@host/db  tables of PostgreSQL
    mysql://user:pass@host/db     tables of MySQL or MariaDB
    memory:                       this process alone, gone at its end
The default is a file of SQLite, groups.db in the folder kin of $XDG_STATE_HOME or
~/.local/state (~/Library/Application Support on macOS, %LocalAppData% on Windows).`

// storeKind is a kind of store.
type storeKind string

const (
	storeSQLite   storeKind = "sqlite"
	storeDynamoDB storeKind = "dynamodb"
	storePostgres storeKind = "postgres"
	storeMySQL    storeKind = "mysql"
	storeMemory   storeKind = "memory"
)

// storeAddress is a value of --store, taken apart.
type storeAddress struct {
	kind  storeKind
	place string     // a path, or a table
	query url.Values // of dynamodb
	url   *url.URL   // of postgres and mysql
	at    string     // the endpoint that the configuration leads to, if it is not the usual one
}

// String is the address without passwords.
func (s storeAddress) String() string {
	if s.url != nil {
		return s.url.Redacted()
	}
	text := string(s.kind) + ":" + s.place
	if len(s.query) > 0 {
		text += "?" + s.query.Encode()
	}
	if s.at != "" && s.query.Get("endpoint") == "" {
		text += " at " + s.at
	}
	return text
}

const storeHint = "use sqlite:PATH, dynamodb:TABLE, postgres://user:password@host/database, mysql://user:password@host/database or memory:" //nolint:gosec // words, and no password

// parseStore reads a value of --store. The empty one is the default.
func parseStore(text string, getenv func(string) string) (storeAddress, error) {
	if text == "" {
		path, err := defaultStorePath(runtime.GOOS, getenv)
		return storeAddress{kind: storeSQLite, place: path}, err
	}
	scheme, rest, found := strings.Cut(text, ":")
	if !found {
		return storeAddress{}, usageErr(fmt.Sprintf("--store %q is no store", text), storeHint)
	}
	var address storeAddress
	switch strings.ToLower(scheme) {
	case "sqlite", "file":
		address.kind, address.place = storeSQLite, strings.TrimPrefix(rest, "//")
	case "dynamodb":
		table, query, _ := strings.Cut(rest, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return storeAddress{}, usageErr(fmt.Sprintf("--store %q: %v", text, err), storeHint)
		}
		for name := range values {
			if name != "region" && name != "endpoint" {
				return storeAddress{}, usageErr(fmt.Sprintf("--store %q: no such setting: %s", text, name), "dynamodb has region and endpoint")
			}
		}
		address.kind, address.place, address.query = storeDynamoDB, strings.TrimPrefix(table, "//"), values
	case "postgres", "postgresql", "mysql", "mariadb":
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
			return storeAddress{}, usageErr(fmt.Sprintf("--store %s:... is no address of a database", scheme), storeHint)
		}
		address.kind, address.url, address.place = storePostgres, u, strings.Trim(u.Path, "/")
		if scheme := strings.ToLower(scheme); scheme == "mysql" || scheme == "mariadb" {
			address.kind = storeMySQL
		}
	case "memory":
		return storeAddress{kind: storeMemory}, nil
	default:
		return storeAddress{}, usageErr(fmt.Sprintf("--store %q: no such kind of store: %s", text, scheme), storeHint)
	}
	if address.place == "" {
		return storeAddress{}, usageErr(fmt.Sprintf("--store %q names no place", text), storeHint)
	}
	return address, nil
}

// defaultStorePath is where the state of a user's programs belongs on an operating system.
func defaultStorePath(system string, getenv func(string) string) (string, error) {
	folder := getenv("XDG_STATE_HOME")
	home := getenv("HOME")
	switch {
	case system == "windows":
		folder = getenv("LocalAppData")
	case folder != "" && filepath.IsAbs(folder):
	case home == "":
		folder = ""
	case system == "darwin":
		folder = filepath.Join(home, "Library", "Application Support")
	default:
		folder = filepath.Join(home, ".local", "state")
	}
	if folder == "" {
		return "", usageErr("there is no home directory for the default store", "give --store, for example sqlite:groups.db")
	}
	return filepath.Join(folder, "kin", "groups.db"), nil
}

// storeFlag adds --store to a command and to those below it.
func (a *app) storeFlag(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&a.store, "store", "", "`where` leases and checkpoints are kept (or "+storeVariable+")")
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"sqlite:", "dynamodb:", "postgres://", "mysql://", "memory:"}, cobra.ShellCompDirectiveNoSpace
	}
	if err := cmd.RegisterFlagCompletionFunc("store", complete); err != nil {
		panic("kin: BUG: " + err.Error())
	}
}

// openedStore is a store in use.
type openedStore struct {
	lease.Store

	address storeAddress
	close   func() error
}

// openStore opens the store of the run. With create it makes the tables if they are not there;
// a file of SQLite always gets them.
func (a *app) openStore(ctx context.Context, create bool) (*openedStore, error) {
	if a.fixedStore != nil {
		return &openedStore{a.fixedStore, storeAddress{kind: storeMemory}, func() error { return nil }}, nil
	}
	text := a.store
	if text == "" {
		text = os.Getenv(storeVariable)
	}
	address, err := parseStore(text, os.Getenv)
	if err != nil {
		return nil, err
	}
	store, err := a.openStoreAt(ctx, &address, create)
	if err != nil {
		return nil, storeFailure(address, err)
	}
	store.Store = &guardedStore{store: store.Store, after: func(err error) error { return storeFailure(address, err) }}
	store.address = address
	return store, nil
}
