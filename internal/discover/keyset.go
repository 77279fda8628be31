package discover

import (
	"slices"

	"github.com/kinstream/kin/internal/hashkey"
)

// keySet is a set of hash keys: ranges in ascending order that neither overlap nor touch.
type keySet []hashkey.Range

// search returns the index of the first range that does not end before key.
func (s keySet) search(key hashkey.Key) int {
	i, _ := slices.BinarySearchFunc(s, key, func(r hashkey.Range, key hashkey.Key) int { return r.End.Compare(key) })
	return i
}

// overlaps says whether a key of r is in the set.
func (s keySet) overlaps(r hashkey.Range) bool {
	i := s.search(r.Start)
	return i < len(s) && s[i].Overlaps(r)
}

// covers says whether all keys of r are in the set; not if r is not valid.
func (s keySet) covers(r hashkey.Range) bool {
	if !r.Valid() {
		return false
	}
	i := s.search(r.Start)
	return i < len(s) && s[i].Contains(r.Start) && s[i].Contains(r.End)
}

// add puts the keys of r into the set.
func (s *keySet) add(r hashkey.Range) {
	from := s.search(r.Start)
	if from > 0 && (*s)[from-1].Adjacent(r) {
		from--
	}
	to := from
	for ; to < len(*s) && ((*s)[to].Overlaps(r) || (*s)[to].Adjacent(r)); to++ {
		if (*s)[to].Start.Compare(r.Start) < 0 {
			r.Start = (*s)[to].Start
		}
		if (*s)[to].End.Compare(r.End) > 0 {
			r.End = (*s)[to].End
		}
	}
	*s = slices.Replace(*s, from, to, r)
}
