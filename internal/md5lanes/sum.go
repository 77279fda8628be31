package md5lanes

import (
	"cmp"
	"crypto/md5" //nolint:gosec // checksums against accidents; nothing is secured by it
	"encoding/binary"
	"slices"
)

// Lanes is how many messages are hashed side by side.
const Lanes = 8

const (
	// gain is how many messages of the same length take as long one after the other as a
	// group does.
	gain = 2.6

	// maxBlocks bounds the time in assembly, where a goroutine can't be preempted.
	maxBlocks = 64 << 10 / (Lanes * md5.BlockSize)
)

// state is a, b, c and d of each lane.
type state [4][Lanes]uint32

// Sum sets sums[i] to the MD5 of messages[i]. It panics if there are fewer sums than messages.
func Sum(sums [][md5.Size]byte, messages [][]byte) {
	sums = sums[:len(messages)]
	if float64(len(messages)) < gain || !wide() {
		sumEach(sums, messages)
		return
	}
	order := make([]int, len(messages))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(len(messages[j]), len(messages[i])) })
	for group := range slices.Chunk(order, Lanes) {
		sumGroup(sums, messages, group)
	}
}

func sumEach(sums [][md5.Size]byte, messages [][]byte) {
	for i, m := range messages {
		sums[i] = md5.Sum(m) //nolint:gosec // see the import
	}
}

// sumGroup sums the messages of a group, of which the first is the longest.
func sumGroup(sums [][md5.Size]byte, messages [][]byte, group []int) {
	total := 0
	for _, i := range group {
		total += len(messages[i]) + md5.BlockSize
	}
	if float64(total) < gain*float64(len(messages[group[0]])+md5.BlockSize) {
		for _, i := range group {
			sums[i] = md5.Sum(messages[i]) //nolint:gosec // see the import
		}
		return
	}
	var lanes [Lanes]lane
	for l, i := range group {
		lanes[l].start(messages[i])
	}
	s := run(&lanes)
	for l, i := range group {
		for word := range s {
			binary.LittleEndian.PutUint32(sums[i][4*word:], s[word][l])
		}
	}
}

// lane is what is left to hash of one message.
type lane struct {
	rest []byte    // whole blocks, first of the message and then of its tail
	tail [128]byte // the end of the message with its padding
	end  int       // size of the tail, 0 when it is rest
}

// start begins with a message.
func (l *lane) start(message []byte) {
	whole := len(message) &^ (md5.BlockSize - 1)
	l.rest = message[:whole]
	n := copy(l.tail[:], message[whole:])
	l.tail[n] = 0x80
	l.end = md5.BlockSize
	if n+1+8 > md5.BlockSize {
		l.end = 2 * md5.BlockSize
	}
	binary.LittleEndian.PutUint64(l.tail[l.end-8:], uint64(len(message))*8)
	l.turn()
}

// turn goes on with the tail when the message is done.
func (l *lane) turn() {
	if len(l.rest) == 0 {
		l.rest, l.end = l.tail[:l.end], 0
	}
}

// skip passes blocks that have been hashed, and reports whether they were the last ones.
func (l *lane) skip(blocks int) (done bool) {
	if len(l.rest) == 0 {
		return false
	}
	l.rest = l.rest[blocks*md5.BlockSize:]
	l.turn()
	return len(l.rest) == 0
}

// run hashes all lanes to their ends. No lane has more blocks than the first one.
func run(lanes *[Lanes]lane) state {
	var s, result state
	for l := range Lanes {
		s[0][l], s[1][l], s[2][l], s[3][l] = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476
	}
	for len(lanes[0].rest) > 0 {
		blocks := maxBlocks
		var at [Lanes]*byte
		for l := range lanes {
			at[l] = at[0] // an idle lane hashes what the first one does
			if rest := lanes[l].rest; len(rest) > 0 {
				at[l] = &rest[0]
				blocks = min(blocks, len(rest)/md5.BlockSize)
			}
		}
		block(&s, &at, blocks)
		for l := range lanes {
			if lanes[l].skip(blocks) {
				for word := range s {
					result[word][l] = s[word][l]
				}
			}
		}
	}
	return result
}
