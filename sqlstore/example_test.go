package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/kinstream/kin/sqlstore"
)

// The program chooses the driver, opens the database and closes it.
func Example() {
	open := func(ctx context.Context) (*sqlstore.Store, error) {
		db, err := sql.Open("sqlite", "file:kin.db?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
		if err != nil {
			return nil, err
		}
		store, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.SQLite})
		if err != nil {
			return nil, err
		}
		return store, store.CreateTables(ctx)
	}
	if _, err := open(context.Background()); err != nil {
		fmt.Println(err) // here no driver is imported
	}
	// Output: sql: unknown driver "sqlite" (forgotten import?)
}
