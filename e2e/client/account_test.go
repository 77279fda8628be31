package client_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
)

const (
	loadWorkers = 4
	keysEach    = 25
)

// load puts numbered records: each worker has its own keys, and the records of a
// key are numbered from 0 and put one after the other. It calls the functions in
// marks, once each, when that many records are in.
func (u *setup) load(t testing.TB, records int, marks map[int]func()) {
	t.Helper()
	rounds := records / (loadWorkers * keysEach)
	var put atomic.Int64
	var wait sync.WaitGroup
	for worker := range loadWorkers {
		wait.Go(func() {
			for round := range rounds {
				if !u.putRound(t, worker, round) {
					return
				}
				before := put.Add(keysEach) - keysEach
				for mark, call := range marks {
					if int(before) < mark && mark <= int(before)+keysEach {
						wait.Go(call)
					}
				}
			}
		})
	}
	wait.Wait()
}

// putRound puts record number round of each key of the worker.
func (u *setup) putRound(t testing.TB, worker, round int) bool {
	t.Helper()
	in := &kinesis.PutRecordsInput{StreamName: &u.stream}
	for key := range keysEach {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{
			PartitionKey: aws.String(fmt.Sprintf("%d-%d", worker, key)), Data: []byte(strconv.Itoa(round)),
		})
	}
	for len(in.Records) > 0 {
		out, err := u.PutRecords(u.ctx, in)
		if err != nil {
			t.Errorf("put records: %v", err)
			return false
		}
		var again []types.PutRecordsRequestEntry
		for i, r := range out.Records {
			if r.ErrorCode != nil {
				again = append(again, in.Records[i])
			}
		}
		in.Records = again
	}
	return true
}

// account is what has been read, record by record.
type account struct {
	next                          map[string]int // by key, the number that has to come
	last                          map[kin.ShardID]kin.SequenceNumber
	read, doubled, gaps, disorder int
}

func newAccount() *account {
	return &account{next: map[string]int{}, last: map[kin.ShardID]kin.SequenceNumber{}}
}

// add takes the next record of load.
func (a *account) add(t testing.TB, r kin.Record) {
	t.Helper()
	number, err := strconv.Atoi(string(r.Data))
	if err != nil || !strings.Contains(r.PartitionKey, "-") {
		t.Fatalf("record %s with key %q has data %q, which nobody put", r.SequenceNumber, r.PartitionKey, r.Data)
	}
	switch want := a.next[r.PartitionKey]; {
	case number < want:
		a.doubled++
	case number > want:
		a.gaps++
	}
	a.next[r.PartitionKey] = number + 1
	if r.SequenceNumber.Compare(a.last[r.ShardID]) <= 0 {
		a.disorder++
	}
	a.last[r.ShardID] = r.SequenceNumber
	a.read++
}

// check says that so many records were read, each once and in order.
func (a *account) check(t testing.TB, want int) {
	t.Helper()
	if a.read != want || a.doubled != 0 || a.gaps != 0 || a.disorder != 0 {
		t.Errorf("read %d, doubled %d, gaps %d, out of order %d; want read %d and nothing else",
			a.read, a.doubled, a.gaps, a.disorder, want)
	}
}
