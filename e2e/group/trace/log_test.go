package trace_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/kinstream/kin/e2e/group/trace"
)

func TestLogIsReadWhileItIsWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	log, err := trace.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	follower, err := trace.Follow(path)
	if err != nil {
		t.Fatal(err)
	}
	want := trace.Entry{
		Kind: trace.Begin, At: log.Now(), Worker: "a", Stream: "s", Shard: "shardId-000000000001", Epoch: 3, Batch: 7,
		Attempt: 1, Records: []trace.Record{{Seq: "49", Sub: 2, Key: "k", Count: 5}},
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 100 {
				if err := log.Write(want); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for len(follower.Entries()) < 400 && !t.Failed() {
		got, err := follower.Read()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range got {
			e.Wall = 0
			if !reflect.DeepEqual(e, want) {
				t.Fatalf("got %+v, want %+v", e, want)
			}
		}
	}
	wait.Wait()
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if err := follower.Close(); err != nil {
		t.Error(err)
	}
}

func TestLineThatWasCutOffIsNotRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(`{"k":"begin","batch":1}`+"\n"+`{"k":"begin","ba`), 0o644); err != nil {
		t.Fatal(err)
	}
	follower, err := trace.Follow(path)
	if err != nil {
		t.Fatal(err)
	}
	defer follower.Close()
	if got, err := follower.Read(); err != nil || len(got) != 1 || got[0].Batch != 1 {
		t.Fatalf("got %+v, %v, want the first line", got, err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString("tch\":2}\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := follower.Read(); err != nil || len(got) != 1 || got[0].Batch != 2 {
		t.Fatalf("got %+v, %v, want the second line, now that it has an end", got, err)
	}
}

func TestRecordsAreOrderedByPlace(t *testing.T) {
	t.Parallel()
	want := []trace.Record{{Seq: "9"}, {Seq: "10"}, {Seq: "11"}, {Seq: "11", Sub: 1}, {Seq: "11", Sub: 10}, {Seq: "100"}}
	got := []trace.Record{want[5], want[4], want[3], want[2], want[1], want[0]}
	slices.SortFunc(got, trace.Record.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
