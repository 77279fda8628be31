package outbox_test

import (
	"math"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

func TestPace(t *testing.T) {
	t.Parallel()

	t.Run("allows half a second at once, and the rate from then on", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(1000, 0)
		sent := 0
		for now := time.Duration(0); now <= 10*time.Second; now += 25 * time.Millisecond {
			for p.Take(10, now) {
				sent += 10
			}
		}
		if sent != 10_500 {
			t.Errorf("sent in 10 s = %d, want 10,500", sent)
		}
	})

	t.Run("counts records too, whatever they weigh", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(0, 100)
		for range 50 {
			if !p.Take(1<<20, 0) {
				t.Fatal("a record is not taken, want 50")
			}
		}
		if p.Take(1, 0) {
			t.Error("record 51 is taken")
		}
		if got, want := p.Ready(1, 0), 10*time.Millisecond; got != want {
			t.Errorf("ready at %v, want %v", got, want)
		}
	})

	t.Run("lets what is larger than the bucket go when it is full, and then waits for the debt", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(1000, 0)
		if !p.Take(3000, 0) {
			t.Fatal("not taken with a full bucket")
		}
		if got, want := p.Ready(1, 0), 2501*time.Millisecond; got != want {
			t.Errorf("ready for one byte at %v, want %v", got, want)
		}
		if got, want := p.Ready(3000, 0), 3*time.Second; got != want {
			t.Errorf("ready for another at %v, want %v", got, want)
		}
		if p.Take(3000, 2900*time.Millisecond) || !p.Take(3000, 3*time.Second) {
			t.Error("taken too early, or not in time")
		}
	})

	t.Run("has no more out than the service takes at once, however long calls take", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(1000, 0)
		sent := 0
		for now := time.Duration(0); now <= 10*time.Second; now += 25 * time.Millisecond {
			for p.Send(10, now) {
				sent += 10
			}
		}
		if sent != 1000 {
			t.Fatalf("bytes out = %d, want 1,000: a second's worth", sent)
		}
		now := 10 * time.Second
		if got, want := p.Ready(10, now), now+10*time.Millisecond; got != want {
			t.Errorf("ready at %v, want %v: after 10 bytes' worth of time, if all ends now", got, want)
		}
		for range sent / 10 {
			p.Stored(10, now)
		}
		if p.Send(10, now) {
			t.Error("an entry is sent when all that was out has come to the service just now")
		}
		if got, want := p.Ready(500, now), now+500*time.Millisecond; got != want {
			t.Errorf("ready for 500 bytes at %v, want %v", got, want)
		}
	})

	t.Run("is ready when it says so", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(1<<20, 1000)
		now := time.Duration(0)
		for size := 1; size < 4<<20; size = size*3 + 1 {
			at := p.Ready(size, now)
			if at > now+2*time.Nanosecond && p.Take(size, at-2*time.Nanosecond) {
				t.Errorf("an entry of %d bytes is taken before it is ready", size)
			}
			if !p.Take(size, at) {
				t.Errorf("an entry of %d bytes is not taken when it is ready, at %v", size, at)
			}
			now = at
		}
	})

	t.Run("gives back what is refused, as long as that is little", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(1000, 0)
		for range 5 {
			p.Take(100, 0)
		}
		p.Learn(100, 0, 5, 0, 0)
		taken := 0
		for p.Take(100, 0) {
			taken++
		}
		if taken != 1 {
			t.Errorf("taken again after 5 refusals = %d, want 1: a fifth of the bucket", taken)
		}
	})

	t.Run("without rates takes everything", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(0, 0)
		for range 100_000 {
			if !p.Take(1<<20, 0) {
				t.Fatal("not taken")
			}
		}
	})
}

func TestPaceAdapts(t *testing.T) {
	t.Parallel()
	const second = time.Second
	learn := func(p *outbox.Pace, from, seconds int, stored, refused int) {
		for i := from; i < from+seconds; i++ {
			p.Learn(1000, stored, refused, 0, time.Duration(i)*second)
		}
	}
	near := func(t *testing.T, p *outbox.Pace, want float64) {
		t.Helper()
		if got := p.Factor(); math.Abs(got-want) > 0.001 {
			t.Errorf("factor = %.3f, want %.3f", got, want)
		}
	}
	t.Run("not to chance", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(1<<20, 1000)
		learn(p, 1, 100, 95, 5)
		near(t, p, 1)
		learn(p, 101, 20, 9, 1) // 10 %
		near(t, p, 1)
	})
	t.Run("to what is stored, at once", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(100_000, 1000)
		learn(p, 1, 2, 35, 65) // 70 records of 1 kB in the one second of the window
		near(t, p, 0.70*0.95)
	})
	t.Run("to the half at most in a window, and never below a twentieth", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(1<<20, 1000)
		learn(p, 1, 2, 0, 100)
		near(t, p, 0.5*0.95)
		learn(p, 3, 20, 0, 100)
		near(t, p, 0.05)
	})
	t.Run("and rises again, by a fiftieth a second", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(1<<20, 1000)
		learn(p, 1, 2, 0, 100)
		learn(p, 3, 10, 100, 0)
		near(t, p, 0.475+0.2)
		learn(p, 13, 100, 100, 0)
		near(t, p, 1)
	})
	t.Run("but stays with 7 to 10 % of refusals", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(1<<20, 1000)
		learn(p, 1, 2, 0, 100)
		learn(p, 3, 20, 92, 8)
		near(t, p, 0.475)
	})
	t.Run("not to two refusals of few entries", func(t *testing.T) {
		t.Parallel()
		p := outbox.NewPace(1<<20, 1000)
		p.Learn(1000, 2, 2, 0, second)
		p.Learn(1000, 1, 0, 0, 20*second)
		near(t, p, 1)
	})
}

func TestPacePauses(t *testing.T) {
	t.Parallel()
	p := outbox.NewPace(1<<20, 1000)
	const ms = time.Millisecond
	want := func(until time.Duration) {
		t.Helper()
		if got := p.PausedUntil(); got != until {
			t.Errorf("paused until %v, want %v", got, until)
		}
	}
	p.Learn(1, 9, 1, 0, 100*ms)
	want(150 * ms) // something failed
	p.Learn(1, 0, 3, 0, 120*ms)
	want(150 * ms) // a call of the same time
	for i, pause := range []int{50, 100, 200, 400, 800, 1600, 2000, 2000} {
		now := time.Duration(i+1) * 10 * time.Second
		p.Learn(1, 0, 1, 1, now)
		want(now + time.Duration(pause)*ms) // everything failed, again
	}
	p.Learn(1, 1, 0, 0, 200*time.Second)
	p.Learn(1, 0, 0, 1, 201*time.Second)
	want(201*time.Second + 50*ms) // after a success it begins anew
	p.Learn(1, 0, 1, 0, 202*time.Second)
	want(202*time.Second + 100*ms)
	p.Learn(1, 1, 1, 0, 203*time.Second)
	p.Learn(1, 0, 1, 0, 204*time.Second)
	want(204*time.Second + 50*ms) // also after a success of some
}
