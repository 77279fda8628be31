package kin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// userRecords returns records with the keys prefix0 to prefix(n-1) and the key as data.
func userRecords(prefix string, n int) (recs []kin.UserRecord) {
	for _, key := range numbered(prefix, n) {
		recs = append(recs, kin.UserRecord{PartitionKey: key, Data: []byte(key)})
	}
	return recs
}

// batchError returns err as a *kin.BatchError, by the index of its records.
func batchError(tb testing.TB, err error) (*kin.BatchError, map[int]*kin.PutError) {
	tb.Helper()
	e, ok := errors.AsType[*kin.BatchError](err)
	if !ok {
		tb.Fatalf("error = %v, want a *BatchError", err)
	}
	byIndex := map[int]*kin.PutError{}
	for i, f := range e.Failed {
		byIndex[f.Index] = f.Err
		if i > 0 && e.Failed[i-1].Index >= f.Index {
			tb.Errorf("record %d comes after record %d, want the order of the batch", f.Index, e.Failed[i-1].Index)
		}
	}
	return e, byIndex
}

func TestPutBatch(t *testing.T) {
	t.Parallel()

	t.Run("answers each record at its place", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			server := kintest.New(t)
			if err := server.CreateStream("orders", 4); err != nil {
				t.Fatal(err)
			}
			p := newProducer(t, server.Client(), kin.ProducerConfig{MaxBatchRecords: 7})
			recs := userRecords("k", 100)
			results, err := p.PutBatch(t.Context(), recs)
			mustClose(t, p)
			if err != nil || len(results) != len(recs) {
				t.Fatalf("PutBatch = %d results and %v, want %d and nil", len(results), err, len(recs))
			}
			at := map[string]string{} // where the data is
			for _, rec := range server.Records("orders") {
				at[fmt.Sprint(rec.ShardID, " ", rec.SequenceNumber)] = string(rec.Data)
			}
			for i, r := range results {
				if got := at[fmt.Sprint(r.ShardID, " ", r.SequenceNumber)]; got != string(recs[i].Data) || r.Attempts != 1 {
					t.Errorf("result %d = %+v, where %q is, want %q", i, r, got, recs[i].Data)
				}
			}
		})
	})

	t.Run("puts nothing when there is nothing", func(t *testing.T) {
		t.Parallel()
		p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
		if results, err := p.PutBatch(t.Context(), nil); len(results) != 0 || err != nil {
			t.Errorf("PutBatch = %v, %v, want nothing and nil", results, err)
		}
	})

	t.Run("names exactly the records that are not stored, and stores the others", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, testPutBatchPartly)
	})

	t.Run("says that a record found no room", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			cfg := room(3)
			cfg.WhenFull = kin.FailWhenFull
			p := newProducer(t, &scriptedPuts{answer: slowly}, cfg)
			results, err := p.PutBatch(t.Context(), smallRecords(5))
			mustClose(t, p)
			_, failed := batchError(t, err)
			if len(failed) != 2 || failed[3] == nil || failed[4] == nil || !errors.Is(failed[4], kin.ErrBufferFull) || failed[4].Ambiguous {
				t.Errorf("failed = %v, want records 3 and 4 with ErrBufferFull", err)
			}
			if results[2].Attempts != 1 || results[3] != (kin.PutResult{}) {
				t.Errorf("results = %+v, want three, then none", results)
			}
		})
	})

	t.Run("puts more than the buffer holds", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{answer: slowly}, room(4))
			results, err := p.PutBatch(t.Context(), smallRecords(10))
			mustClose(t, p)
			if err != nil || len(results) != 10 {
				t.Errorf("PutBatch = %d results and %v, want 10 and nil", len(results), err)
			}
		})
	})

	t.Run("says what is not accepted and what is on its way when its context ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, testPutBatchCutShort)
	})

	t.Run("refuses records of a closed producer", func(t *testing.T) {
		t.Parallel()
		p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
		mustClose(t, p)
		_, err := p.PutBatch(t.Context(), userRecords("k", 2))
		if _, failed := batchError(t, err); len(failed) != 2 || !errors.Is(err, kin.ErrClosed) {
			t.Errorf("error = %v, want 2 with ErrClosed", err)
		}
	})
}

// smallRecords returns n records with the keys k0 to k(n-1) and data of 1 byte, as room counts them.
func smallRecords(n int) []kin.UserRecord {
	recs := userRecords("k", n)
	for i := range recs {
		recs[i].Data = recs[i].Data[:1]
	}
	return recs
}

func testPutBatchPartly(t *testing.T) {
	client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
		return failing(in, func(key string) string {
			return map[string]string{"k1": throttledCode, "k4": "InternalFailure"}[key]
		}), nil
	}}
	p := newProducer(t, client, kin.ProducerConfig{RecordTTL: time.Second})
	recs := userRecords("k", 6)
	recs[2].PartitionKey = ""
	results, err := p.PutBatch(t.Context(), recs)
	mustClose(t, p)
	e, failed := batchError(t, err)
	if len(failed) != 3 || failed[1] == nil || failed[2] == nil || failed[4] == nil {
		t.Fatalf("failed = %v, want records 1, 2 and 4", failed)
	}
	if f := failed[1]; f.Code != throttledCode || f.Ambiguous || !errors.Is(f, kin.ErrExpired) || f.Record.PartitionKey != "k1" {
		t.Errorf("record 1 = %v (%s), want it expired, throttled", f, describe(f))
	}
	if f := failed[2]; !errors.Is(f, kin.ErrInvalidRecord) || f.Attempts != 0 {
		t.Errorf("record 2 = %v (%s), want it invalid", f, describe(f))
	}
	if f := failed[4]; !f.Ambiguous {
		t.Errorf("record 4 = %v (%s), want it ambiguous", f, describe(f))
	}
	for i, r := range results {
		stored := r.SequenceNumber == kin.SequenceNumber("seq-"+recs[i].PartitionKey)
		if want := failed[i] == nil; stored != want || !want && r != (kin.PutResult{}) {
			t.Errorf("result %d = %+v, want stored %v", i, r, want)
		}
	}
	if !errors.Is(err, kin.ErrExpired) || !errors.Is(err, kin.ErrInvalidRecord) {
		t.Errorf("error = %v, want it to wrap those of all records", err)
	}
	want := `put batch of 6 records: 2 not stored, 1 may have been; the first is record 1: put record with key "k1" (2 bytes) to orders, attempt `
	if e.Records != 6 || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error = %q, want it to begin with %q", err, want)
	}
}

func testPutBatchCutShort(t *testing.T) {
	client := &scriptedPuts{answer: slowly}
	cfg := room(2)
	cfg.MaxBatchRecords = 1
	p := newProducer(t, client, cfg)
	why := errors.New("no time")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2500*time.Millisecond, why)
	defer cancel()
	begun := time.Now()
	results, err := p.PutBatch(ctx, smallRecords(8))
	if took := time.Since(begun); took != 2500*time.Millisecond {
		t.Errorf("took %v, want 2.5s", took)
	}
	before := append([]kin.PutResult{}, results...)
	// One call takes a second and one record, so 0 and 1 are stored by now, and 2 and 3 are accepted.
	_, failed := batchError(t, err)
	for i := range 8 {
		switch f := failed[i]; {
		case i < 2:
			if f != nil || results[i].Attempts != 1 {
				t.Errorf("record %d = %+v, %v, want it stored", i, results[i], f)
			}
		case f == nil || !errors.Is(f, why) || f.Ambiguous != (i < 4) || f.Record.PartitionKey != fmt.Sprint("k", i):
			t.Errorf("record %d = %v, want the cause, ambiguous %v", i, f, i < 4)
		}
	}
	mustClose(t, p)
	if n := len(client.seen()); n != 4 {
		t.Errorf("records put = %d, want the 4 that were accepted", n)
	}
	for i := range results {
		if results[i] != before[i] {
			t.Errorf("result %d changed to %+v after PutBatch had returned", i, results[i])
		}
	}
}
