package aggregate

import "hash/maphash"

// table is a list of strings without duplicates, and an index to find them.
//
// The index is a hash table with linear probing. It beats a map by remembering what
// the last look-up came to, which serves runs of one key as well as an add after a
// look-up of the same string, and by being forgotten without being cleared:
//
//	list    "a"  "b"  "c"                       places 0, 1, 2
//	slots   | free | base+2 | old | base+1 | base+3 | free | ...
//
// A slot holds base plus the place plus one. Those up to base are from before the
// last reset, and as good as free.
type table struct {
	list  []string
	slots []slot // a power of two of them, at least twice as many as strings, or none
	base  uint32
	seed  maphash.Seed // own to each table, so that nobody can make keys that collide
	last  lookup
}

type slot struct {
	hash, ref uint32
}

// lookup is what find came to. It stays true until the next find.
type lookup struct {
	s    string
	i    int // the place of s, or the one that it would get
	hash uint32
	slot uint32 // where s is found, or would be
	done bool   // there was a look-up since the last reset
}

// find returns the place of s, or the one that it would get.
func (t *table) find(s string) (i int, known bool) {
	if t.last.s != s || !t.last.done {
		t.lookUp(s)
	}
	return t.last.i, t.last.i < len(t.list)
}

func (t *table) lookUp(s string) {
	if 2*len(t.list) >= len(t.slots) {
		t.grow()
	}
	h := uint32(maphash.String(t.seed, s))
	place, mask := len(t.list), uint32(len(t.slots)-1)
	i := h & mask
	for ; t.slots[i].ref > t.base; i = (i + 1) & mask {
		if t.slots[i].hash != h {
			continue
		}
		if at := int(t.slots[i].ref - t.base - 1); t.list[at] == s {
			place = at
			break
		}
	}
	// One by one, because a struct as a whole is written by way of a copy.
	t.last.s, t.last.i, t.last.hash, t.last.slot, t.last.done = s, place, h, i, true
}

// add adds s, which the last call of find has not found.
func (t *table) add(s string) {
	t.list = append(t.list, s)
	t.slots[t.last.slot] = slot{t.last.hash, t.base + uint32(len(t.list))}
}

// grow doubles the index.
func (t *table) grow() {
	const least = 16
	if t.slots == nil {
		t.seed = maphash.MakeSeed()
	}
	old := t.slots
	t.slots = make([]slot, max(least, 2*len(old)))
	mask := uint32(len(t.slots) - 1)
	for _, s := range old {
		if s.ref <= t.base {
			continue
		}
		i := s.hash & mask
		for t.slots[i].ref > t.base {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// reset forgets all strings, but not the memory for as many.
func (t *table) reset() {
	t.base += uint32(len(t.list))
	if t.base > maxBase {
		clear(t.slots)
		t.base = 0
	}
	clear(t.list)
	t.list = t.list[:0]
	t.last = lookup{}
}

// maxBase leaves room for more strings than one record can hold.
const maxBase = 1 << 31
