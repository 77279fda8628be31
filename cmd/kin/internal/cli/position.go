package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/kinstream/kin"
)

const fromHint = "use trim-horizon, latest, a time such as 2026-11-21T10:00:00Z, an age such as 5m, or the position of a record"

// parseFrom reads where to begin: a word, a time, an age, or the text of a
// position as kin prints it. perShard says that the position has a meaning in
// one shard only.
func parseFrom(text string, now time.Time) (p kin.Position, perShard bool, err error) {
	switch strings.ToLower(strings.ReplaceAll(text, "_", "-")) {
	case "trim-horizon":
		return kin.TrimHorizon(), false, nil
	case "latest":
		return kin.Latest(), false, nil
	}
	if t, ok := parseTime(text, now); ok {
		if t.After(now) {
			return p, false, usageErr(fmt.Sprintf("--from %s is in the future", text), "to wait for what comes, use latest")
		}
		return kin.AtTimestamp(t), false, nil
	}
	p, err = kin.ParsePosition(text)
	if err != nil || p.IsZero() {
		return p, false, usageErr(fmt.Sprintf("--from %q is no position", text), fromHint)
	}
	isTime := strings.HasPrefix(p.String(), "AT_TIMESTAMP:")
	if p == kin.ShardEnd() {
		return p, false, usageErr("--from SHARD_END: there is nothing after the end of a shard", fromHint)
	}
	return p, !isTime, nil
}

// parseUntil reads where to stop: at the tip as it is at the start, or at a time.
func parseUntil(text string, now time.Time) (kin.Stop, error) {
	if text == "" {
		return kin.Stop{}, nil
	}
	if strings.EqualFold(text, "tip") {
		return kin.AtTip(), nil
	}
	if t, ok := parseTime(text, now); ok {
		return kin.AtTime(t), nil
	}
	return kin.Stop{}, usageErr(fmt.Sprintf("--until %q is neither tip nor a time", text), "use tip, a time such as 2026-11-21T10:00:00Z, or an age such as 5m")
}

// parseTime reads a time with its zone, a local date with or without a time, or
// an age: "5m", "5m ago".
func parseTime(text string, now time.Time) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, true
	}
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, true
		}
	}
	age, err := time.ParseDuration(strings.TrimSpace(strings.TrimSuffix(text, "ago")))
	if err != nil || age < 0 {
		return time.Time{}, false
	}
	return now.Add(-age), true
}
