package cli

import (
	"context"
	"errors"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/fetch"
)

// loadRun puts generated records through a producer.
type loadRun struct {
	name, stream string
	source       *loadSource
	meter        *putMeter
	producer     *kin.Producer
	explainer    *explainer
	perSecond    float64 // 0 = as fast as the stream takes it
	count        int64   // of records; 0 = no bound
}

// all puts records for a duration, or until ctx ends if it is 0, and waits for the answers of all that were
// accepted. The meter has begun. It returns the first error that every other record would meet too.
func (r *loadRun) all(ctx context.Context, duration time.Duration) error {
	putting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.meter.fatal = stop
	limited := putting
	if duration > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(putting, duration)
		defer cancel()
	}
	err := r.generate(limited)
	r.meter.end()
	if closeErr := closeProducer(ctx, r.producer); err == nil {
		err = closeErr
	}
	if fatal := context.Cause(putting); fatal != nil && ctx.Err() == nil {
		return fatal
	}
	return err
}

// generate puts records until ctx ends or there are enough. What is wrong with a record alone is counted.
func (r *loadRun) generate(ctx context.Context) error {
	pace := newLoadPace(r.perSecond, r.meter.start)
	for ctx.Err() == nil && (r.count == 0 || r.meter.made.Load() < r.count) {
		made, wait := pace.next(time.Now())
		if wait > 0 {
			if err := fetch.Sleep(ctx, wait); err != nil {
				return nil //nolint:nilerr // the time is over
			}
			continue
		}
		rec := r.source.next(made)
		n, size := r.source.n, r.source.size
		err := r.producer.PutAsync(ctx, rec, func(_ kin.PutResult, err error) { r.meter.answered(n, size, made, err) })
		switch {
		case err == nil:
			if r.meter.made.Add(1) == 1 {
				awaitShards(ctx, r.producer)
			}
		case errors.Is(err, kin.ErrInvalidRecord):
			r.meter.made.Add(1)
			r.meter.failed(int(n), kindInvalid, reason(err))
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it waited for room until the end, and is none of the run
		default:
			return err
		}
	}
	return nil
}

func (r *loadRun) figures() putFigures { return r.meter.figures(r.source.run) }

// loadPace says when records are due.
type loadPace struct {
	start    time.Time
	interval float64 // between records, in nanoseconds; 0 = none
	due      float64 // of the next record, in nanoseconds after start
}

func newLoadPace(perSecond float64, start time.Time) *loadPace {
	p := &loadPace{start: start}
	if perSecond > 0 {
		p.interval = float64(time.Second) / perSecond
	}
	return p
}

const (
	// paceTick is the shortest wait: records that are due in the meantime come together.
	paceTick = time.Millisecond

	// paceLate is how late a record may be without being waited for: a tick, and what the system adds.
	paceLate = 5 * time.Millisecond

	// paceDebt is how far a run catches up. What could not be put for longer is left out, and the rate
	// is not reached.
	paceDebt = time.Second
)

// next says how long to wait for the next record, or if not at all, when it was made: now, or when it was due
// if something has held it up.
func (p *loadPace) next(now time.Time) (made time.Time, wait time.Duration) {
	if p.interval == 0 {
		return now, 0
	}
	elapsed := now.Sub(p.start)
	late := elapsed - time.Duration(p.due)
	if late < 0 {
		return now, max(-late, paceTick)
	}
	if late > paceDebt {
		late = paceDebt
		p.due = float64(elapsed - paceDebt)
	}
	p.due += p.interval
	if late > paceLate {
		return now.Add(-late), 0
	}
	return now, 0
}
