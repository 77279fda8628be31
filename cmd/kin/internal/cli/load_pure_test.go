package cli_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
)

func TestProducerFlags_say_what_the_producer_does(t *testing.T) {
	t.Parallel()
	const none = -1
	for _, want := range []struct {
		args    string
		foreign bool
		linger  time.Duration
		pace    int
	}{
		{"", false, 10 * time.Millisecond, 0},
		{"", true, 10 * time.Millisecond, none},
		{"--linger 0", false, none, 0},
		{"--linger 1s --pace none", false, time.Second, none},
		{"--aggregate key --pace service", true, 100 * time.Millisecond, 0},
		{"--aggregate shard --linger 0", true, none, none},
	} {
		got, err := cli.ProducerConfig(want.foreign, strings.Fields(want.args)...)
		if err != nil || got.Linger != want.linger || got.ShardBytesPerSecond != want.pace || got.ShardRecordsPerSecond != want.pace {
			t.Errorf("%q at a foreign endpoint (%v) = %+v, %v", want.args, want.foreign, got, err)
		}
	}
}

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"max": 0, "MAX": 0, "500": 500, "500/s": 500, " 0.5/s": 0.5, "1e3": 1000,
		"1MiB/s": 1024, "2 MB/s": 2e6 / 1024, "10kB": 10_000 / 1024.0, "1024B/s": 1,
	} {
		if got, err := cli.ParseRate(text, 1024); err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "fast", "1/m", "NaN", "Inf", "1e10", "1e-9", "0x10", "1 s"} {
		if got, err := cli.ParseRate(text, 1024); err == nil {
			t.Errorf("ParseRate(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"100": 100, "1KiB": 1024, "1.5 KB": 1500, "10MiB": 10 << 20} {
		if got, err := cli.ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1", "-100", "11MiB", "big", "1e400"} {
		if got, err := cli.ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %v, want an error", text, got)
		}
	}
}

func TestLoadRecords_say_which_they_are(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_763_752_203, 123_456_789)
	for _, size := range []int{cli.LoadMinBytes, 100, 1 << 20} {
		run, recs := cli.LoadRecords(3, size, 5, 0, now)
		for i, rec := range recs {
			got, n, made, ok := cli.ParseLoad(rec.Data)
			if !ok || got != run || n != int64(i+1) || !made.Equal(now) || len(rec.Data) != size {
				t.Errorf("record %d of %d bytes = %q, %d, %v, %v, %d bytes", i, size, got, n, made, ok, len(rec.Data))
			}
			var object struct {
				Load string `json:"load"`
				N    int64  `json:"n"`
				T    int64  `json:"t"`
				Pad  string `json:"pad"`
			}
			if err := json.Unmarshal(rec.Data, &object); err != nil || object.N != n || object.T != now.UnixNano() {
				t.Errorf("as JSON = %+v, %v", object, err)
			}
		}
	}
}

func FuzzParseLoad(f *testing.F) {
	_, recs := cli.LoadRecords(1, 100, 1, 0, time.Unix(1, 2))
	f.Add(recs[0].Data)
	f.Add([]byte(`{"load":"aaaaaaaa","n":9999999999999999999,"t":1,"pad":""}`))
	f.Add([]byte(`{"load":"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, n, _, ok := cli.ParseLoad(data)
		if ok && (n < 1 || len(run) != 8 || !strings.Contains(string(data), run)) {
			t.Errorf("ParseLoad(%q) = %q, %d", data, run, n)
		}
	})
}

func TestLoadKeys_follow_the_skew(t *testing.T) {
	t.Parallel()
	const records, keys = 50_000, 10
	for _, skew := range []float64{0, 1} {
		_, recs := cli.LoadRecords(records, 100, keys, skew, time.Now())
		counts := map[string]float64{}
		for _, rec := range recs {
			counts[rec.PartitionKey]++
		}
		sum := 0.0
		for i := range keys {
			sum += math.Pow(float64(i+1), -skew)
		}
		for i, name := range []string{"key-000001", "key-000002"} {
			want := records * math.Pow(float64(i+1), -skew) / sum
			if got := counts[name]; math.Abs(got-want) > 8*math.Sqrt(want) || len(counts) != keys {
				t.Errorf("skew %v: %s has %v of %d records, want about %.0f; %d keys, want %d", skew, name, got, records, want, len(counts), keys)
			}
		}
	}
}

func TestDelays_are_off_by_a_sixteenth_at_most(t *testing.T) {
	t.Parallel()
	last := uint64(0)
	for v := uint64(0); v < 1<<62; v += v/8 + 1 {
		above, upTo := cli.DelayStep(v)
		if v < above || v > upTo || float64(upTo-above) > float64(v)/16+1 {
			t.Fatalf("step of %d = %d to %d", v, above, upTo)
		}
		if above < last {
			t.Fatalf("step of %d begins at %d, before %d", v, above, last)
		}
		last = above
	}
	var all []time.Duration
	for i := range 1000 {
		all = append(all, time.Duration(i+1)*time.Millisecond)
	}
	p50, p99, longest := cli.Quantiles(all)
	if p50 < 500 || p50 > 532 || p99 < 990 || p99 > 1000 || longest != 1000 {
		t.Errorf("quantiles of 1 to 1000 ms = %v, %v, %v", p50, p99, longest)
	}
	if p50, p99, longest := cli.Quantiles(nil); p50+p99+longest != 0 {
		t.Errorf("quantiles of nothing = %v, %v, %v", p50, p99, longest)
	}
}

func TestPace_keeps_the_rate_and_catches_up_for_a_second(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	// 100 a second: one in 10 ms, the first at once.
	got := cli.Pace(100, 0, 0, 9*ms, 10*ms, 12*ms, 21*ms, 46*ms, 46*ms, 46*ms)
	if want := []time.Duration{0, -1, -1, 10 * ms, -1, 21 * ms, 30 * ms, 40 * ms, -1}; !slices.Equal(got, want) {
		t.Errorf("made = %v, want %v", got, want)
	}
	late := cli.Pace(1, 10*time.Second, 10*time.Second, 10*time.Second)
	if want := []time.Duration{9 * time.Second, 10 * time.Second, -1}; !slices.Equal(late, want) {
		t.Errorf("after ten seconds made = %v, want %v", late, want)
	}
	if free := cli.Pace(0, 5*ms, 5*ms); !slices.Equal(free, []time.Duration{5 * ms, 5 * ms}) {
		t.Errorf("without a rate made = %v", free)
	}
}
