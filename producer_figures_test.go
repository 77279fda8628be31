package kin_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin"
)

// checkFigures holds figures to what they promise, and returns how many of them see each field of a T change that is
// a number, a duration or a truth.
func checkFigures[T any](t *testing.T, figures []kin.Figure[T]) map[string]int {
	t.Helper()
	names := map[string]bool{}
	for _, f := range figures {
		if names[f.Name] || f.Unit == "" || !strings.HasSuffix(f.Help, ".") || strings.ToLower(f.Name) != f.Name {
			t.Errorf("figure %+v is there twice, or has no unit or sentence", f)
		}
		names[f.Name] = true
	}
	seen := map[string]int{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		var before, after T
		switch at := reflect.ValueOf(&after).Elem().FieldByIndex(field.Index); at.Kind() {
		case reflect.Bool:
			at.SetBool(true)
		case reflect.Int, reflect.Int64:
			at.SetInt(int64(3 * time.Second))
		case reflect.Uint64:
			at.SetUint(3)
		case reflect.Float64:
			at.SetFloat(3)
		default:
			continue
		}
		seen[field.Name] = 0
		for _, f := range figures {
			if was := f.Value(&before); was != 0 {
				t.Errorf("%s of nothing = %v, want 0", f.Name, was)
			}
			if f.Value(&after) != 0 {
				seen[field.Name]++
			}
		}
	}
	return seen
}

func TestFigures(t *testing.T) {
	t.Parallel()
	for _, of := range []struct {
		what    string
		seen    map[string]int
		without []string
	}{
		{"producer", checkFigures(t, kin.ProducerFigures()), []string{"Uptime", "InFlight"}}, // InFlight: by stream
		{"stream", checkFigures(t, kin.StreamFigures()), nil},
		{"shard", checkFigures(t, kin.ShardFigures()), nil},
		{"owned shard", checkFigures(t, kin.OwnedShardFigures()), []string{"Epoch", "Reason", "Skipped", "Bad", "OutOfRange"}}, // the last ones: by stream, from hooks
	} {
		for field, n := range of.seen {
			want := 1
			if slices.Contains(of.without, field) {
				want = 0
			}
			if n != want {
				t.Errorf("%s: %d figures show %s, want %d", of.what, n, field, want)
			}
		}
	}
	for _, f := range kin.ProducerFigures() {
		unlimited := kin.ProducerStats{ShardBytesPerSecond: -1, ShardRecordsPerSecond: -1}
		if got := f.Value(&unlimited); math.IsNaN(got) != strings.HasPrefix(f.Name, "shard.limit.") {
			t.Errorf("%s without limits of shards = %v", f.Name, got)
		}
	}
	for _, f := range kin.OwnedShardFigures() {
		if got := f.Value(&kin.OwnedShard{Lag: -1}); math.IsNaN(got) != (f.Name == "lag") {
			t.Errorf("%s of a shard of unknown lag = %v", f.Name, got)
		}
	}
}

func TestLaneTimeAll(t *testing.T) {
	t.Parallel()
	var spent kin.LaneTime
	of := reflect.ValueOf(&spent).Elem()
	for i := range of.NumField() {
		of.Field(i).SetFloat(float64(i + 1))
	}
	at := 0
	for name, d := range spent.All() {
		if want := strings.ToLower(of.Type().Field(at).Name); name != want || d != kin.Seconds(at+1) {
			t.Errorf("state %d = %s %v, want %s %d", at, name, d, want, at+1)
		}
		at++
	}
	if at != of.NumField() {
		t.Errorf("states = %d, want %d", at, of.NumField())
	}
	for range spent.All() {
		break // ends it
	}
}

func TestBusiest(t *testing.T) {
	t.Parallel()
	var s kin.StreamStats
	for i, bytes := range []uint64{5, 9, 5, 1} {
		s.Shards = append(s.Shards, kin.ShardPutStats{ShardID: kin.ShardID(rune('a' + i)), PutCounts: kin.PutCounts{AcceptedBytes: bytes}})
	}
	for most, want := range map[int]string{-1: "", 0: "", 2: "ba", 4: "bacd", 9: "bacd"} {
		var got []byte
		for _, shard := range s.Busiest(most) {
			got = append(got, shard.ShardID...)
		}
		if string(got) != want {
			t.Errorf("the %d busiest = %s, want %s", most, got, want)
		}
	}
	if s.Busiest(1)[0] != &s.Shards[1] {
		t.Error("the busiest is a copy")
	}
}

func TestExplainer(t *testing.T) {
	t.Parallel()
	var e kin.Explainer
	at := func(uptime, blocked time.Duration) kin.ProducerStats {
		return kin.ProducerStats{Uptime: uptime, BlockedTime: kin.Seconds(blocked.Seconds())}
	}
	for i, step := range []struct {
		stats kin.ProducerStats
		want  kin.Limit
	}{
		{at(500*time.Millisecond, 0), kin.LimitUnknown},
		{at(2*time.Second, 0), kin.LimitCallers},
		{at(2900*time.Millisecond, 900*time.Millisecond), kin.LimitCallers}, // too soon
		{at(3*time.Second, 900*time.Millisecond), kin.LimitBuffer},
		{at(3500*time.Millisecond, 900*time.Millisecond), kin.LimitBuffer},
		{at(5*time.Second, 900*time.Millisecond), kin.LimitCallers},
	} {
		if got := e.Explain(step.stats).Limit; got != step.want {
			t.Errorf("reading %d = %v, want %v", i, got, step.want)
		}
	}
	n := 0
	for l := range kin.Limits() {
		if l != kin.Limit(n) || strings.HasPrefix(l.String(), "Limit(") {
			t.Errorf("limit %d = %v", n, l)
		}
		n++
	}
	if n != int(kin.LimitBuffer)+1 {
		t.Errorf("limits = %d, want %d", n, int(kin.LimitBuffer)+1)
	}
}

func TestHooksThen(t *testing.T) {
	t.Parallel()
	checkThen(t, kin.ProducerHooks.Then)
	checkThen(t, kin.ConsumerHooks.Then)
	checkThen(t, kin.ReaderHooks.Then)
}

// checkThen calls all functions of hooks that are joined.
func checkThen[H any](t *testing.T, then func(H, H) H) {
	t.Helper()
	var called []string
	hooks := func(by string) (h H) {
		for _, field := range reflect.ValueOf(&h).Elem().Fields() {
			field.Set(reflect.MakeFunc(field.Type(), func([]reflect.Value) []reflect.Value {
				called = append(called, by)
				return nil
			}))
		}
		return h
	}
	var none H
	for _, of := range []struct {
		joined H
		want   string
	}{
		{then(hooks("a"), hooks("b")), "ab"}, {then(hooks("a"), none), "a"}, {then(none, hooks("b")), "b"}, {then(none, none), ""},
	} {
		for field, value := range reflect.ValueOf(&of.joined).Elem().Fields() {
			called = nil
			if !value.IsNil() {
				value.Call([]reflect.Value{reflect.Zero(field.Type.In(0))})
			}
			if got := strings.Join(called, ""); got != of.want {
				t.Errorf("%T.%s called %q, want %q", none, field.Name, got, of.want)
			}
		}
	}
}
