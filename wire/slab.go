package wire

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// Names of members that several shapes have.
const (
	memberSequenceNumber = "SequenceNumber"
	memberShardID        = "ShardId"
	memberEncryptionType = "EncryptionType"
)

// minElementSize is less than a record or a result takes on the wire that has its
// required members: their names alone take 24 bytes. Counts that an answer
// announces are bounded by it before they are believed.
const minElementSize = 32

// recordTargets and resultTargets are what the pointers of one element lead to.
type (
	recordTargets struct {
		sequence, key string
		arrival       time.Time
	}
	resultTargets struct{ sequence, shard, code, message string }
)

// slab builds the elements of one answer in two allocations, one for the elements
// and one for what they point to. When their number was not known, or not
// believed, there are more of both.
type slab[E, T any] struct {
	elements []E
	targets  []T // never moved, because elements point into it
}

// newSlab returns a slab for n elements, but allocates no more than size bytes can
// hold of them. The elements are a slice that is not nil.
func newSlab[E, T any](n, size int) slab[E, T] {
	n = min(n, size/minElementSize+1)
	return slab[E, T]{elements: make([]E, 0, n), targets: make([]T, 0, n)}
}

// add appends an empty element and returns it with its targets. The element may
// move at the next call.
func (s *slab[E, T]) add() (*E, *T) {
	if n := len(s.elements); n < cap(s.elements) {
		s.elements = s.elements[:n+1] // zero since it was allocated
	} else {
		var empty E
		s.elements = append(s.elements, empty)
	}
	if len(s.targets) == cap(s.targets) {
		s.targets = make([]T, 0, max(2*cap(s.targets), 8))
	}
	s.targets = s.targets[:len(s.targets)+1]
	return &s.elements[len(s.elements)-1], &s.targets[len(s.targets)-1]
}

// reserve makes room for n more elements.
func (s *slab[E, T]) reserve(n int) {
	s.elements = slices.Grow(s.elements, n)
	if cap(s.targets)-len(s.targets) < n {
		s.targets = make([]T, 0, n)
	}
}

// encryptionType returns the type that b names. Names that are not known yet are
// kept, as the SDK does.
func encryptionType(b []byte) types.EncryptionType {
	switch string(b) {
	case string(types.EncryptionTypeNone):
		return types.EncryptionTypeNone
	case string(types.EncryptionTypeKms):
		return types.EncryptionTypeKms
	}
	return types.EncryptionType(b)
}
