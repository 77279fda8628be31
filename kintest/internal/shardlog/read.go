package shardlog

import "sort"

// Page is what one Read found.
type Page struct {
	Records []Record
	Next    uint64 // position behind the last record of the page
	Unread  int64  // arrival of the record at Next; 0 if there is none
	End     bool   // the log is closed and there is nothing at Next or later
	Bytes   int    // payload of the page, keys included
}

// Read appends to dst the records from a position on: as many as fit in the bounds,
// and at least one if there is one. A position that was trimmed means the oldest
// record.
func (l *Log) Read(position uint64, dst []Record, maxRecords, maxBytes int) Page {
	p := Page{Records: dst, Next: position}
	for {
		var views [8]chunk
		n, first, next, closed := l.snapshot(p.Next, &views)
		p.Next = max(p.Next, first)
		for i := range n {
			if !p.take(&views[i], l.id, maxRecords+len(dst), maxBytes) {
				return p
			}
		}
		if n < len(views) {
			// Past the last chunk: what lies up to next was never used.
			if p.Next < next {
				p.Next = next
			}
			p.End = closed
			return p
		}
	}
}

// snapshot copies the headers of the chunks from a position on.
func (l *Log) snapshot(position uint64, views *[8]chunk) (n int, first, next uint64, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	position = max(position, l.first)
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].next() > position })
	for n < len(views) && i+n < len(l.chunks) {
		views[n] = *l.chunks[i+n]
		n++
	}
	return n, l.first, l.next, l.closed
}

// take appends records of one chunk. It is false once the page is full; Unread is
// then set.
func (p *Page) take(c *chunk, id Identity, maxRecords, maxBytes int) bool {
	p.Next = max(p.Next, c.base)
	for i := int(p.Next - c.base); i < len(c.marks); i++ {
		size := int(c.size(i+1) - c.size(i))
		if len(p.Records) >= maxRecords || (p.Bytes+size > maxBytes && p.Bytes > 0) {
			p.Unread = c.arrivalOf(i)
			return false
		}
		p.Records = append(p.Records, c.record(i, id))
		p.Bytes += size
		p.Next++
	}
	return true
}
