package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/cmd/kin/internal/term"
)

// Kinds of reasons why a line was not stored. What the service says comes on top,
// by its error code.
const (
	kindBadLine   = "bad line"
	kindTooLarge  = "too large"
	kindInvalid   = "invalid"
	kindTimedOut  = "not stored in time"
	kindAmbiguous = "may be stored" // the only kind of which it is not certain
	kindStopped   = "stopped"
	kindOther     = "failed"
)

// putTally counts what became of the lines. Its methods may be called from
// several goroutines.
type putTally struct {
	start time.Time
	fatal context.CancelCauseFunc // ends the reading; set before the first line

	mu       sync.Mutex // guards the fields below
	lines    int
	stored   int
	bytes    int64
	failures map[string]*putFailures
}

// putFailures is what there is to say about one kind of failure.
type putFailures struct {
	Count     int    `json:"count"`
	FirstLine int    `json:"first_line"`
	Reason    string `json:"reason"`
}

func newPutTally() *putTally {
	return &putTally{start: time.Now(), failures: make(map[string]*putFailures)}
}

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

func (t *putTally) failed(number int, kind, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.failures[kind]
	if f == nil {
		f = &putFailures{FirstLine: number, Reason: why}
		t.failures[kind] = f
	}
	f.Count++
	if number < f.FirstLine {
		f.FirstLine, f.Reason = number, why
	}
}

// kindOf sorts an error of the producer.
func kindOf(err error) string {
	put, _ := errors.AsType[*kin.PutError](err)
	api, isAPI := errors.AsType[smithy.APIError](err)
	switch {
	case errors.Is(err, kin.ErrInvalidRecord):
		return kindInvalid
	case put != nil && put.Ambiguous:
		return kindAmbiguous
	case put != nil && put.Code != "":
		return put.Code
	case isAPI:
		return api.ErrorCode()
	case errors.Is(err, kin.ErrExpired):
		return kindTimedOut
	case errors.Is(err, kin.ErrClosed), errors.Is(err, context.Canceled):
		return kindStopped
	}
	return kindOther
}

// concernsOneRecord says whether the next record may fare better.
func concernsOneRecord(err error) bool {
	switch kindOf(err) {
	case kindInvalid, kindTooLarge, kindStopped, "ProvisionedThroughputExceededException", "InternalFailure":
		return true
	case kindTimedOut:
		// Time has run out before a call could carry the record: nothing has failed, a slow server only
		// lets too few through. After a failed attempt the cause is what the next record would meet too.
		put, _ := errors.AsType[*kin.PutError](err)
		return put != nil && put.Attempts == 0
	}
	return false
}

// reason is the cause inside an error of the producer: the rest of its text, which
// stream and which key, is known here.
func reason(err error) string {
	if put, ok := errors.AsType[*kin.PutError](err); ok && put.Err != nil {
		err = put.Err
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorMessage() != "" {
		return oneLine(api.ErrorMessage())
	}
	text := strings.TrimPrefix(err.Error(), kin.ErrInvalidRecord.Error()+": ")
	return oneLine(strings.TrimPrefix(text, "UserRecord."))
}

type putResult struct {
	Lines     int                     `json:"lines"`
	Put       int                     `json:"put"`
	Failed    int                     `json:"failed"`
	Bytes     int64                   `json:"bytes"`
	Seconds   float64                 `json:"seconds"`
	PerSecond float64                 `json:"records_per_second"`
	Errors    map[string]*putFailures `json:"errors,omitempty"`
}

func (t *putTally) result() putResult {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := putResult{Lines: t.lines, Put: t.stored, Bytes: t.bytes, Seconds: time.Since(t.start).Seconds()}
	if r.Seconds > 0 {
		r.PerSecond = float64(r.Put) / r.Seconds
	}
	for _, f := range t.failures {
		r.Failed += f.Count
	}
	if len(t.failures) > 0 {
		r.Errors = maps.Clone(t.failures)
	}
	return r
}

// kinds returns the kinds of failures, the most frequent first.
func (r putResult) kinds() []string {
	return slices.SortedFunc(maps.Keys(r.Errors), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Errors[b].Count, r.Errors[a].Count), cmp.Compare(a, b))
	})
}

// putReport prints the result and turns it into the error of the command.
func (a *app) putReport(ctx context.Context, tally *putTally, readErr error) error {
	r := tally.result()
	if a.json() {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.io.Out, "put %s, %s in %.1f s\n", count(r.Put, "record"), bytesText(r.Bytes), r.Seconds)
	}
	if ctx.Err() != nil {
		return &failure{code: exitInterrupted, what: fmt.Sprintf("stopped by a signal: %s of %s read were stored", thousands(int64(r.Put)), count(r.Lines, "line"))}
	}
	for _, kind := range r.kinds() {
		f := r.Errors[kind]
		a.sayf("kin put: %s not stored: %s (line %d: %s)", count(f.Count, "record"), kind, f.FirstLine, f.Reason)
	}
	if readErr != nil {
		return readErr
	}
	if r.Failed > 0 {
		return &failure{code: exitIncomplete, what: fmt.Sprintf("%s of %s not stored", thousands(int64(r.Failed)), count(r.Lines, "record"))}
	}
	return nil
}

// putInput opens the file to put, if one is given, and makes its progress line.
func (a *app) putInput(path string) (*inputFile, func(*putTally, int, style) string, error) {
	if path == "" {
		return nil, nil, nil
	}
	in, err := openInput(path)
	if err != nil {
		return nil, nil, err
	}
	return in, func(t *putTally, columns int, st style) string {
		r := t.result()
		text := fmt.Sprintf("%s %3.0f %%  %s put, %s/s", st.blue(term.Bar(min(40, columns/3), in.fraction())),
			in.fraction()*100, count(r.Put, "record"), bytesText(int64(float64(r.Bytes)/max(r.Seconds, 0.001))))
		if r.Failed > 0 {
			text += st.bad(fmt.Sprintf(", %s not stored", thousands(int64(r.Failed))))
		}
		return text
	}, nil
}

// warnCalls returns a hook that says when calls fail, at most every five seconds.
func (a *app) warnCalls(ctx context.Context) func(kin.PutCallInfo) {
	const every = 5 * time.Second
	var mu sync.Mutex
	var last time.Time
	return func(info kin.PutCallInfo) {
		if info.Err == nil || info.Retrying == 0 {
			return
		}
		mu.Lock()
		due := time.Since(last) >= every
		if due {
			last = time.Now()
		}
		mu.Unlock()
		if due {
			line, _ := a.explain(context.WithoutCancel(ctx), info.Err)
			a.sayf("kin put: trying again: %s", line)
		}
	}
}
