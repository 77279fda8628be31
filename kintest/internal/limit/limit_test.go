package limit_test

import (
	"testing"
	"time"

	"github.com/kinstream/kin/kintest/internal/limit"
)

func at(d time.Duration) int64 { return int64(1000*time.Hour + d) }

func TestBucketGivesOneSecondAtOnceThenItsRate(t *testing.T) {
	t.Parallel()
	b := limit.NewBucket(5)
	taken := 0
	for d := time.Duration(0); d < 3*time.Second; d += 10 * time.Millisecond {
		if b.Take(at(d), 1) {
			taken++
		}
	}
	if want := 5 + 14; taken != want {
		t.Errorf("%d taken in 3 s, want %d", taken, want)
	}
}

func TestBucketLetsALargeAmountThroughOnlyWhenFull(t *testing.T) {
	t.Parallel()
	b := limit.NewBucket(100)
	if !b.Take(at(0), 1) || b.Take(at(0), 500) {
		t.Fatal("a large amount was taken from a bucket that was not full")
	}
	if !b.Take(at(10*time.Millisecond), 500) {
		t.Fatal("a large amount was not taken from a full bucket")
	}
	if b.Take(at(4*time.Second), 1) {
		t.Error("the overdraft was forgotten after 4 s")
	}
	if !b.Take(at(4100*time.Millisecond), 1) {
		t.Error("the overdraft is still there after 4.1 s")
	}
}

func TestSpendingMoreThanTheBucketPausesForAllOfIt(t *testing.T) {
	t.Parallel()
	b := limit.NewBucket(2)
	b.Spend(at(0), 10)
	if wait := time.Duration(b.Wait(at(4 * time.Second))); wait < time.Second || wait > time.Second+time.Microsecond {
		t.Errorf("wait after 4 s = %s, want 1 s", wait)
	}
	if b.Ready(at(4999 * time.Millisecond)) {
		t.Error("ready after 4.999 s, want 5 s for 10 at 2 per second")
	}
	if !b.Ready(at(5001*time.Millisecond)) || b.Wait(at(5001*time.Millisecond)) != 0 {
		t.Error("not ready after 5.001 s")
	}
}

func TestBucketIgnoresAClockThatGoesBack(t *testing.T) {
	t.Parallel()
	b := limit.NewBucket(1)
	if !b.Take(at(time.Second), 1) || b.Take(at(0), 1) || b.Take(at(1500*time.Millisecond), 1) {
		t.Error("time that went back gave tokens")
	}
}

func TestWindowSlides(t *testing.T) {
	t.Parallel()
	var w limit.Window
	for i, c := range []struct {
		at   time.Duration
		want bool
	}{{0, true}, {time.Hour, true}, {2 * time.Hour, false}, {24 * time.Hour, true}, {24 * time.Hour, false}, {25 * time.Hour, true}} {
		if got := w.Take(at(c.at), int64(24*time.Hour), 2); got != c.want {
			t.Errorf("step %d at %s: %v, want %v", i, c.at, got, c.want)
		}
	}
}
