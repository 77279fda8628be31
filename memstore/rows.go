package memstore

import "slices"

// rows are kept in the order of their keys.
type rows[K, R any] struct {
	all     []R
	compare func(row R, key K) int
	clone   func(R) R
}

// find returns the place of the row with a key, or where it would be.
func (r *rows[K, R]) find(key K) (int, bool) {
	return slices.BinarySearchFunc(r.all, key, r.compare)
}

// put writes a copy of a row.
func (r *rows[K, R]) put(key K, row R) {
	i, found := r.find(key)
	if !found {
		r.all = slices.Insert(r.all, i, row)
	}
	r.all[i] = r.clone(row)
}

// get returns a copy of a row.
func (r *rows[K, R]) get(key K) (R, bool) {
	i, found := r.find(key)
	if !found {
		var none R
		return none, false
	}
	return r.clone(r.all[i]), true
}

// remove deletes a row and says whether there was one.
func (r *rows[K, R]) remove(key K) bool {
	i, found := r.find(key)
	if found {
		r.all = slices.Delete(r.all, i, i+1)
	}
	return found
}

// list returns copies of all rows.
func (r *rows[K, R]) list() []R {
	list := make([]R, len(r.all))
	for i, row := range r.all {
		list[i] = r.clone(row)
	}
	return list
}
