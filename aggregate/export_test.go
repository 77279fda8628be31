package aggregate

// Table is the list of strings without duplicates that a Builder has two of.
type Table struct{ t table }

// Find returns the place of s, or the one that it would get.
func (t *Table) Find(s string) (i int, known bool) { return t.t.find(s) }

// Add adds s, which the last call of Find has not found.
func (t *Table) Add(s string) { t.t.add(s) }

// Reset forgets all strings.
func (t *Table) Reset() { t.t.reset() }

// List returns all strings.
func (t *Table) List() []string { return t.t.list }

// Age makes the table as old as it gets before it clears its index at a reset.
func (t *Table) Age() { t.t.base = maxBase }
