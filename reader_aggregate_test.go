package kin_test

import (
	"crypto/md5"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/internal/hashkey"
)

// packed is an aggregated record with these data, in the order given. The partition
// key of each is "key " and its data.
func packed(data ...string) string {
	var b aggregate.Builder
	for _, d := range data {
		b.Add(aggregate.UserRecord{PartitionKey: "key " + d, Data: []byte(d)})
	}
	return string(b.Pack(nil).Data)
}

// framed is an aggregated record with a valid checksum around any message.
func framed(message string) string {
	sum := md5.Sum([]byte(message))
	return "\xf3\x89\x9a\xc2" + message + string(sum[:])
}

func TestReaderUnpacks(t *testing.T) {
	t.Parallel()

	t.Run("user records with their own keys, in order, with sub-sequence numbers", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "plain", packed("a", "b", "c"), "plain")
			var got []string
			for rec, err := range newReader(t, f, toTip).Records(t.Context()) {
				must(t, 0, err)
				got = append(got, fmt.Sprintf("%s/%d/%v/%s/%s", rec.SequenceNumber, rec.SubSequence, rec.Aggregated, rec.PartitionKey, rec.Data))
			}
			wants(t, got, "1002/0/false/key/plain 1003/0/true/key a/a 1003/1/true/key b/b 1003/2/true/key c/c 1004/0/false/key/plain")
		})
	})

	t.Run("nothing if that is not wanted", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			record := packed("a", "b")
			f.put(0, record)
			r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.WhenAggregated = kin.KeepAggregates })
			if got := read(t, r, -1); len(got) != 1 || got[0] != record {
				t.Errorf("read %q, want the aggregated record as it is", got)
			}
		})
	})

	// What breaks other de-aggregators. Each bad record stands between two good ones.
	for name, tt := range map[string]struct {
		data string
		want string // in between; RAW: the record as it is
		bad  string // sub-sequence numbers of bad records
	}{
		"short data":                              {"\xf3\x89", "RAW", ""},
		"the magic number and nothing":            {"\xf3\x89\x9a\xc2", "RAW", ""},
		"the magic number and a little":           {"\xf3\x89\x9a\xc2abc", "RAW", "-1"},
		"a wrong checksum":                        {flip(packed("x", "y"), -1), "RAW", "-1"},
		"a flipped bit":                           {flip(packed("x", "y"), 8), "RAW", "-1"},
		"a valid checksum around garbage":         {framed("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "RAW", "-1"},
		"a valid checksum around no records":      {framed("\x0a\x01k"), "RAW", "-1"},
		"a key index outside the table":           {framed("\x0a\x01k" + "\x1a\x05\x08\x00\x1a\x01a" + "\x1a\x05\x08\x07\x1a\x01b" + "\x1a\x05\x08\x00\x1a\x01c"), "a c", "1"},
		"a key index near 2^64":                   {framed("\x0a\x01k" + "\x1a\x0e\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x1a\x01b" + "\x1a\x05\x08\x00\x1a\x01c"), "c", "0"},
		"a hash key index without a table":        {framed("\x0a\x01k" + "\x1a\x07\x08\x00\x10\x00\x1a\x01b" + "\x1a\x05\x08\x00\x1a\x01c"), "c", "0"},
		"a record without data":                   {framed("\x0a\x01k" + "\x1a\x02\x08\x00" + "\x1a\x05\x08\x00\x1a\x01c"), "c", "0"},
		"only bad records":                        {framed("\x0a\x01k" + "\x1a\x02\x08\x00"), "", "0"},
		"an aggregate inside of an aggregate":     {packed(packed("x", "y")), "RAW", ""},
		"a single record, which is never wrapped": {packed("x"), "RAW", ""},
	} {
		t.Run("neighbours of "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStream(1)
				f.put(0, "before", tt.data, packed("after", "too"))
				var bad []string
				r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) {
					cfg.Hooks.BadRecord = func(i kin.BadRecordInfo) {
						if i.SequenceNumber != "1003" || i.Err == nil || i.Shard != shardID(0) {
							t.Errorf("told of %+v, want record 1003", i)
						}
						bad = append(bad, fmt.Sprint(i.SubSequence))
					}
				})
				got := read(t, r, -1)
				for i := range got {
					if got[i] == tt.data || strings.Contains(tt.data, got[i]) && strings.HasPrefix(got[i], "\xf3") {
						got[i] = "RAW"
					}
				}
				wants(t, got, strings.ReplaceAll("before "+tt.want+" after too", "  ", " "))
				wants(t, bad, tt.bad)
				if n := r.Shards()[0].Bad; n != int64(len(bad)) {
					t.Errorf("counted %d bad records, want %d", n, len(bad))
				}
			})
		})
	}
}

func flip(s string, at int) string {
	b := []byte(s)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x10
	return string(b)
}

func TestReaderResumesInsideAnAggregate(t *testing.T) {
	t.Parallel()

	t.Run("after each of its records, with a new reader each time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, packed("a", "b", "c"), "d", packed("e", "f"))
			want := []string{"a", "b", "c", "d", "e", "f"}
			positions := map[kin.ShardID]kin.Position{}
			for i := range want {
				r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.Positions = positions })
				wants(t, read(t, r, -1), strings.Join(want[i:], " "))
				// A record of its own says where to go on, and so does the reader.
				r = newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.Positions = positions })
				var own kin.Position
				for rec, err := range r.Records(t.Context()) {
					must(t, 0, err)
					if !own.IsZero() {
						break
					}
					own = rec.Position()
				}
				kept := r.Positions()
				if i != 2 && i != 5 && kept[shardID(0)] != own { // the last of an aggregate ends it
					t.Errorf("after %s: position of the reader = %v, of the record = %v", want[i], kept[shardID(0)], own)
				}
				positions = map[kin.ShardID]kin.Position{shardID(0): own}
				if i%2 == 0 {
					positions = kept
				}
			}
		})
	})

	t.Run("also after the iterator expired and the shard was split", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, packed("a", "b", "c"))
			r := newReader(t, f)
			wants(t, read(t, r, 1), "a")
			f.split(0)
			f.put(1, "child")
			resumed := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) {
				cfg.From = kin.Latest() // must not matter
				cfg.Positions = r.Positions()
			})
			wants(t, read(t, resumed, -1), "b c child")
		})
	})

	t.Run("and yields all of the next record if that one was trimmed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, packed("a", "b"))
			r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) {
				cfg.Positions = map[kin.ShardID]kin.Position{shardID(0): kin.AfterSubSequence("1001", 1)}
			})
			wants(t, read(t, r, -1), "a b")
		})
	})
}

func TestReaderOutOfRange(t *testing.T) {
	t.Parallel()
	low := hashkey.Even(2)[0]
	var in, out []string // data whose key belongs to the lower of two shards, or not
	for i := 0; len(in) < 2 || len(out) < 2; i++ {
		if data := fmt.Sprint(i); low.Contains(hashkey.Of("key " + data)) {
			in = append(in, data)
		} else {
			out = append(out, data)
		}
	}
	var b aggregate.Builder
	b.Add(aggregate.UserRecord{PartitionKey: "key " + in[0], ExplicitHashKey: low.End.Next().String(), Data: []byte("explicitly out")})
	b.Add(aggregate.UserRecord{PartitionKey: "key " + out[0], ExplicitHashKey: low.End.String(), Data: []byte("explicitly in")})
	explicit := string(b.Pack(nil).Data)

	for name, tt := range map[string]struct {
		choice kin.WhenOutOfRange
		want   []string
	}{
		"are delivered": {kin.DeliverOutOfRange, []string{in[0], out[0], in[1], out[1], "explicitly out", "explicitly in"}},
		"are dropped without their neighbours if that is wanted": {kin.DropOutOfRange, []string{in[0], in[1], "explicitly in"}},
	} {
		t.Run("records of other shards "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStream(2)
				f.put(0, packed(in[0], out[0], in[1], out[1]), explicit)
				told := 0
				r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) {
					cfg.WhenOutOfRange = tt.choice
					cfg.Hooks.OutOfRange = func(i kin.OutOfRangeInfo) {
						told++
						if i.Dropped != (tt.choice == kin.DropOutOfRange) || i.Record.ShardID != shardID(0) {
							t.Errorf("told of %+v", i)
						}
					}
				})
				wants(t, read(t, r, -1), strings.Join(tt.want, " "))
				if status := r.Shards()[0]; told != 3 || status.OutOfRange != 3 || status.Records != int64(len(tt.want)) {
					t.Errorf("told of %d, status %+v, want 3 out of range and %d records", told, status, len(tt.want))
				}
			})
		})
	}
}

// A server that does not tell which keys a shard has must not make all records seem
// out of place.
func TestReaderOutOfUnknownRange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStream(2)
		for _, s := range f.shards {
			s.HashKeyRange = nil
		}
		f.put(0, packed("a", "b", "c"))
		r := newReader(t, f, func(cfg *kin.ReaderConfig) {
			cfg.WhenOutOfRange = kin.DropOutOfRange
			cfg.Hooks.OutOfRange = func(i kin.OutOfRangeInfo) { t.Errorf("told that %q is out of range", i.Record.Data) }
		})
		wants(t, read(t, r, 3), "a b c")
	})
}
