package kin

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Position says where reading of a shard begins. Make one with [TrimHorizon],
// [Latest], [AtTimestamp], [AtSequence], [AfterSequence], [AfterSubSequence] or
// [ShardEnd], or take it from [Record.Position]. The zero value is no position;
// a configuration takes it for its default.
//
// Positions are comparable, and their text form ([Position.MarshalText],
// [ParsePosition]) is stable, so that they can be kept in a file or a database.
// The service calls the kinds shard iterator types (API page GetShardIterator).
type Position struct {
	kind positionKind
	seq  SequenceNumber
	sub  int       // only with afterSub
	at   time.Time // only with atTimestamp
}

type positionKind uint8

const (
	noPosition positionKind = iota
	trimHorizon
	latest
	atTimestamp
	atSequence
	afterSequence
	afterSubSequence
	shardEnd
)

// TrimHorizon is the oldest record that the stream still holds.
func TrimHorizon() Position { return Position{kind: trimHorizon} }

// Latest is just after the newest record: only records put from now on are read.
func Latest() Position { return Position{kind: latest} }

// AtTimestamp is the first record that arrived at or after t, in milliseconds,
// by the clock of the service. A time before the trim horizon means the trim
// horizon; a time in the future is refused by the service.
func AtTimestamp(t time.Time) Position {
	return Position{kind: atTimestamp, at: t.UTC().Round(0).Truncate(time.Millisecond)}
}

// AtSequence is the record with sequence number s itself.
func AtSequence(s SequenceNumber) Position { return Position{kind: atSequence, seq: s} }

// AfterSequence is the first record after the one with sequence number s. If that
// one was aggregated, all of its user records count as read.
func AfterSequence(s SequenceNumber) Position { return Position{kind: afterSequence, seq: s} }

// AfterSubSequence is just after the user record with index sub inside the
// aggregated record with sequence number s.
func AfterSubSequence(s SequenceNumber, sub int) Position {
	return Position{kind: afterSubSequence, seq: s, sub: sub}
}

// ShardEnd says that a closed shard has been read to its end. A Reader that is
// resumed with it goes on with the shard's children. KCL stores it as SHARD_END.
func ShardEnd() Position { return Position{kind: shardEnd} }

// IsZero reports whether p is the zero Position.
func (p Position) IsZero() bool { return p == Position{} }

// String returns the text form of p, for example
//
//	TRIM_HORIZON
//	LATEST
//	AT_TIMESTAMP:2026-11-21T10:00:00.123Z
//	AT_SEQUENCE_NUMBER:4966
//	AFTER_SEQUENCE_NUMBER:4966
//	AFTER_SEQUENCE_NUMBER:4966:3
//	SHARD_END
//
// where the last number of the sixth is an index inside an aggregated record. The
// zero Position gives the empty string.
func (p Position) String() string {
	switch p.kind {
	case trimHorizon:
		return textTrimHorizon
	case latest:
		return textLatest
	case atTimestamp:
		return textAtTimestamp + ":" + p.at.Format("2006-01-02T15:04:05.000Z07:00")
	case atSequence:
		return textAtSequence + ":" + string(p.seq)
	case afterSequence:
		return textAfterSequence + ":" + string(p.seq)
	case afterSubSequence:
		return textAfterSequence + ":" + string(p.seq) + ":" + strconv.Itoa(p.sub)
	case shardEnd:
		return textShardEnd
	case noPosition:
	}
	return ""
}

const (
	textTrimHorizon   = "TRIM_HORIZON"
	textLatest        = "LATEST"
	textAtTimestamp   = "AT_TIMESTAMP"
	textAtSequence    = "AT_SEQUENCE_NUMBER"
	textAfterSequence = "AFTER_SEQUENCE_NUMBER"
	textShardEnd      = "SHARD_END"
)

// ParsePosition reads the text form that [Position.String] writes. The empty
// string gives the zero Position.
func ParsePosition(text string) (Position, error) {
	kind, arg, hasArg := strings.Cut(text, ":")
	var p Position
	switch kind {
	case "":
	case textTrimHorizon:
		p = TrimHorizon()
	case textLatest:
		p = Latest()
	case textShardEnd:
		p = ShardEnd()
	case textAtTimestamp:
		at, err := time.Parse(time.RFC3339Nano, arg)
		if err != nil {
			return Position{}, fmt.Errorf("kin: position %q: %w", text, err)
		}
		if year := at.UTC().Year(); year < 0 || year > 9999 {
			return Position{}, fmt.Errorf("kin: position %q: the year %d has no text form", text, year)
		}
		return AtTimestamp(at), nil
	case textAtSequence:
		return sequencePosition(text, arg, AtSequence)
	case textAfterSequence:
		seq, sub, hasSub := strings.Cut(arg, ":")
		if !hasSub {
			return sequencePosition(text, arg, AfterSequence)
		}
		n, err := strconv.Atoi(sub)
		if err != nil || n < 0 {
			return Position{}, fmt.Errorf("kin: position %q: sub-sequence %q is not a number from 0", text, sub)
		}
		return sequencePosition(text, seq, func(s SequenceNumber) Position { return AfterSubSequence(s, n) })
	default:
		return Position{}, fmt.Errorf("kin: position %q: want %s, %s, %s:<RFC 3339 time>, %s:<number>, %s:<number> or %s", text,
			textTrimHorizon, textLatest, textAtTimestamp, textAtSequence, textAfterSequence, textShardEnd)
	}
	if hasArg {
		return Position{}, fmt.Errorf("kin: position %q: %q takes no argument", text, kind)
	}
	return p, nil
}

func sequencePosition(text, number string, position func(SequenceNumber) Position) (Position, error) {
	if !isDecimal(number) {
		return Position{}, fmt.Errorf("kin: position %q: %q is not a sequence number", text, number)
	}
	return position(SequenceNumber(number)), nil
}

// isDecimal says whether s is a number in the service's syntax: 0, or digits
// without a leading zero, at most 129 of them.
func isDecimal(s string) bool {
	if s == "" || len(s) > 129 || (len(s) > 1 && s[0] == '0') {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

// MarshalText implements [encoding.TextMarshaler] with the form of [Position.String].
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] by [ParsePosition].
func (p *Position) UnmarshalText(text []byte) error {
	q, err := ParsePosition(string(text))
	if err != nil {
		return err
	}
	*p = q
	return nil
}
