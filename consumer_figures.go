package kin

import (
	"math"
	"time"
)

// OwnedShardFigures returns the figures of a shard that a worker owns. Its counters begin at 0 when it takes the shard.
func OwnedShardFigures() []Figure[OwnedShard] {
	type s = OwnedShard
	return []Figure[OwnedShard]{
		gauge("lag", unitSeconds, "How far the newest page was behind the tip of the shard.", func(s *s) float64 {
			if s.Lag < 0 {
				return math.NaN()
			}
			return s.Lag.Seconds()
		}),
		counter("records", unitRecords, "User records acknowledged since this worker took the shard.",
			func(s *s) float64 { return float64(s.Records) }),
		counter("bytes", unitBytes, "Data and partition keys of user records acknowledged since this worker took the shard.",
			func(s *s) float64 { return float64(s.Bytes) }),
		gauge("unacked.records", unitRecords, "User records delivered, or waiting in lanes, and not acknowledged.",
			func(s *s) float64 { return float64(s.Unacked) }),
		gauge("failures", unitCalls, "Calls of Kinesis that have failed in a row.", func(s *s) float64 { return float64(s.Failures) }),
		gauge("handler_failures", unitCalls, "Times in a row that the handler has failed.",
			func(s *s) float64 { return float64(s.HandlerFailures) }),
		gauge("stuck", unitSeconds, "For how long nothing has moved although something should.", func(s *s) float64 {
			if s.StuckSince.IsZero() {
				return 0
			}
			return time.Since(s.StuckSince).Seconds()
		}),
		gauge("stopping", unitRatio, "1 while the shard is being given up, else 0.", func(s *s) float64 { return truth(s.Stopping) }),
	}
}
