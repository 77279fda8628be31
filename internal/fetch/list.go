package fetch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/retry"
)

// Lister is what [List] calls.
type Lister interface {
	ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error)
}

// ListConfig is what List needs. All fields are required but those that say so.
type ListConfig struct {
	Client   Lister
	Caller   Caller
	Stream   Stream
	Filter   *types.ShardFilter // optional
	Backoff  retry.Backoff
	OnFailed func(Failure) // told about each failed call that is made again

	// First makes failures final that say that the settings are wrong. Without it
	// only those are that the service itself has judged.
	First bool

	// GiveUpAfter is how long calls may fail in a row. 0 means for ever.
	GiveUpAfter time.Duration
}

// Listing is a complete listing of the shards of a stream.
type Listing struct {
	Shards []types.Shard

	// Server and Local are when the first page came, by the clock of the service and
	// by our own. Server is zero if the service did not say.
	Server, Local time.Time
}

// List lists all shards, page by page, and tries again as often as it must. The
// error is that of ctx if that ended, else an [*Error].
func List(ctx context.Context, cfg ListConfig) (Listing, error) {
	var listing Listing
	var token *string
	var failing time.Time
	failures := 0
	refused := false // a token was refused as invalid
	for {
		out, err := listPage(ctx, cfg, token)
		if err == nil {
			if token == nil {
				listing = Listing{Server: ServerTime(out.ResultMetadata), Local: time.Now()}
			}
			failures = 0
			listing.Shards = append(listing.Shards, out.Shards...)
			if token = out.NextToken; token == nil {
				return listing, nil
			}
			continue
		}
		if ctx.Err() != nil {
			return Listing{}, context.Cause(ctx)
		}
		if failures++; failures == 1 {
			failing = time.Now()
		}
		f := describe(err)
		f.Attempt = failures
		if f.Class == Terminal && f.Attempt == 1 && curable(Code(err)) {
			f.Class = Transient
		}
		if token != nil && Code(err) == "InvalidArgumentException" && !refused {
			// A server that was started anew, or that signs tokens with another key by now.
			refused = true
			f.Class = Expired
		}
		if err := cfg.judge(f, time.Since(failing)); err != nil {
			return Listing{}, err
		}
		if f.Class == Expired {
			token = nil // begin again: pages of two listings don't fit together
		}
		f.Wait = cfg.Backoff.Delay(failures)
		cfg.OnFailed(f)
		if err := Sleep(ctx, f.Wait); err != nil {
			return Listing{}, err
		}
	}
}

// judge returns an *Error if there is no point in trying again.
func (cfg ListConfig) judge(f Failure, failing time.Duration) error {
	e := &Error{Op: f.Op, Class: f.Class, Attempts: f.Attempt, Err: f.Err}
	switch {
	case f.Class == NotFound, f.Class == Terminal, f.Class == Unknown && cfg.First:
		return e
	case cfg.GiveUpAfter > 0 && failing >= cfg.GiveUpAfter:
		e.After = failing
		return e
	}
	return nil
}

func listPage(ctx context.Context, cfg ListConfig, token *string) (*kinesis.ListShardsOutput, error) {
	in := &kinesis.ListShardsInput{NextToken: token}
	if token == nil { // a token names the stream and the filter
		in.StreamName, in.StreamARN, in.ShardFilter = cfg.Stream.Name, cfg.Stream.ARN, cfg.Filter
	}
	out, err := Call(ctx, cfg.Caller, "ListShards", cfg.Client.ListShards, in)
	if err != nil {
		return nil, err
	}
	for i := range out.Shards {
		if id := out.Shards[i].ShardId; id == nil || *id == "" {
			return nil, garbled("ListShards", "a shard has no ID")
		}
	}
	if token != nil && out.NextToken != nil && *token == *out.NextToken {
		return nil, garbled("ListShards", "the next token is the one that was used")
	}
	return out, nil
}
