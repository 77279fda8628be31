package watermark

// at returns the span that is i places behind the first.
func (m *Mark[T]) at(i int) *span[T] { return &m.spans[(m.head+i)&(len(m.spans)-1)] }

// push appends a span. The length of the ring is a power of two.
func (m *Mark[T]) push(s span[T]) {
	if m.count == len(m.spans) {
		bigger := make([]span[T], max(4, 2*len(m.spans)))
		n := copy(bigger, m.spans[m.head:])
		copy(bigger[n:], m.spans[:m.head])
		m.spans, m.head = bigger, 0
	}
	m.count++
	*m.at(m.count - 1) = s
}

// pop removes the first span.
func (m *Mark[T]) pop() {
	s := m.at(0)
	if s.acked != nil && len(m.spare) < maxSpare {
		clear(s.acked)
		m.spare = append(m.spare, s.acked)
	}
	*s = span[T]{}
	m.head = (m.head + 1) & (len(m.spans) - 1)
	m.count--
}

// bitmap returns a cleared bitmap for n records.
func (m *Mark[T]) bitmap(n int) []uint64 {
	words := (n + 63) / 64
	if last := len(m.spare) - 1; last >= 0 && cap(m.spare[last]) >= words {
		b := m.spare[last][:words]
		m.spare = m.spare[:last]
		return b
	}
	return make([]uint64, words)
}
