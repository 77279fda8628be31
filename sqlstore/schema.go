package sqlstore

import (
	"fmt"
	"strings"
)

// columns of the tables, in the order in which statements name them.
var (
	workerColumns = []string{"group_name", "id", "beat", "streams", "capacity", "draining", "seen", "ttl", "build", "joined_at"}
	streamColumns = []string{"group_name", "arn", "created_at", "start_at", "seeded", "revision"}
	leaseColumns  = []string{
		"group_name", "stream", "shard", "parents", "hash_start", "hash_end", "owner", "epoch", "revision",
		"checkpoint", "checkpoint_at", "pin", "load_class",
	}
)

// Keys of the tables are the first columns.
const (
	workerKey = 2
	streamKey = 2
	leaseKey  = 3
)

// tables are the names of the tables.
type tables struct{ groups, workers, streams, leases string }

func newTables(prefix string) tables {
	return tables{prefix + "groups", prefix + "workers", prefix + "streams", prefix + "leases"}
}

// Schema returns the statements that make the tables, for those who do it on their own: with a
// migration tool, or as another user than the one of the program, who needs only SELECT,
// INSERT, UPDATE and DELETE. Tables that are there already stay.
func (s *Store) Schema() []string {
	// Names are compared byte by byte, with their case, accents and spaces.
	var text, end string
	var name func(bytes int) string
	switch s.dialect {
	case SQLite:
		name, text = func(int) string { return "TEXT" }, "TEXT"
	case PostgreSQL:
		name, text = func(int) string { return `TEXT COLLATE "C"` }, "TEXT"
	case MySQL:
		name, text = func(bytes int) string { return fmt.Sprintf("VARBINARY(%d)", bytes) }, "MEDIUMBLOB"
		end = " ENGINE = InnoDB"
	}
	group, id := name(128)+" NOT NULL", name(255)+" NOT NULL"
	const number, count = "BIGINT NOT NULL", "INTEGER NOT NULL"
	text += " NOT NULL"
	table := func(name string, columns ...string) string {
		return "CREATE TABLE IF NOT EXISTS " + name + " (\n\t" + strings.Join(columns, ",\n\t") + "\n)" + end
	}
	key := func(columns []string) string { return "PRIMARY KEY (" + strings.Join(columns, ", ") + ")" }
	return []string{
		table(s.tables.groups, "name "+group, "version "+number, "PRIMARY KEY (name)"),
		table(s.tables.workers, "group_name "+group, "id "+id, "beat "+number, "streams "+text, "capacity "+number,
			"draining "+count, "seen "+number, "ttl "+number, "build "+id, "joined_at BIGINT", key(workerColumns[:workerKey])),
		table(s.tables.streams, "group_name "+group, "arn "+id, "created_at BIGINT", "start_at "+id, "seeded "+count,
			"revision "+number, key(streamColumns[:streamKey])),
		table(s.tables.leases, "group_name "+group, "stream "+id, "shard "+id, "parents "+text, "hash_start "+id, "hash_end "+id,
			"owner "+id, "epoch "+number, "revision "+number, "checkpoint "+id, "checkpoint_at BIGINT", "pin "+id,
			"load_class "+number, key(leaseColumns[:leaseKey])),
	}
}
