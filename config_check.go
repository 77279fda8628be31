package kin

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// What the settings of a Reader and of a Producer have in common. Fields are named
// with their struct.

var (
	streamName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)
	streamARN  = regexp.MustCompile(`^arn:aws[^:]*:kinesis:[^:]+:[0-9]{12}:stream/[a-zA-Z0-9_.-]{1,128}$`)
)

// checkStream checks the name or the ARN of a stream.
func checkStream(field, stream string) error {
	if stream == "" {
		return fmt.Errorf("kin: %s is empty", field)
	}
	if !streamName.MatchString(stream) && !streamARN.MatchString(stream) {
		return fmt.Errorf("kin: %s (%q) is neither the name nor the ARN of a stream", field, stream)
	}
	return nil
}

// bounded fills a field that is 0 with its default, and checks that it is from low to
// high or one of the special values.
func bounded[T int | float64 | time.Duration](field string, value *T, preset, low, high T, special ...T) error {
	if *value == 0 {
		*value = preset
	}
	if slices.Contains(special, *value) || (*value >= low && *value <= high) {
		return nil
	}
	var or string
	if len(special) > 0 {
		or = ", or -1 for none"
	}
	return fmt.Errorf("kin: %s (%v) must be from %v to %v%s", field, *value, low, high, or)
}
