// Package sqlstore keeps the leases of groups in a SQL database: SQLite, PostgreSQL, and MySQL
// or MariaDB.
//
// It works with any driver for database/sql, and requires none. The program opens the database,
// and closes it:
//
//	db, err := sql.Open("pgx", "postgres://localhost/orders") // github.com/jackc/pgx/v5/stdlib
//	if err != nil {
//		return err
//	}
//	store, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.PostgreSQL})
//	if err != nil {
//		return err
//	}
//	if err := store.CreateTables(ctx); err != nil { // or run what store.Schema returns
//		return err
//	}
//	consumer, err := kin.NewConsumer(client, kin.ConsumerConfig{
//		Stream: "orders",
//		Group:  "billing",
//		Store:  store,
//	}, handler)
//
// # How to open the database
//
// SQLite, with modernc.org/sqlite, for processes on one machine. A file on a network file
// system will not do, nor will :memory:, which is another database for each connection:
//
//	sql.Open("sqlite", "file:kin.db?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
//
// With WAL nobody waits for readers. Writers wait for each other, in the store: it tries again for
// 10 seconds, with pauses that grow to 25 ms, or until the context of the call ends. While SQLite
// waits by itself, as busy_timeout says, it does not notice that. If the program sets one for
// its own statements (all connections must have the same), each call sets it to 20 ms for
// as long as it has a connection, and tries for as long as it said if that is more than 10 seconds.
//
// PostgreSQL, with github.com/jackc/pgx/v5/stdlib or another driver; the primary server, not a
// replica:
//
//	sql.Open("pgx", "postgres://user@host/database")
//
// MySQL and MariaDB, with github.com/go-sql-driver/mysql; interpolateParams saves a round trip
// for each statement. Binary logs have to be in the format ROW or MIXED, as they are by
// default. In a Galera cluster, add wsrep_sync_wait=7:
//
//	sql.Open("mysql", "user:password@tcp(host)/database?interpolateParams=true")
//
// The default isolation level of sessions must not be READ UNCOMMITTED, which is nowhere the
// default. docs/stores.md has settings for machines that freeze in the middle of a transaction.
//
// # What it does
//
// Four tables hold the rows of all groups. They hold what people can read: texts, numbers, and
// times as milliseconds since 1970.
//
//	kin_groups  {name, version}
//	kin_workers {group_name, id, beat, ...}           Beat: one UPDATE
//	kin_streams {group_name, arn, revision, ...}
//	kin_leases  {group_name, stream, shard, revision, ...}
//
//	Poll              one SELECT        version and workers, in one snapshot
//	Load              one SELECT        everything, in one snapshot
//	Update, one checkpoint               UPDATE ... WHERE revision = ? AND owner = ?
//	Update, all else  one transaction   lock the group's row; lock the leases, in order;
//	                                    compare; write them; raise the version; commit
//
// What must hold:
//
//  1. Whatever makes or deletes rows, or raises the version, locks the row of the group first,
//     and rows below it after that. So two of them come one after the other, whatever the
//     isolation level makes of it, and never wait for each other in a circle.
//  2. What writes a single row without that lock names in its WHERE clause what it relies upon: the
//     revision of a lease, the existence of a worker.
//  3. The version and the changes that it announces are committed together.
//  4. An attempt that the database gave up because of others (a deadlock, a serialization
//     failure, a file that is busy) has changed nothing, and is made again, for 10 seconds.
//     After any other error it is not known what was done; the caller decides.
//
// What becomes of rows depends on no clock, neither that of the program nor that of the database.
package sqlstore
