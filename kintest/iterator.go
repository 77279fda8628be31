package kintest

import (
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"strings"
	"time"
)

// An iterator is everything that is needed to go on reading, so that the server
// remembers nothing: it can be used again and again until it is too old. It is
// sealed with a key of the server, so that a text that is none is noticed.
type iterator struct {
	stream     streamKey
	nonce      uint64 // of the stream
	generation uint32 // of the stream's iterators
	shard      uint32
	position   uint64    // counter of the record to read next; 0 is the trim horizon
	created    time.Time // millisecond
}

const (
	iteratorHeader = 8 + 8 + 4 + 4 + 8 + 8 // version, nonce, generation, shard, position, created
	iteratorSeal   = 8
)

// encodeIterator makes the text of an iterator.
func (s *Server) encodeIterator(it iterator) string {
	b := make([]byte, 0, 256)
	b = binary.BigEndian.AppendUint64(b, 1)
	b = binary.BigEndian.AppendUint64(b, it.nonce)
	b = binary.BigEndian.AppendUint32(b, it.generation)
	b = binary.BigEndian.AppendUint32(b, it.shard)
	b = binary.BigEndian.AppendUint64(b, it.position)
	b = binary.BigEndian.AppendUint64(b, uint64(it.created.UnixMilli()))
	b = append(b, it.stream.account...)
	b = append(b, '/')
	b = append(b, it.stream.region...)
	b = append(b, '/')
	b = append(b, it.stream.name...)
	b = binary.BigEndian.AppendUint64(b, maphash.Bytes(s.seed, b))
	return base64.StdEncoding.EncodeToString(b)
}

// decodeIterator is the opposite. It is false for a text that this server did not
// make.
func (s *Server) decodeIterator(text string) (it iterator, ok bool) {
	var buf [384]byte
	if len(text) > base64.StdEncoding.EncodedLen(len(buf)) {
		return it, false
	}
	n, err := base64.StdEncoding.Decode(buf[:], []byte(text))
	if err != nil || n < iteratorHeader+iteratorSeal {
		return it, false
	}
	b, seal := buf[:n-iteratorSeal], binary.BigEndian.Uint64(buf[n-iteratorSeal:n])
	if binary.BigEndian.Uint64(b) != 1 {
		return it, false
	}
	account, rest, _ := strings.Cut(string(b[iteratorHeader:]), "/")
	region, name, _ := strings.Cut(rest, "/")
	it = iterator{
		stream:     streamKey{account, region, name},
		nonce:      binary.BigEndian.Uint64(b[8:]),
		generation: binary.BigEndian.Uint32(b[16:]),
		shard:      binary.BigEndian.Uint32(b[20:]),
		position:   binary.BigEndian.Uint64(b[24:]),
		created:    time.UnixMilli(int64(binary.BigEndian.Uint64(b[32:]))),
	}
	return it, maphash.Bytes(s.seed, b) == seal || s.madeBefore(it)
}

// madeBefore says whether an iterator may be from an earlier run of a server with the
// same directory. Then its seal is another one, but it knows the stream's nonce.
func (s *Server) madeBefore(it iterator) bool {
	if s.journal == nil {
		return false
	}
	streams := s.streams()
	i, found := search(streams, it.stream)
	return found && streams[i].nonce == it.nonce
}

// seal makes a token of a kind out of a text, with the time at which it was made.
func (s *Server) seal(kind, text string, now time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))
	b = append(b, kind...)
	b = append(b, 0)
	b = append(b, text...)
	b = binary.BigEndian.AppendUint64(b, maphash.Bytes(s.seed, b))
	return base64.StdEncoding.EncodeToString(b)
}

// unseal is the opposite.
func (s *Server) unseal(kind, token string) (text string, made time.Time, ok bool) {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) < 8+iteratorSeal {
		return "", made, false
	}
	at := len(b) - iteratorSeal
	if maphash.Bytes(s.seed, b[:at]) != binary.BigEndian.Uint64(b[at:]) {
		return "", made, false
	}
	text, ok = strings.CutPrefix(string(b[8:at]), kind+"\x00")
	return text, time.UnixMilli(int64(binary.BigEndian.Uint64(b))), ok
}
