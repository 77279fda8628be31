package cli_test

import (
	"errors"
	"testing"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
)

// totals is what a ledger must come to.
type totals struct {
	put, failed, read, lost, doubled, reordered, altered, foreign int64
	clean                                                         bool
}

func TestLedger_tells_every_way_in_which_a_record_can_go_wrong(t *testing.T) {
	t.Parallel()
	const shard = "shardId-000000000000"
	for _, c := range []struct {
		name string
		do   func(l cli.Ledger)
		want totals
	}{
		{"nothing was put", func(cli.Ledger) {}, totals{}},
		{"all is well, with equal lines", func(l cli.Ledger) {
			a, b := l.Put("line", shard, "9"), l.Put("line", shard, "10")
			l.Read(a)
			l.Read(b)
		}, totals{put: 2, read: 2, clean: true}},
		{"a record is lost", func(l cli.Ledger) {
			l.Read(l.Put("a", shard, "1"))
			l.Put("a", shard, "2")
		}, totals{put: 2, read: 1, lost: 1}},
		{"one lost and one doubled do not make up for each other", func(l cli.Ledger) {
			a := l.Put("a", shard, "1")
			l.Put("a", shard, "2")
			l.Read(a)
			l.Read(a)
		}, totals{put: 2, read: 2, lost: 1, doubled: 1}},
		{"two records of a key change places", func(l cli.Ledger) {
			a, b := l.Put("a", shard, "1"), l.Put("b", shard, "2")
			l.Read(b)
			l.Read(a)
		}, totals{put: 2, read: 2, reordered: 1}},
		{"a child is read before its parent", func(l cli.Ledger) {
			a, b := l.Put("a", shard, "1"), l.Put("b", "shardId-000000000001", "2")
			l.Read(b)
			l.Read(a)
		}, totals{put: 2, read: 2, reordered: 1}},
		{"the data is altered", func(l cli.Ledger) {
			a := l.Put("a", shard, "1")
			a.Data = append(a.Data, '!')
			l.Read(a)
		}, totals{put: 1, read: 1, altered: 1}},
		{"the key is altered", func(l cli.Ledger) {
			a := l.Put("a", shard, "1")
			a.PartitionKey = "another"
			l.Read(a)
		}, totals{put: 1, read: 1, altered: 1}},
		{"the sequence number is not the one of the put", func(l cli.Ledger) {
			a := l.Put("a", shard, "1")
			a.SequenceNumber = "2"
			l.Read(a)
		}, totals{put: 1, read: 1, altered: 1}},
		{"a record has a number that was never given out", func(l cli.Ledger) {
			a := l.Put("a", shard, "1")
			l.Read(a)
			a.Data = []byte("17\ta")
			l.Read(a)
		}, totals{put: 1, read: 2, foreign: 1}},
		{"a record has no number", func(l cli.Ledger) {
			a := l.Put("a", shard, "1")
			l.Read(a)
			a.Data = []byte("a")
			l.Read(a)
		}, totals{put: 1, read: 2, foreign: 1}},
		{"a put fails", func(l cli.Ledger) {
			l.Read(l.Put("a", shard, "1"))
			l.Fail(errors.New("no"))
		}, totals{put: 1, read: 1, failed: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := cli.NewLedger(1) // one key: all are in one order
			c.do(l)
			var got totals
			got.put, got.failed, got.read, got.lost, got.doubled, got.reordered, got.altered, got.foreign, got.clean = l.Total()
			if got != c.want {
				t.Errorf("total = %+v, want %+v", got, c.want)
			}
		})
	}
}
