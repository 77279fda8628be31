package sqlstore

import "strings"

// statements are the texts that are the same for all groups.
type statements struct {
	groups, lockGroup, makeGroup, raiseOrMake, raise string
	deleteGroup                                      []string

	load, poll string

	join, beat, worker, drain, forget, forgetSame string

	stream, putStream string

	checkpoint string
}

func newStatements(d Dialect, t tables) statements {
	list := func(columns []string) string { return strings.Join(columns, ", ") }
	insert := func(table string, columns []string) string {
		return "INSERT INTO " + table + " (" + list(columns) + ") VALUES " + parameters(len(columns))
	}
	const oneWorker = " WHERE group_name = ? AND id = ?"
	group := []string{"name", "version"}
	raised := " ON CONFLICT (name) DO UPDATE SET version = " + t.groups + ".version + 1"
	kept := " ON CONFLICT (name) DO UPDATE SET version = " + t.groups + ".version"
	if d == MySQL {
		raised, kept = " ON DUPLICATE KEY UPDATE version = version + 1", " ON DUPLICATE KEY UPDATE version = version"
	}
	beat := "UPDATE " + t.workers + " SET beat = beat + 1, streams = ?, capacity = ?, seen = ?" + oneWorker
	if d.returnsUpdated() {
		beat += " RETURNING " + list(workerColumns[1:])
	}
	s := statements{
		groups:      "SELECT name FROM " + t.groups,
		lockGroup:   d.lockGroup(t.groups),
		makeGroup:   insert(t.groups, group) + kept,
		raiseOrMake: insert(t.groups, group) + raised,
		raise:       "UPDATE " + t.groups + " SET version = version + 1 WHERE name = ?",
		deleteGroup: []string{
			"DELETE FROM " + t.leases + " WHERE group_name = ?",
			"DELETE FROM " + t.streams + " WHERE group_name = ?",
			"DELETE FROM " + t.workers + " WHERE group_name = ?",
			"DELETE FROM " + t.groups + " WHERE name = ?",
		},
		load: loadText(t),
		poll: "SELECT g.version, w." + strings.Join(workerColumns[1:], ", w.") +
			" FROM " + t.groups + " g LEFT JOIN " + t.workers + " w ON w.group_name = g.name WHERE g.name = ?",

		join:       insert(t.workers, workerColumns) + d.upsert(workerColumns[:workerKey], nil),
		beat:       beat,
		worker:     "SELECT " + list(workerColumns[1:]) + " FROM " + t.workers + oneWorker,
		drain:      "UPDATE " + t.workers + " SET draining = ?" + oneWorker,
		forget:     "DELETE FROM " + t.workers + oneWorker,
		forgetSame: "DELETE FROM " + t.workers + oneWorker + " AND beat = ?",

		stream:    "SELECT " + list(streamColumns[1:]) + " FROM " + t.streams + " WHERE group_name = ? AND arn = ?",
		putStream: insert(t.streams, streamColumns) + d.upsert(streamColumns[:streamKey], streamColumns[streamKey:]),

		checkpoint: "UPDATE " + t.leases + " SET " + assign(leaseColumns[leaseKey:], func(string) string { return "?" }) +
			" WHERE group_name = ? AND stream = ? AND shard = ? AND revision = ? AND owner = ?",
	}
	for _, text := range []*string{
		&s.lockGroup, &s.makeGroup, &s.raiseOrMake, &s.raise, &s.load, &s.poll, &s.join, &s.beat, &s.worker, &s.drain,
		&s.forget, &s.forgetSame, &s.stream, &s.putStream, &s.checkpoint,
	} {
		*text = d.bind(*text)
	}
	for i := range s.deleteGroup {
		s.deleteGroup[i] = d.bind(s.deleteGroup[i])
	}
	return s
}

// Kinds of rows in the answer of a load.
const (
	kindLease = iota
	kindStream
	kindWorker
	kindGroup
)

// loadText returns the statement that reads all rows of a group at once, and so in one
// snapshot: 8 texts and 6 numbers, whose meaning depends on the kind of the row.
func loadText(t tables) string {
	parts := []string{
		"SELECT 0 AS kind, stream AS t1, shard AS t2, parents AS t3, hash_start AS t4, hash_end AS t5, owner AS t6, checkpoint AS t7, pin AS t8, " +
			"epoch AS n1, revision AS n2, checkpoint_at AS n3, load_class AS n4, 0 AS n5, 0 AS n6 FROM " + t.leases + " WHERE group_name = ?",
		"SELECT 1, arn, start_at, '', '', '', '', '', '', seeded, revision, created_at, 0, 0, 0 FROM " + t.streams + " WHERE group_name = ?",
		"SELECT 2, id, streams, build, '', '', '', '', '', beat, capacity, joined_at, draining, seen, ttl FROM " + t.workers + " WHERE group_name = ?",
		"SELECT 3, '', '', '', '', '', '', '', '', version, 0, 0, 0, 0, 0 FROM " + t.groups + " WHERE name = ?",
	}
	return strings.Join(parts, " UNION ALL ")
}
