package jsonscan

// levels is a stack of the containers that are open, one bit each: 1 for an
// object, 0 for an array.
type levels struct {
	bits  [MaxDepth / 64]uint64
	depth int
}

func (l *levels) push(object bool) bool {
	if l.depth == MaxDepth {
		return false
	}
	word, bit := l.depth/64, uint64(1)<<(l.depth%64)
	l.bits[word] &^= bit
	if object {
		l.bits[word] |= bit
	}
	l.depth++
	return true
}

// object reports whether the innermost container is an object.
func (l *levels) object() bool {
	i := l.depth - 1
	return l.bits[i/64]&(1<<(i%64)) != 0
}

// Skip reads one value of any type, with all that it contains, and forgets it.
// It checks that what it passes is JSON. Strings are passed without decoding them.
func (s *Scanner) Skip() error {
	switch s.Peek() {
	case '{', '[':
		return s.skipNested()
	default:
		return s.skipScalar()
	}
}

func (s *Scanner) skipScalar() error {
	switch s.Peek() {
	case '"':
		return s.skipString()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		_, err := s.Number()
		return err
	}
}

func (s *Scanner) skipString() error {
	end, err := s.stringEnd(s.off + 1)
	if err != nil {
		return err
	}
	s.off = end + 1
	return nil
}

// skipNested passes an array or object.
func (s *Scanner) skipNested() error {
	var open levels
	first := true // nothing has been read yet inside the innermost container
	for {
		if open.depth > 0 {
			more, err := s.skipToValue(open.object(), first)
			if err != nil {
				return err
			}
			if !more {
				open.depth--
				first = false
				if open.depth == 0 {
					return nil
				}
				continue
			}
		}
		switch c := s.Peek(); c {
		case '{', '[':
			if !open.push(c == '{') {
				return ErrDepth
			}
			s.off++
			first = true
		default:
			if err := s.skipScalar(); err != nil {
				return err
			}
			first = false
		}
	}
}

// skipToValue reads what stands before the next value of a container, or the
// container's end, for which it returns false.
func (s *Scanner) skipToValue(object, first bool) (more bool, err error) {
	if !object {
		return s.Next(first)
	}
	c := s.Peek()
	if c == '}' {
		s.off++
		return false, nil
	}
	if !first {
		if c != ',' {
			return false, s.unexpected()
		}
		s.off++
		c = s.Peek()
	}
	if c != '"' {
		return false, s.unexpected()
	}
	if err := s.skipString(); err != nil {
		return false, err
	}
	if s.Peek() != ':' {
		return false, s.unexpected()
	}
	s.off++
	return true, nil
}
