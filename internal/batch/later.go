package batch

import (
	"cmp"
	"slices"
	"time"
)

// Later keeps items until a moment of their own. The zero value is empty. It is
// not safe for concurrent use.
type Later[T any] struct {
	groups []group[T] // by due, the latest first: the next to leave is the last
	length int
}

// group is items that share a moment, in the order of Add.
type group[T any] struct {
	due   time.Duration
	items []T
}

// Len returns the number of items held.
func (l *Later[T]) Len() int { return l.length }

// Add keeps item until due.
func (l *Later[T]) Add(due time.Duration, item T) {
	l.length++
	at, found := slices.BinarySearchFunc(l.groups, due, func(g group[T], due time.Duration) int {
		return cmp.Compare(due, g.due)
	})
	if found {
		l.groups[at].items = append(l.groups[at].items, item)
		return
	}
	l.groups = slices.Insert(l.groups, at, group[T]{due: due, items: []T{item}})
}

// Next removes and returns the items that wait for the earliest moment, if that
// is not after now.
func (l *Later[T]) Next(now time.Duration) ([]T, bool) {
	n := len(l.groups)
	if n == 0 || l.groups[n-1].due > now {
		return nil, false
	}
	items := l.groups[n-1].items
	l.groups[n-1] = group[T]{}
	l.groups = l.groups[:n-1]
	l.length -= len(items)
	return items, true
}

// Due returns the moment from which Next has items, or [Never].
func (l *Later[T]) Due() time.Duration {
	if n := len(l.groups); n > 0 {
		return l.groups[n-1].due
	}
	return Never
}
