package kin_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin"
)

func TestPositionText(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 12, 0, 0, 123_999_999, time.FixedZone("", 2*60*60))
	for want, position := range map[string]kin.Position{
		"":                                      {},
		"TRIM_HORIZON":                          kin.TrimHorizon(),
		"LATEST":                                kin.Latest(),
		"SHARD_END":                             kin.ShardEnd(),
		"AT_SEQUENCE_NUMBER:0":                  kin.AtSequence("0"),
		"AFTER_SEQUENCE_NUMBER:4966":            kin.AfterSequence("4966"),
		"AFTER_SEQUENCE_NUMBER:4966:0":          kin.AfterSubSequence("4966", 0),
		"AFTER_SEQUENCE_NUMBER:4966:3":          kin.AfterSubSequence("4966", 3),
		"AT_TIMESTAMP:2026-11-21T10:00:00.123Z": kin.AtTimestamp(at),
		"AT_SEQUENCE_NUMBER:" + strings.Repeat("9", 129):          kin.AtSequence(kin.SequenceNumber(strings.Repeat("9", 129))),
		"AFTER_SEQUENCE_NUMBER:1" + strings.Repeat("0", 128):      kin.AfterSequence(kin.SequenceNumber("1" + strings.Repeat("0", 128))),
		"AFTER_SEQUENCE_NUMBER:" + strings.Repeat("8", 56) + ":9": kin.AfterSubSequence(kin.SequenceNumber(strings.Repeat("8", 56)), 9),
	} {
		if got := position.String(); got != want {
			t.Errorf("String = %q, want %q", got, want)
		}
		if got, err := kin.ParsePosition(want); err != nil || got != position {
			t.Errorf("ParsePosition(%q) = %v, %v; want %v", want, got, err, position)
		}
		var got kin.Position
		text, err := json.Marshal(position)
		if err != nil || json.Unmarshal(text, &got) != nil || got != position {
			t.Errorf("%v came back from JSON as %v", position, got)
		}
	}
}

func TestParsePositionRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"EARLIEST":                               "want TRIM_HORIZON, LATEST",
		"latest":                                 "want TRIM_HORIZON, LATEST",
		"LATEST:":                                `"LATEST" takes no argument`,
		"SHARD_END:4":                            `"SHARD_END" takes no argument`,
		":":                                      "takes no argument",
		"AT_TIMESTAMP":                           "cannot parse",
		"AT_TIMESTAMP:yesterday":                 "cannot parse",
		"AT_TIMESTAMP:9999-12-31T23:00:00-02:00": "year",
		"AT_SEQUENCE_NUMBER":                     `"" is not a sequence number`,
		"AT_SEQUENCE_NUMBER:07":                  `"07" is not a sequence number`,
		"AT_SEQUENCE_NUMBER:-7":                  `"-7" is not a sequence number`,
		"AFTER_SEQUENCE_NUMBER:7x":               `"7x" is not a sequence number`,
		"AFTER_SEQUENCE_NUMBER:7:":               `sub-sequence "" is not a number from 0`,
		"AFTER_SEQUENCE_NUMBER:7:-1":             `sub-sequence "-1" is not a number from 0`,
		"AFTER_SEQUENCE_NUMBER::1":               `"" is not a sequence number`,
		"AT_SEQUENCE_NUMBER:" + strings.Repeat("9", 130): "is not a sequence number",
	} {
		if p, err := kin.ParsePosition(text); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "kin: position ") {
			t.Errorf("ParsePosition(%q) = %v, %v; want an error that says %q", text, p, err, want)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, text := range []string{"", "LATEST", "AFTER_SEQUENCE_NUMBER:4966:3", "AT_TIMESTAMP:2026-11-21T10:00:00.123Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := kin.ParsePosition(text)
		if err != nil {
			return
		}
		if again, err := kin.ParsePosition(p.String()); err != nil || again != p {
			t.Errorf("%q gives %q, which gives %v, %v", text, p, again, err)
		}
	})
}

func TestSequenceNumbersCompareAsNumbers(t *testing.T) {
	t.Parallel()
	ascending := []kin.SequenceNumber{"", "0", "1", "9", "10", "99", "100", kin.SequenceNumber(strings.Repeat("9", 56))}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := a.Compare(b); got != want {
				t.Errorf("%q.Compare(%q) = %d, want %d", a, b, got, want)
			}
		}
	}
	if got := kin.SequenceNumber("007").Compare("7"); got != 0 {
		t.Errorf("007 against 7 = %d, want 0", got)
	}
}
