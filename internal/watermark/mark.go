package watermark

// Mark is the state of one shard. The zero value is ready to use. It is not safe for concurrent
// use.
//
// T is what the caller needs to make a position of a record's index in its span: a pointer to a
// page, say.
type Mark[T any] struct {
	spans []span[T] // a ring: those not done, in order, from head on
	head  int
	count int

	next, end uint64 // number of the first record that is not in the prefix, and of the next to be added
	unacked   int    // records that are not acknowledged
	bytes     int64  // of the spans that are kept

	last  T // the span in which the prefix ended last, if that one is done
	done  int
	moved bool // the prefix has moved since Take

	spare [][]uint64 // bitmaps, cleared
}

// span is a run of records that were added together.
type span[T any] struct {
	value T
	first uint64 // number of its first record
	n     int
	bytes int64
	done  int      // how many records from the first on are acknowledged; record done is not
	acked []uint64 // a bit for each record, if one after done is acknowledged
	after int      // how many those are
}

// maxSpare is how many bitmaps are kept for the next spans.
const maxSpare = 4

// Add appends n records, and returns the number of the first. value comes back from
// [Mark.Take]. bytes is what the span holds until all of it is done. A span of no records is
// done as soon as all before it are: that tells of the end of a shard, for example.
func (m *Mark[T]) Add(value T, n int, bytes int64) (first uint64) {
	first = m.end
	m.end += uint64(n)
	m.unacked += n
	m.bytes += bytes
	m.push(span[T]{value: value, first: first, n: n, bytes: bytes})
	if m.count == 1 && n == 0 {
		m.advance()
	}
	return first
}

// Ack acknowledges one record. It reports whether the prefix has moved.
func (m *Mark[T]) Ack(number uint64) (moved bool) {
	if number == m.next && m.count > 0 {
		// In order, and not the last of its span: nothing else changes.
		if s := m.at(0); s.after == 0 && s.done+1 < s.n {
			s.done++
			m.next++
			m.unacked--
			m.moved = true
			return true
		}
	}
	return m.AckRange(number, 1)
}

// AckRange acknowledges the n records from number first on, which may belong to several spans. It
// reports whether the prefix has moved.
func (m *Mark[T]) AckRange(first uint64, n int) (moved bool) {
	from, to := max(first, m.next), min(first+uint64(n), m.end)
	if from >= to {
		return false
	}
	for i := m.find(from); from < to; i++ {
		s := m.at(i)
		last := min(to, s.first+uint64(s.n))
		m.unacked -= s.ack(int(from-s.first), int(last-s.first), m)
		from = last
	}
	return m.advance()
}

// Take returns how far the prefix goes, if it has moved since the last Take: the first n
// records of the span that was added with value are done, and all that were added before it.
// Then the Mark lets go of that value, if the whole span is done.
func (m *Mark[T]) Take() (value T, n int, ok bool) {
	if !m.moved {
		return value, 0, false
	}
	value, n = m.last, m.done
	if m.count > 0 && m.at(0).done > 0 {
		value, n = m.at(0).value, m.at(0).done
	}
	var none T
	m.last, m.done, m.moved = none, 0, false
	return value, n, true
}

// Moved says whether [Mark.Take] has something to return.
func (m *Mark[T]) Moved() bool { return m.moved }

// Next returns the number of the first record that is not acknowledged, or of the next one to
// be added.
func (m *Mark[T]) Next() uint64 { return m.next }

// End returns the number of the next record to be added.
func (m *Mark[T]) End() uint64 { return m.end }

// Unacked returns how many records are not acknowledged.
func (m *Mark[T]) Unacked() int { return m.unacked }

// Window returns how many records lie between the prefix and the end, acknowledged or not, and
// how many bytes the spans hold that are not done. While one record is not acknowledged it
// grows with all that are added after it.
func (m *Mark[T]) Window() (records int, bytes int64) { return int(m.end - m.next), m.bytes }

// Acked says whether a record is acknowledged.
func (m *Mark[T]) Acked(number uint64) bool {
	if number < m.next || number >= m.end {
		return number < m.next
	}
	s := m.at(m.find(number))
	i := int(number - s.first)
	return i < s.done || s.acked != nil && s.acked[i/64]&(1<<(i%64)) != 0
}

// advance lets go of the spans that are done, and reports whether the prefix has moved.
func (m *Mark[T]) advance() bool {
	before, popped := m.next, false
	for m.count > 0 {
		s := m.at(0)
		m.next = s.first + uint64(s.done)
		if s.done < s.n {
			break
		}
		m.last, m.done, popped = s.value, s.n, true
		m.bytes -= s.bytes
		m.pop()
	}
	moved := popped || m.next != before
	m.moved = m.moved || moved
	return moved
}

// find returns the index of the span that has a record of the window.
func (m *Mark[T]) find(number uint64) int {
	low, high := 0, m.count-1 // the last span that begins at or before number, and is not empty
	for low < high {
		middle := (low + high + 1) / 2
		if m.at(middle).first <= number {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// ack acknowledges records from to last-1 of the span, and returns how many of them were not.
func (s *span[T]) ack(from, last int, m *Mark[T]) int {
	from = max(from, s.done)
	if from >= last {
		return 0
	}
	if from > s.done {
		if s.acked == nil {
			s.acked = m.bitmap(s.n)
		}
		n := setBits(s.acked, from, last)
		s.after += n
		return n
	}
	if s.after == 0 {
		s.done = last
		return last - from
	}
	known := countBits(s.acked, from, last)
	s.after -= known
	s.done = last
	for s.after > 0 && s.acked[s.done/64]&(1<<(s.done%64)) != 0 {
		run := ones(s.acked, s.done)
		s.done += run
		s.after -= run
	}
	return last - from - known
}
