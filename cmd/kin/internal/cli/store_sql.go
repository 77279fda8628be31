package cli

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq" // the driver "postgres", which builds in an eighth of the time of pgx

	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/sqlstore"
)

// openSQL makes a store in a database. The function that it returns closes the database.
func openSQL(ctx context.Context, address *storeAddress, create bool) (lease.Store, func() error, error) {
	db, dialect, err := openDatabase(address)
	if err != nil {
		return nil, nil, err
	}
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: dialect})
	if err == nil && (create || dialect == sqlstore.SQLite) {
		err = store.CreateTables(ctx)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return store, db.Close, nil
}

func openDatabase(address *storeAddress) (*sql.DB, sqlstore.Dialect, error) {
	switch address.kind {
	case storePostgres:
		db, err := openPostgres(*address.url)
		return db, sqlstore.PostgreSQL, err
	case storeMySQL:
		db, err := openMySQL(address.url)
		return db, sqlstore.MySQL, err
	case storeSQLite, storeDynamoDB, storeMemory:
	}
	db, err := openSQLite(address.place)
	return db, sqlstore.SQLite, err
}

// openSQLite opens a file, which is made if it is not there, with the folder that it is in.
func openSQLite(path string) (*sql.DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil { //nolint:gosec // the user names the path
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() { //nolint:gosec // likewise
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("is a directory")}
	}
	file := url.URL{Path: filepath.ToSlash(path)}
	return sql.Open("sqlite", "file:"+file.EscapedPath()+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
}

// openPostgres opens a database of PostgreSQL. As with psql, TLS is used if the server has it,
// unless the address says otherwise.
func openPostgres(u url.URL) (*sql.DB, error) {
	query := u.Query()
	if query.Get("sslmode") == "" && os.Getenv("PGSSLMODE") == "" {
		query.Set("sslmode", "prefer")
		u.RawQuery = query.Encode()
	}
	return sql.Open("postgres", u.String())
}

// openMySQL opens a database of MySQL or MariaDB.
func openMySQL(u *url.URL) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.Net, config.Addr, config.DBName = "tcp", u.Host, strings.Trim(u.Path, "/")
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.InterpolateParams = true
	text := config.FormatDSN()
	if u.RawQuery != "" {
		text += "&" + u.RawQuery
	}
	config, err := mysql.ParseDSN(text)
	if err != nil {
		return nil, usageErr(fmt.Sprintf("--store %s: %s", u.Redacted(), oneLine(err.Error())), storeHint)
	}
	config.Logger = &mysql.NopLogger{} // what matters is in the errors
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, usageErr(fmt.Sprintf("--store %s: %s", u.Redacted(), oneLine(err.Error())), storeHint)
	}
	return sql.OpenDB(connector), nil
}
