package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/cmd/kin/internal/term"
)

// putTally counts what became of the lines. Its methods may be called from
// several goroutines.
type putTally struct {
	failureTally

	start time.Time
	fatal context.CancelCauseFunc // ends the reading; set before the first line

	mu     sync.Mutex // guards the fields below
	lines  int
	stored int
	bytes  int64
}

func newPutTally() *putTally { return &putTally{start: time.Now()} }

func (t *putTally) saw() {
	t.mu.Lock()
	t.lines++
	t.mu.Unlock()
}

func (t *putTally) seen() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lines
}

// answered takes the answer for the record of a line.
func (t *putTally) answered(number, size int, err error) {
	if err == nil {
		t.mu.Lock()
		t.stored++
		t.bytes += int64(size)
		t.mu.Unlock()
		return
	}
	t.failed(number, kindOf(err), reason(err))
	if !concernsOneRecord(err) {
		t.fatal(err)
	}
}

type putResult struct {
	Lines     int     `json:"lines"`
	Put       int     `json:"put"`
	Failed    int     `json:"failed"`
	Bytes     int64   `json:"bytes"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"records_per_second"`

	// As the service counts: an aggregate is one.
	Entries   uint64 `json:"kinesis_records"`
	Throttled uint64 `json:"throttled"`

	Explanation *explanation           `json:"explanation,omitempty"` // with --explain
	Errors      map[string]putFailures `json:"errors,omitempty"`
}

func (t *putTally) result() putResult {
	byKind, failed := t.byKind()
	t.mu.Lock()
	defer t.mu.Unlock()
	r := putResult{Lines: t.lines, Put: t.stored, Failed: failed, Bytes: t.bytes, Seconds: time.Since(t.start).Seconds(), Errors: byKind}
	if r.Seconds > 0 {
		r.PerSecond = float64(r.Put) / r.Seconds
	}
	return r
}

// counts adds what the producer counted.
func (r *putResult) counts(stats kin.ProducerStats) {
	for i := range stats.Streams {
		r.Entries += stats.Streams[i].Entries
		r.Throttled += stats.Streams[i].Throttled
	}
}

// putReport prints the result and turns it into the error of the command.
func (a *app) putReport(ctx context.Context, r putResult, readErr error) error {
	if a.json() {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		text := fmt.Sprintf("put %s, %s in %.1f s", count(r.Put, "record"), bytesText(r.Bytes), r.Seconds)
		if r.Entries > 0 && r.Entries != uint64(r.Put) {
			text += ", as " + count(int(r.Entries), "Kinesis record")
		}
		if _, err := fmt.Fprintln(a.io.Out, text); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		if r.Explanation != nil {
			a.sayf("kin put: in all %s", r.Explanation.line())
		}
	}
	a.sayFailures("kin put", "line", r.Errors)
	if ctx.Err() != nil {
		return &failure{code: exitInterrupted, what: fmt.Sprintf("stopped by a signal: %s of %s read were stored", thousands(int64(r.Put)), count(r.Lines, "line"))}
	}
	if readErr != nil {
		return readErr
	}
	if r.Failed > 0 {
		return &failure{code: exitIncomplete, what: fmt.Sprintf("%s of %s not stored", thousands(int64(r.Failed)), count(r.Lines, "record"))}
	}
	return nil
}

// startPutView shows how a put goes on, if there is something to show: how much of a file was read,
// and what limits the throughput. input and x may be nil.
func (a *app) startPutView(t *putTally, input *inputFile, x *explainer) (stop func()) {
	if input == nil && x == nil {
		return func() {}
	}
	return a.startView(func(columns, _ int, st style) []string {
		r := t.result()
		text := fmt.Sprintf("%s put, %s/s, %s/s", count(r.Put, "record"), thousands(int64(r.PerSecond)), bytesText(int64(float64(r.Bytes)/max(r.Seconds, 0.001))))
		if input != nil {
			text = fmt.Sprintf("%s %3.0f %%  ", st.blue(term.Bar(min(40, columns/3), input.fraction())), input.fraction()*100) + text
		}
		if r.Failed > 0 {
			text += st.bad(fmt.Sprintf(", %s not stored", thousands(int64(r.Failed))))
		}
		lines := []string{text}
		if x != nil {
			if text := x.line(); text != "" {
				lines = append(lines, st.faint(text))
			}
		}
		return lines
	})
}
