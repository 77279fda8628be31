package fetch

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/pace"
	"github.com/kinstream/kin/internal/retry"
)

// Client is what a Shard calls.
type Client interface {
	GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error)
	GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error)
}

// Start is a position in a shard in the service's terms.
type Start struct {
	Type     types.ShardIteratorType
	Sequence string    // with AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER
	Time     time.Time // with AT_TIMESTAMP
}

// Config is what a Shard needs. All fields are required but those that say so.
type Config struct {
	Client   Client
	Caller   Caller
	Stream   Stream
	ID       string // of the shard
	Start    Start
	Limit    int32 // records per call
	Pace     pace.Config
	Backoff  retry.Backoff
	Budget   *Budget
	OnFailed func(Failure) // told about each failed call that is made again

	// LatestUntil makes the first iterator one of type LATEST instead of Start, if
	// it is asked for before then. Optional.
	LatestUntil time.Time

	// GiveUpAfter is how long calls may fail in a row. 0 means for ever.
	GiveUpAfter time.Duration

	// Patience is how long the Budget may stand still until small pages are taken beyond it, so
	// that a shard does not depend on others that hold it all and don't get on. 0 means for
	// ever.
	Patience time.Duration
}

// Page is one answer of GetRecords.
type Page struct {
	Records []types.Record // each with a sequence number

	// Held is what the page has taken from the Budget; Forced says that it was by Force. The
	// receiver gives it back.
	Held   int
	Forced bool

	Lag    time.Duration // behind the tip; -1 if the service did not say
	AtTip  bool          // nothing more was to be had
	Server time.Time     // when the service answered, by its clock; zero if it did not say

	Ended    bool // the shard has no more records and never will
	Children []types.ChildShard
}

// Shard reads one shard. It is not safe for concurrent use. Make one with [NewShard].
type Shard struct {
	cfg      Config
	position Start
	iterator *string   // nil: to be asked for
	expires  time.Time // when iterator is too old to be used

	due      time.Time // no call before
	pace     pace.State
	failures int       // in a row, since the last answer of GetRecords
	failing  time.Time // when the first of them happened
	refused  bool      // an iterator was refused as invalid since the last answer
	last     traffic
	small    bool // the budget stood still when it was last needed
}

// NewShard returns a Shard that begins at cfg.Start.
func NewShard(cfg Config) *Shard {
	s := &Shard{cfg: cfg, position: cfg.Start}
	s.last.tip = !cfg.LatestUntil.IsZero() // few records are there just after the tip
	return s
}

// Next returns the next page, which may be empty. It waits, renews and tries again as
// often as it must. The error is that of ctx if that ended, else an [*Error].
// After a page that is Ended there is no next page. After an *Error the caller may wait, for
// whatever has to be put right, and call Next again: it goes on from the same position.
func (s *Shard) Next(ctx context.Context) (Page, error) {
	for {
		if err := Sleep(ctx, time.Until(s.due)); err != nil {
			return Page{}, err
		}
		page, err := s.step(ctx)
		if err == nil {
			return page, nil
		}
		if ctx.Err() != nil {
			return Page{}, context.Cause(ctx)
		}
		if err := s.failed(err); err != nil {
			return Page{}, err
		}
	}
}

// step makes the calls that lead to one page. The error is a *callError, or that of ctx.
func (s *Shard) step(ctx context.Context) (Page, error) {
	if s.iterator == nil {
		if err := s.renew(ctx); err != nil {
			return Page{}, err
		}
	}
	return s.read(ctx)
}

func (s *Shard) renew(ctx context.Context) error {
	in := &kinesis.GetShardIteratorInput{ShardId: &s.cfg.ID, ShardIteratorType: s.position.Type}
	in.StreamName, in.StreamARN = s.cfg.Stream.Name, s.cfg.Stream.ARN
	switch s.position.Type {
	case types.ShardIteratorTypeAtSequenceNumber, types.ShardIteratorTypeAfterSequenceNumber:
		in.StartingSequenceNumber = &s.position.Sequence
	case types.ShardIteratorTypeAtTimestamp:
		in.Timestamp = &s.position.Time
	case types.ShardIteratorTypeTrimHorizon, types.ShardIteratorTypeLatest:
	}
	if time.Now().Before(s.cfg.LatestUntil) {
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeLatest, nil
	}
	s.cfg.LatestUntil = time.Time{} // once
	out, err := Call(ctx, s.cfg.Caller, "GetShardIterator", s.cfg.Client.GetShardIterator, in)
	if err != nil {
		return err
	}
	if out.ShardIterator == nil || *out.ShardIterator == "" {
		return garbled("GetShardIterator", "the answer has no iterator")
	}
	s.use(out.ShardIterator)
	return nil
}

// iteratorLife is how long an iterator is used. The service lets it live for 5 minutes.
const iteratorLife = 4*time.Minute + 30*time.Second

// use makes iterator the next one, which has just been given.
func (s *Shard) use(iterator *string) {
	s.iterator = iterator
	s.expires = time.Now().Add(iteratorLife)
}

func (s *Shard) read(ctx context.Context) (Page, error) {
	taken, err := s.take(ctx)
	if err != nil {
		return Page{}, err
	}
	out, err := s.call(ctx, taken.limit)
	if err != nil {
		taken.settle(s.cfg.Budget, 0)
		return Page{}, err
	}
	page, payload := newPage(out, taken.limit)
	page.Forced = taken.forced
	taken.settle(s.cfg.Budget, page.Held)
	s.last = traffic{at: s.due, held: page.Held, records: len(page.Records), limit: taken.limit, tip: page.AtTip}
	s.answered(out, page, payload)
	return page, nil
}

// taken is what was taken from the Budget for a call.
type taken struct {
	limit  int32 // of records
	bytes  int
	forced bool
}

// settle replaces what was taken by what came.
func (t taken) settle(b *Budget, came int) {
	if t.forced {
		b.Force(came - t.bytes)
		return
	}
	b.Settle(t.bytes, came)
}

// take takes from the Budget what the next page is expected to hold. If the Budget stands
// still, that page is to be a small one, and so are those after it until a whole one fits
// again.
func (s *Shard) take(ctx context.Context) (taken, error) {
	whole := taken{limit: s.cfg.Limit, bytes: s.last.expect(time.Now(), s.cfg.Limit)}
	if s.small && s.cfg.Budget.Try(whole.bytes) {
		s.small = false
		return whole, nil
	}
	if !s.small {
		ok, err := s.cfg.Budget.TakeOr(ctx, whole.bytes, s.cfg.Patience)
		if ok || err != nil {
			return whole, err
		}
		s.small = true
	}
	var few taken
	few.limit, few.bytes = s.last.few(s.cfg.Limit)
	ok, err := s.cfg.Budget.TakeOr(ctx, few.bytes, s.cfg.Patience)
	if ok || err != nil {
		return few, err
	}
	few.forced = true
	s.cfg.Budget.Force(few.bytes)
	return few, nil
}

// call makes the call of GetRecords. An iterator that got too old in the queue of the
// budget is renewed here, without leaving the queue: a shard that went back to its end
// each time would never have its turn while the others take longer than an iterator lives.
func (s *Shard) call(ctx context.Context, limit int32) (*kinesis.GetRecordsOutput, error) {
	if !time.Now().Before(s.expires) {
		if err := s.renew(ctx); err != nil {
			return nil, err
		}
	}
	s.due = time.Now() // for the waits that count from here
	out, err := Call(ctx, s.cfg.Caller, "GetRecords", s.cfg.Client.GetRecords, &kinesis.GetRecordsInput{
		ShardIterator: s.iterator, StreamARN: s.cfg.Stream.ARN, Limit: &limit,
	})
	if err == nil {
		err = check(out)
	}
	return out, err
}

// answered moves the position and sets when the next call is due.
func (s *Shard) answered(out *kinesis.GetRecordsOutput, page Page, payload int) {
	if n := len(page.Records); n > 0 {
		s.position = Start{
			Type:     types.ShardIteratorTypeAfterSequenceNumber,
			Sequence: strings.Clone(*page.Records[n-1].SequenceNumber), // the original keeps the whole answer in memory
		}
	}
	s.iterator = nil
	if !page.Ended {
		s.use(new(strings.Clone(*out.NextShardIterator))) // likewise
	}
	s.failures, s.refused = 0, false
	answer := pace.Answer{Records: len(page.Records), Bytes: payload, AtTip: page.AtTip}
	var wait time.Duration
	s.pace, wait = s.cfg.Pace.Answered(s.pace, answer, rand.Float64())
	s.due = s.due.Add(wait)
}

// failed decides what follows a failed call. It returns an *Error if nothing can.
func (s *Shard) failed(err error) error {
	f := s.describe(err)
	if f.Class == NotFound || f.Class == Terminal {
		return &Error{Op: f.Op, Class: f.Class, Attempts: f.Attempt, Err: f.Err}
	}
	if s.failures == 0 {
		s.failing = time.Now()
	}
	s.failures++
	now := time.Now()
	if s.cfg.GiveUpAfter > 0 && now.Sub(s.failing) >= s.cfg.GiveUpAfter {
		return &Error{Op: f.Op, Class: f.Class, Attempts: f.Attempt, After: now.Sub(s.failing), Err: f.Err}
	}
	if f.Class == Throttled {
		s.pace, f.Wait = s.cfg.Pace.Throttled(s.pace, rand.Float64())
	} else {
		f.Wait = s.cfg.Backoff.Delay(s.failures)
	}
	s.due = now.Add(f.Wait)
	s.cfg.OnFailed(f)
	return nil
}

// describe says what a failed call means, and drops an iterator that is of no use
// any more.
func (s *Shard) describe(err error) Failure {
	f := describe(err)
	f.Attempt = s.failures + 1
	if f.Class == Terminal && f.Attempt == 1 && curable(Code(err)) {
		f.Class = Transient
	}
	if f.Op != "GetRecords" {
		return f
	}
	if Code(err) == "InvalidArgumentException" && !s.refused {
		// The only argument that can be wrong is the iterator: a server that was
		// started anew, or that signs iterators with another key by now. If a new
		// one is refused as well, it is something else.
		s.refused = true
		f.Class = Expired
	}
	if f.Class == Expired {
		s.iterator = nil
	}
	return f
}

// Sleep waits, or returns why ctx ended.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
