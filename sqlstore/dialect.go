package sqlstore

import (
	"fmt"
	"strconv"
	"strings"
)

// Dialect is the kind of SQL that a database speaks.
type Dialect int

const (
	// SQLite is SQLite 3.35 or later.
	SQLite Dialect = iota + 1

	// PostgreSQL is PostgreSQL 12 or later.
	PostgreSQL

	// MySQL is MySQL 8.0 or later, and MariaDB 10.5 or later.
	MySQL
)

// String returns the name of the dialect.
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	case MySQL:
		return "MySQL"
	}
	return fmt.Sprintf("Dialect(%d)", int(d))
}

// bind returns a statement with parameters as the dialect writes them.
func (d Dialect) bind(query string) string {
	if d != PostgreSQL {
		return query
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// upsert returns the end of an INSERT of rows that may be there already, which makes their
// columns the new ones. Without columns it leaves them as they are.
func (d Dialect) upsert(key, columns []string) string {
	if d == MySQL {
		if len(columns) == 0 {
			return " ON DUPLICATE KEY UPDATE " + key[0] + " = " + key[0]
		}
		return " ON DUPLICATE KEY UPDATE " + assign(columns, func(c string) string { return "VALUES(" + c + ")" })
	}
	conflict := " ON CONFLICT (" + strings.Join(key, ", ") + ") DO "
	if len(columns) == 0 {
		return conflict + "NOTHING"
	}
	return conflict + "UPDATE SET " + assign(columns, func(c string) string { return "excluded." + c })
}

// assign returns the assignments of values to columns.
func assign(columns []string, value func(column string) string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = c + " = " + value(c)
	}
	return strings.Join(parts, ", ")
}

// parameters returns n parameters in parentheses.
func parameters(n int) string {
	return "(" + strings.TrimSuffix(strings.Repeat("?, ", n), ", ") + ")"
}

// forUpdate returns the end of a SELECT that locks its rows. SQLite has no such thing, and no
// need for it: one transaction writes at a time.
func (d Dialect) forUpdate() string {
	if d == SQLite {
		return ""
	}
	return " FOR UPDATE"
}

// lockGroup returns the statement with which transactions begin: it locks the row of a group,
// and returns its version if there is one. In SQLite it has to write, to be the only one that
// does.
func (d Dialect) lockGroup(groups string) string {
	if d == SQLite {
		return "UPDATE " + groups + " SET version = version WHERE name = ? RETURNING version"
	}
	return "SELECT version FROM " + groups + " WHERE name = ?" + d.forUpdate()
}

// returnsUpdated says whether UPDATE can return rows.
func (d Dialect) returnsUpdated() bool { return d != MySQL }
