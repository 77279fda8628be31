package outbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

// TestJudgesEveryAggregate has aggregates that are not what the simple rule expects.
func TestJudgesEveryAggregate(t *testing.T) {
	t.Parallel()
	byShard := packs(outbox.ByShard, 51_200)
	t.Run("one of a single record that looks like one", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, byShard)
		k, _ := hashkey.Parse(in(0, 0))
		it := outbox.Item[int]{Record: outbox.Record{
			PartitionKey: "k", ExplicitHashKey: in(0, 0), Data: []byte("\xf3\x89\x9a\xc2" + strings.Repeat("x", 30)),
		}, Hash: k}
		if w, _, err := r.o.Offer(&it, r.now); w != nil || err != nil {
			t.Fatal(w, err)
		}
		r.now += 100 * ms
		c := r.call()
		if !c.Entries[0].Aggregate {
			t.Fatal("the record goes as it is, want it packed")
		}
		c.Entries[0].Place = outbox.Place{Shard: r.m.Open(2).ID, Sequence: "1"} // the service chooses
		r.o.Settle(c, nil, r.now)
		r.wantVerdicts(c, "0:waiting?")
		r.land(r.call(), r.m.Open(2).ID)
		c = r.call()
		r.land(c, "nowhere") // at the third time it is right wherever nobody knows
		r.wantVerdicts(c, "0:stored?")
	})
	t.Run("one for a shard that has another range by now", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, byShard)
		r.put(in(0, 0), 10, 1)
		r.put(hashkey.Even(8)[1].Start.String(), 10, 1)
		r.now += 100 * ms
		c := r.wantCall("[[0 1]]")
		r.o.Learn(outbox.View{Map: evenMap(t, 8), Distribution: outbox.ByKey}, r.now)
		c.Entries[0].Place = outbox.Place{Shard: c.Entries[0].Shard(), Sequence: "1"}
		r.o.Settle(c, nil, r.now)
		r.wantVerdicts(c, "0:waiting? 1:waiting?")
	})
	t.Run("none while the stream is gone", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, byShard)
		r.put(in(0, 0), 10, 2)
		r.now += 100 * ms
		r.end(r.wantCall("[[0 1]]"), &outbox.Failure{Err: errThrottled, NoStream: true}, nil)
		r.put(in(0, 0), 10, 2)
		r.now += 100 * ms
		step := r.o.Next(r.now)
		if step.Call == nil || show(step.Call) != "[[2] [3]]" {
			t.Errorf("call = %v, want each record alone", step.Call)
		}
		for ask := step.Ask; !ask; ask = step.Ask {
			if step.Wait > r.now+2*time.Second {
				t.Fatalf("no question until %v, want one soon", step.Wait)
			}
			r.now = step.Wait
			step = r.o.Next(r.now)
		}
	})
}
