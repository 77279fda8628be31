package kintest

import (
	"fmt"
	"log/slog"
	"regexp"
	"time"
)

// Config says how a [Server] behaves. The zero value is a server for tests: changes
// of streams take effect at once, nothing is throttled, nothing is written to disk.
type Config struct {
	// Region is where requests without one are taken to be from, and where the
	// direct API puts its streams. Defaults to us-east-1.
	Region string

	// Account is the 12-digit account of requests whose credentials name none, and
	// of the direct API. Defaults to 000000000000.
	Account string

	// StateDelay is how long a stream or consumer stays CREATING, UPDATING or
	// DELETING. A reshard takes effect at its end, as with the service. Zero means
	// that changes are done before the call is answered. The direct API never waits.
	StateDelay time.Duration

	// Limits are the throughput limits and quotas. The zero value enforces none;
	// [ServiceLimits] returns those of the service.
	Limits Limits

	// Dir is the directory in which streams and records are kept between runs; it is
	// made if it is not there. [NewServer] reads it into memory, and from then on every
	// change is in its files before the call that makes it is answered, so that it
	// survives the end of the process, kill -9 included. Only one server can use a
	// directory at a time. Empty means memory only.
	Dir string

	// Sync makes every change wait until the disk has it, so that it survives a power
	// failure, too. It makes calls as slow as the disk's fsync. Only with Dir.
	Sync bool

	// Logger receives what nobody can be told otherwise. Nil means no log.
	Logger *slog.Logger

	// MaxBytes bounds the payload held in memory, keys included, for all streams
	// together. Beyond it the oldest records are dropped in blocks, as if their
	// retention had passed; [Stats] counts them. Zero means no bound.
	MaxBytes int64

	// IteratorTTL is how long a shard iterator can be used. Defaults to 5 minutes.
	IteratorTTL time.Duration

	// NextTokenTTL is how long a NextToken of a list can be used. Defaults to 300
	// seconds.
	NextTokenTTL time.Duration

	// SubscriptionTTL is when a subscription ends and has to be renewed. Defaults to
	// 5 minutes.
	SubscriptionTTL time.Duration

	// HeartbeatEvery is how often a subscription without records sends an event, to
	// show that it is alive. Defaults to 5 seconds.
	HeartbeatEvery time.Duration

	// TakeoverAfter is the age that a subscription must have before another one may
	// replace it; until then the other is refused. Defaults to 5 seconds; -1 means
	// that a new subscription always replaces the old one.
	TakeoverAfter time.Duration

	segmentBytes int64 // of the files in Dir; 0 is the default. For tests.
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

// withDefaults checks c and fills in what is zero.
func (c Config) withDefaults() (Config, error) {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Account == "" {
		c.Account = "000000000000"
	}
	if !accountPattern.MatchString(c.Account) {
		return c, fmt.Errorf("kintest: Config.Account (%q) must have 12 digits", c.Account)
	}
	if c.MaxBytes < 0 {
		return c, fmt.Errorf("kintest: Config.MaxBytes (%d) must not be negative", c.MaxBytes)
	}
	if c.StateDelay < 0 {
		return c, fmt.Errorf("kintest: Config.StateDelay (%s) must not be negative", c.StateDelay)
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
		none  bool // -1 is allowed
	}{
		{"IteratorTTL", &c.IteratorTTL, 5 * time.Minute, false},
		{"NextTokenTTL", &c.NextTokenTTL, 300 * time.Second, false},
		{"SubscriptionTTL", &c.SubscriptionTTL, 5 * time.Minute, false},
		{"HeartbeatEvery", &c.HeartbeatEvery, 5 * time.Second, false},
		{"TakeoverAfter", &c.TakeoverAfter, 5 * time.Second, true},
	} {
		if *d.value < 0 && (!d.none || *d.value != -1) {
			return c, fmt.Errorf("kintest: Config.%s (%s) must not be negative", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := c.Limits.check(); err != nil {
		return c, err
	}
	return c, nil
}
