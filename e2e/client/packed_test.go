package client_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/e2e/server"
)

// packable returns so many records that begin with their numbers, under names and of sizes as they come: few keys and
// many, with and without explicit hash keys, empty but for the number and larger than an aggregate.
func packable(name string, records int) []kin.UserRecord {
	all := make([]kin.UserRecord, records)
	for i := range all {
		r := kin.UserRecord{PartitionKey: fmt.Sprintf("%s %d ☃", name, i%37), Data: fmt.Appendf(nil, "%d ", i)}
		switch {
		case i%5 == 1:
			r.ExplicitHashKey = new(big.Int).Rsh(new(big.Int).Mul(big.NewInt(int64(i%11)), new(big.Int).Lsh(big.NewInt(1), 128)), 4).String()
		case i%7 == 2:
			r.PartitionKey = fmt.Sprintf("%s once %d", name, i)
		}
		size := i % 300
		switch {
		case i%1000 == 500:
			size = 70_000
		case i%100 == 50:
			size = 10_000
		}
		r.Data = append(r.Data, bytes.Repeat([]byte{byte(i)}, size)...)
		all[i] = r
	}
	return all
}

// number is what the record was numbered by packable.
func number(t *testing.T, data []byte) int {
	t.Helper()
	digits, _, _ := strings.Cut(string(data[:min(len(data), 10)]), " ")
	n, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatalf("data %q begins without a number", data[:min(len(data), 20)])
	}
	return n
}

// outcome is what a producer says about a record.
type outcome struct {
	kin.PutResult

	err error
}

// putAll puts the records in their order, not many more than have an answer, calls the functions in marks when that many are
// in, and closes the producer.
func putAll(t *testing.T, u *setup, producer *kin.Producer, records []kin.UserRecord, marks map[int]func()) []outcome {
	t.Helper()
	outcomes := make([]outcome, len(records))
	slots := make(chan struct{}, 500)
	var marked sync.WaitGroup
	for i, r := range records {
		slots <- struct{}{}
		if call := marks[i]; call != nil {
			marked.Go(call)
		}
		err := producer.PutAsync(u.ctx, r, func(result kin.PutResult, err error) {
			outcomes[i] = outcome{result, err}
			<-slots
		})
		if err != nil {
			t.Fatalf("put record %d: %v", i, err)
		}
	}
	if err := producer.Close(u.ctx); err != nil {
		t.Errorf("close: %v", err)
	}
	marked.Wait()
	return outcomes
}

// checkRead compares what a consumer read with what was put under the name and with what the producer said: every record is
// where its result says, with its own keys, and only those that may be doubled are there again.
func checkRead(t *testing.T, name string, got []userRecord, put []kin.UserRecord, outcomes []outcome) {
	t.Helper()
	places, times, packed := make([]bool, len(put)), make([]int, len(put)), 0
	for _, r := range got {
		if !strings.HasPrefix(r.key, name+" ") {
			continue
		}
		i := number(t, r.data)
		want, at := put[i], outcomes[i]
		hashKey := want.ExplicitHashKey
		if !r.packed {
			hashKey = "" // the service does not give it back
		}
		if r.key != want.PartitionKey || r.hashKey != hashKey || !bytes.Equal(r.data, want.Data) {
			t.Errorf("record %d was read with key %q, hash key %q, %d bytes; want %q, %q, %d",
				i, r.key, r.hashKey, len(r.data), want.PartitionKey, hashKey, len(want.Data))
		}
		if r.shard == at.ShardID && r.seq == at.SequenceNumber && r.sub == at.SubSequence {
			places[i] = true
		}
		if r.packed {
			packed++
		}
		times[i]++
	}
	for i, at := range outcomes {
		switch {
		case at.err != nil:
			t.Errorf("record %d: %v", i, at.err)
		case !places[i]:
			t.Errorf("record %d of %s was read %d times, but not at %s, %s, %d", i, name, times[i], at.ShardID, at.SequenceNumber, at.SubSequence)
		case times[i] > 1 && !at.MaybeDuplicate:
			t.Errorf("record %d of %s was read %d times, and its result does not say so", i, name, times[i])
		}
	}
	if packed == 0 { // how many are depends on how fast the machine is
		t.Errorf("none of the records of %s was packed", name)
	}
}

// checkOrder says that the records of a key were read in the order in which they were put. What was read again does not count.
func checkOrder(t *testing.T, name string, got []userRecord, put []kin.UserRecord) {
	t.Helper()
	next, seen := map[string]int{}, make([]bool, len(put))
	for _, r := range got {
		if !strings.HasPrefix(r.key, name+" ") {
			continue
		}
		i := number(t, r.data)
		if seen[i] {
			continue
		}
		seen[i] = true
		key := r.key + " " + put[i].ExplicitHashKey
		if i < next[key] {
			t.Errorf("record %d of key %s was read after record %d", i, key, next[key]-1)
		}
		next[key] = i + 1
	}
}

// withoutInventions takes away the explicit hash keys that the library for Python gives to records that have none: the first
// one of the aggregate.
func withoutInventions(t *testing.T, name string, got []userRecord, put []kin.UserRecord) []userRecord {
	t.Helper()
	got = slices.Clone(got)
	for i, r := range got {
		if r.packed && strings.HasPrefix(r.key, name+" ") && put[number(t, r.data)].ExplicitHashKey == "" {
			got[i].hashKey = ""
		}
	}
	return got
}

// waitPacking puts a record and waits until the producer knows that it may pack, and by which shards.
func (u *setup) waitPacking(t *testing.T, producer *kin.Producer, how kin.Aggregation) {
	t.Helper()
	if _, err := producer.Put(u.ctx, kin.UserRecord{PartitionKey: "first", Data: []byte("first")}); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		stats := producer.Stats().Streams[0]
		if stats.Mapped && stats.Aggregation == how {
			return
		}
		select {
		case <-u.ctx.Done():
			t.Fatalf("the producer does not pack: %v", stats.ViewErr)
		case <-tick.C:
		}
	}
}

// modes are the ways to pack, by the names under which they put.
func modes() map[string]kin.ProducerConfig {
	return map[string]kin.ProducerConfig{
		"by-shard":         {Aggregation: kin.AggregateByShard},
		"by-key":           {Aggregation: kin.AggregateByPartitionKey},
		"by-shard-ordered": {Aggregation: kin.AggregateByShard, Ordered: true},
		"by-key-ordered":   {Aggregation: kin.AggregateByPartitionKey, Ordered: true},
	}
}

// TestOthersReadWhatProducersPut packs records in all ways side by side in one stream, while its shards are split and
// merged, and has them read and unpacked by code of others: the SDK for Java with KCL's code, which drops aggregates that
// have a record of another shard, and the library for Python, which drops nothing.
func TestOthersReadWhatProducersPut(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		u := newSetup(t, s, 2)
		put, outcomes := map[string][]kin.UserRecord{}, map[string][]outcome{}
		var mu sync.Mutex // guards outcomes
		var putting sync.WaitGroup
		for name, cfg := range modes() {
			records := packable(name, share(s, 4_000))
			put[name] = records
			producer := u.producer(t, func(c *kin.ProducerConfig) {
				cfg.Stream = c.Stream
				*c = cfg
			})
			u.waitPacking(t, producer, cfg.Aggregation)
			marks := map[int]func(){}
			if cfg.Aggregation == kin.AggregateByShard && !cfg.Ordered {
				marks[len(records)/4] = func() {
					u.split(t)
					u.merge(t)
					u.split(t)
				}
			}
			putting.Go(func() {
				of := putAll(t, u, producer, records, marks)
				mu.Lock()
				defer mu.Unlock()
				outcomes[name] = of
			})
		}
		putting.Wait()
		byKCL, byPython := u.readByKCL(t), u.readByPython(t)
		for name, records := range put {
			checkRead(t, name, byKCL, records, outcomes[name])
			checkRead(t, name, withoutInventions(t, name, byPython, records), records, outcomes[name])
			if modes()[name].Ordered {
				checkOrder(t, name, byKCL, records)
			}
		}
	})
}
