package kin_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

func TestConsumerStreams(t *testing.T) {
	t.Parallel()

	t.Run("can be several, by name and by ARN, and change while running", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 2)
			for _, name := range []string{"bills", "cases"} {
				if err := g.server.CreateStream(name, 2); err != nil {
					t.Fatal(err)
				}
			}
			var b book
			const arn = "arn:aws:kinesis:us-east-1:000000000000:stream/"
			w := g.start(&b, func(cfg *kin.ConsumerConfig) {
				cfg.Stream, cfg.Streams = "", []string{"orders", arn + "orders", arn + "bills"}
			})
			put := func(round int) {
				for _, name := range []string{"orders", "bills", "cases"} {
					if _, err := g.server.Put(name, "key", fmt.Append(nil, name, round)); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(20 * time.Second)
			}
			time.Sleep(10 * time.Second)
			put(1)
			b.wantsAny(t, "orders1", "bills1")
			if err := w.SetStreams("cases", "bills"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			put(2)
			b.wantsAny(t, "orders1", "bills1", "cases1", "bills2", "cases2")
			if err := w.SetStreams("orders"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			put(3)
			b.wantsAny(t, "orders1", "bills1", "cases1", "bills2", "cases2", "orders2", "orders3")
			w.end()
		})
	})

	t.Run("are looked for again and again when they are named before they are there", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			var b, told book
			w := g.start(&b, func(cfg *kin.ConsumerConfig) {
				cfg.Hooks.Retrying = func(i kin.RetryInfo) { told.notef("%s %s", i.Stream, i.Op) }
			})
			time.Sleep(5 * time.Second)
			if err := w.SetStreams("orders", "a/b"); err == nil {
				t.Error("SetStreams takes a name that is none")
			}
			if err := w.SetStreams("orders", "bills"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			g.put("a")
			if err := g.server.CreateStream("bills", 1); err != nil {
				t.Fatal(err)
			}
			if _, err := g.server.Put("bills", "key", []byte("b")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			w.end()
			b.wantsAny(t, "a", "b")
			if got := told.read(); len(got) < 3 || got[0] != "bills DescribeStreamSummary" {
				t.Errorf("told %q, want several times that bills can't be described", got)
			}
		})
	})

	for name, tt := range map[string]struct {
		fault      kintest.Fault
		stream     string
		want, hint string
		after      time.Duration
	}{
		"it does not exist":           {kintest.Fault{}, "nowhere", "ResourceNotFoundException", "check the name of the stream", 0},
		"it can't be described":       {kintest.Fault{Error: "AccessDeniedException"}, "orders", "AccessDenied", "kinesis:DescribeStreamSummary", 0},
		"nothing answers for so long": {kintest.Fault{Status: 503}, "orders", "gave up", "", 30 * time.Second},
	} {
		t.Run("end Run at the start with a hint if "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 1)
				tt.fault.Operation = "DescribeStreamSummary"
				if tt.fault.Error != "" || tt.fault.Status != 0 {
					g.server.Inject(tt.fault)
				}
				began := time.Now()
				w := g.start(&book{}, func(cfg *kin.ConsumerConfig) { cfg.Stream = tt.stream })
				err := w.wait()
				e, ok := errors.AsType[*kin.ShardError](err)
				if !ok || e.Op != "DescribeStreamSummary" || e.Stream != tt.stream || !strings.Contains(e.Error(), tt.want) ||
					!strings.Contains(e.Hint, tt.hint) {
					t.Errorf("Run: %v, want a ShardError with %q and the hint %q", err, tt.want, tt.hint)
				}
				if took := time.Since(began); took < tt.after || took > tt.after+15*time.Second {
					t.Errorf("it took %v, want about %v", took, tt.after)
				}
			})
		})
	}
}
