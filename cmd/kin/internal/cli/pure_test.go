package cli_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/cmd/kin/internal/cli"
)

func TestReshardSteps_never_more_than_double_or_less_than_half(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to int
		want     []int
	}{
		{4, 4, nil},
		{1, 2, []int{2}},
		{4, 5, []int{5}},
		{1, 10, []int{2, 4, 8, 10}},
		{10, 1, []int{5, 3, 2, 1}},
		{7, 3, []int{4, 3}},
	} {
		if got := cli.ReshardSteps(c.from, c.to); !slices.Equal(got, c.want) {
			t.Errorf("steps from %d to %d = %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func TestParseFrom_takes_words_times_ages_and_positions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text     string
		want     kin.Position
		perShard bool
	}{
		{"latest", kin.Latest(), false},
		{"LATEST", kin.Latest(), false},
		{"trim-horizon", kin.TrimHorizon(), false},
		{"TRIM_HORIZON", kin.TrimHorizon(), false},
		{"5m", kin.AtTimestamp(now.Add(-5 * time.Minute)), false},
		{"5m ago", kin.AtTimestamp(now.Add(-5 * time.Minute)), false},
		{"2026-11-21T10:00:00Z", kin.AtTimestamp(now.Add(-2 * time.Hour)), false},
		{"2026-11-21 10:00:00", kin.AtTimestamp(now.Add(-2 * time.Hour)), false},
		{"2026-11-21", kin.AtTimestamp(now.Add(-12 * time.Hour)), false},
		{"AT_TIMESTAMP:2026-11-21T10:00:00Z", kin.AtTimestamp(now.Add(-2 * time.Hour)), false},
		{"AFTER_SEQUENCE_NUMBER:4966", kin.AfterSequence("4966"), true},
		{"AFTER_SEQUENCE_NUMBER:4966:3", kin.AfterSubSequence("4966", 3), true},
		{"AT_SEQUENCE_NUMBER:4966", kin.AtSequence("4966"), true},
	} {
		got, perShard, err := cli.ParseFrom(c.text, now)
		if err != nil || got != c.want || perShard != c.perShard {
			t.Errorf("%q = %v, per shard %v, error %v; want %v, %v", c.text, got, perShard, err, c.want, c.perShard)
		}
	}
	for _, text := range []string{"", "yesterday", "SHARD_END", "2027-01-01T00:00:00Z", "-5m", "AFTER_SEQUENCE_NUMBER:x"} {
		if got, _, err := cli.ParseFrom(text, now); err == nil {
			t.Errorf("%q = %v, want an error", text, got)
		}
	}
}

func TestParseUntil_takes_the_tip_times_and_ages(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text string
		want kin.Stop
	}{
		{"", kin.Stop{}},
		{"tip", kin.AtTip()},
		{"1h", kin.AtTime(now.Add(-time.Hour))},
		{"2026-11-22T10:00:00Z", kin.AtTime(now.Add(22 * time.Hour))},
	} {
		if got, err := cli.ParseUntil(c.text, now); err != nil || got != c.want {
			t.Errorf("%q = %v, %v; want %v", c.text, got, err, c.want)
		}
	}
	if got, err := cli.ParseUntil("soon", now); err == nil {
		t.Errorf("soon = %v, want an error", got)
	}
}

func TestShardTree_draws_splits_and_merges_once_each(t *testing.T) {
	t.Parallel()
	shard := func(id int, parent, adjacent int, start, end string, open bool) types.Shard {
		name := func(n int) *string { return new(fmt.Sprintf("shardId-%012d", n)) }
		s := types.Shard{
			ShardId:             name(id),
			HashKeyRange:        &types.HashKeyRange{StartingHashKey: &start, EndingHashKey: &end},
			SequenceNumberRange: &types.SequenceNumberRange{StartingSequenceNumber: new("1")},
		}
		if parent >= 0 {
			s.ParentShardId = name(parent)
		}
		if adjacent >= 0 {
			s.AdjacentParentShardId = name(adjacent)
		}
		if !open {
			s.SequenceNumberRange.EndingSequenceNumber = new("2")
		}
		return s
	}
	const (
		quarter = "85070591730234615865843651857942052863"
		half    = "170141183460469231731687303715884105727"
		halfUp  = "170141183460469231731687303715884105728"
		quartUp = "85070591730234615865843651857942052864"
		all     = "340282366920938463463374607431768211455"
	)
	got := cli.ShardTree(io.Discard, []types.Shard{
		shard(0, -1, -1, "0", half, false),
		shard(1, -1, -1, halfUp, all, false),
		shard(2, 0, -1, "0", quarter, true),
		shard(3, 0, -1, quartUp, half, false),
		shard(4, 3, 1, quartUp, all, true),
		shard(9, 8, -1, "0", "0", true), // its parent is not listed any more
	})
	want := []string{
		"shardId-000000000000        closed  00000000..7fffffff  50.0 %",
		"├─ shardId-000000000002     open    00000000..3fffffff  25.0 %",
		"└─ shardId-000000000003     closed  40000000..7fffffff  25.0 %",
		"   └─ shardId-000000000004  open    40000000..ffffffff  75.0 %  + shardId-000000000001",
		"shardId-000000000009        open    00000000..00000000   0.0 %  + shardId-000000000008",
		"shardId-000000000001        closed  80000000..ffffffff  50.0 %",
	}
	if !slices.Equal(got, want) {
		t.Errorf("tree =\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReadLines_cuts_only_what_is_too_long(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 600_000) // longer than the buffer
	for _, c := range []struct {
		name, text string
		want       []cli.Line
	}{
		{"no end of the last line", "a\nb", []cli.Line{{1, "a", 0}, {2, "b", 0}}},
		{"line ends of Windows", "a\r\nb\r\n", []cli.Line{{1, "a", 0}, {2, "b", 0}}},
		{"empty lines", "\n\na\n", []cli.Line{{1, "", 0}, {2, "", 0}, {3, "a", 0}}},
		{"nothing", "", nil},
		{"a long line that fits", long + "\nb\n", []cli.Line{{1, long, 0}, {2, "b", 0}}},
		{"a long line that does not", long + long + "\nb\n", []cli.Line{{1, "", 1_200_001}, {2, "b", 0}}},
		{"a long last line that does not", "b\n" + long + long, []cli.Line{{1, "b", 0}, {2, "", 1_200_000}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := cli.ReadLines(strings.NewReader(c.text), 1_000_000)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %d lines, error %v; want %d lines", len(got), err, len(c.want))
			}
		})
	}
	got, err := cli.ReadLines(strings.NewReader("abc\nabcd\nab"), 3)
	if want := []cli.Line{{1, "abc", 0}, {2, "", 4}, {3, "ab", 0}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("with a small limit: %v, %v; want %v", got, err, want)
	}
}

func TestGCPercent_leaves_room_for_garbage_but_little_of_much(t *testing.T) {
	t.Parallel()
	for _, held := range []int64{0, 1 << 20, 100 << 20, 1 << 30, 100 << 30} {
		p := int64(cli.GCPercent(held))
		room := (held + 8<<20) * p / 100
		if room < 31<<20 || room > max(65<<20, held/8) {
			t.Errorf("with %d MB held: %d %%, which is %d MB of garbage", held>>20, p, room>>20)
		}
	}
}

func TestSlack_grows_fast_when_collections_come_thick_and_goes_away_when_not(t *testing.T) {
	t.Parallel()
	slack := int64(0)
	for range 5 {
		slack = cli.SlackAfter(slack, 10)
	}
	if slack < 500<<20 {
		t.Errorf("after half a second of collecting: %d MB, want room for work", slack>>20)
	}
	for range 100 {
		slack = cli.SlackAfter(slack, 1)
	}
	if slack > 4<<20 {
		t.Errorf("after ten quiet seconds: %d MB, want next to none", slack>>20)
	}
}

func TestNumbers_are_written_for_people(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := cli.Thousands(n); got != want {
			t.Errorf("thousands(%d) = %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 5 << 30: "5.0 GiB"} {
		if got := cli.BytesText(n); got != want {
			t.Errorf("bytesText(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestStyle_colours_what_a_terminal_shows(t *testing.T) {
	t.Parallel()
	if got, want := cli.Good(true, "clean"), "\x1b[32mclean\x1b[0m"; got != want {
		t.Errorf("on a terminal it is %q, want %q", got, want)
	}
	if got := cli.Good(false, "clean"); got != "clean" {
		t.Errorf("elsewhere it is %q, want no escape codes", got)
	}
}
