package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/kinstream/kin"
)

// recordLine is a record as kin consume writes it: with -o json, and to a program.
type recordLine struct {
	ID     int64  `json:"id,omitempty"` // only to a program
	Stream string `json:"stream"`
	tailRecord
}

// parseAck reads a line that acknowledges a record: its number, or a JSON object with the
// number as "id". A line of spaces says nothing, which is id 0.
func parseAck(text []byte) (id int64, err error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return 0, nil
	}
	number := text
	if text[0] == '{' {
		var object struct {
			ID json.RawMessage `json:"id"`
		}
		if err := json.Unmarshal(text, &object); err != nil {
			return 0, fmt.Errorf("it is no JSON object: %w", err)
		}
		if number = object.ID; len(number) == 0 {
			return 0, errors.New(`it has no "id"`)
		}
	}
	if n := len(number); n > 2 && number[0] == '"' && number[n-1] == '"' {
		number = number[1 : n-1]
	}
	id, err = strconv.ParseInt(string(number), 10, 64)
	if err != nil || id < 1 || number[0] == '+' {
		return 0, errors.New("it is not the id of a record")
	}
	return id, nil
}

// ackBook knows which records a program has and has not acknowledged. Records get consecutive
// numbers from 1 on, those of a batch side by side.
type ackBook struct {
	mu    sync.Mutex // guards all below; taken alone
	given int64      // the highest number given out
	open  []*ackPage // by their first number; those with records that are not acknowledged
	acked int64      // records that were acknowledged
}

// ackPage is a batch that a program has, or a part of one.
type ackPage struct {
	batch *kin.Batch
	first int64
	acked []bool
	left  int
	done  chan struct{} // closed when all is acknowledged
}

// add gives numbers to the records of a batch.
func (k *ackBook) add(b *kin.Batch) *ackPage {
	k.mu.Lock()
	defer k.mu.Unlock()
	page := &ackPage{batch: b, first: k.given + 1, acked: make([]bool, len(b.Records)), left: len(b.Records), done: make(chan struct{})}
	k.given += int64(len(b.Records))
	k.open = append(k.open, page)
	return page
}

// drop forgets a batch that is not to be waited for any more.
func (k *ackBook) drop(page *ackPage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open = slices.DeleteFunc(k.open, func(p *ackPage) bool { return p == page })
}

// ack takes an acknowledgement. The batch and the index are those of the record, if that is
// waited for; it may have been acknowledged before, or its shard given up. The error says that
// no record has the number yet.
func (k *ackBook) ack(id int64) (page *ackPage, index int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id > k.given {
		return nil, 0, fmt.Errorf("no record has had the id %d so far", id)
	}
	at, found := slices.BinarySearchFunc(k.open, id, func(p *ackPage, id int64) int {
		switch {
		case id < p.first:
			return 1
		case id >= p.first+int64(len(p.acked)):
			return -1
		}
		return 0
	})
	if !found {
		return nil, 0, nil
	}
	page = k.open[at]
	index = int(id - page.first)
	if page.acked[index] {
		return nil, 0, nil
	}
	page.acked[index] = true
	page.left--
	k.acked++
	if page.left == 0 {
		k.open = slices.Delete(k.open, at, at+1)
	}
	return page, index, nil
}

// waiting is how many records are not acknowledged, and how many have been.
func (k *ackBook) waiting() (open int, acked int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.open {
		open += p.left
	}
	return open, k.acked
}

// isDone says whether all records of the page are acknowledged, as ack has left it.
func (k *ackBook) isDone(page *ackPage) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return page.left == 0
}
