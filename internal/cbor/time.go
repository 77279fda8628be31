package cbor

import "math"

// minMillis tells seconds from milliseconds. Numbers from here on count
// milliseconds (this is March 1973), smaller ones seconds (up to the year 5138).
// Kinesis has no record from before 2013, so nothing that it sends is ambiguous.
const minMillis = 100_000_000_000

// maxMillis is the last millisecond that a count of nanoseconds can hold (the
// year 2262), which is how the SDK makes a time.Time of it.
const maxMillis = math.MaxInt64 / 1_000_000

// Time reads a point in time, in milliseconds since 1970. It takes what Kinesis
// and its Java clients write (tag 1 with an integer count of milliseconds), what
// the RFC says (seconds, as an integer or with a fraction), and both without the tag.
// Fractions of a millisecond are cut off, as the SDK does. Numbers that no
// time.Time of the SDK can hold are [ErrRange].
func (r *Reader) Time() (int64, error) {
	if r.Kind() == KindTag {
		at := *r
		tag, err := r.Tag()
		if err != nil {
			return 0, err
		}
		if tag != tagEpoch {
			*r = at
			return 0, ErrType
		}
	}
	if r.Kind() == KindInt {
		n, err := r.Int()
		if err != nil {
			return 0, err
		}
		if -minMillis < n && n < minMillis {
			n *= 1000
		}
		if n < -maxMillis || n > maxMillis {
			return 0, ErrRange
		}
		return n, nil
	}
	f, err := r.Float()
	if err != nil {
		return 0, err
	}
	if math.Abs(f) < minMillis {
		f *= 1000
	}
	if !(math.Abs(f) <= maxMillis) { // also refuses NaN
		return 0, ErrRange
	}
	return int64(f), nil
}
