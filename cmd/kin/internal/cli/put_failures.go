package cli

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/smithy-go"

	"github.com/kinstream/kin"
)

// Kinds of reasons why a record was not stored. What the service says comes on top,
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

// putFailures is what there is to say about one kind of failure.
type putFailures struct {
	Count  int    `json:"count"`
	First  int    `json:"first_line"`
	Reason string `json:"reason"` // of the first
}

// failureTally counts failures by kind. Its methods may be called from several goroutines.
type failureTally struct {
	mu    sync.Mutex // guards kinds
	kinds map[string]*putFailures
}

func (t *failureTally) failed(number int, kind, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.kinds[kind]
	if f == nil {
		f = &putFailures{First: number, Reason: why}
		if t.kinds == nil {
			t.kinds = make(map[string]*putFailures)
		}
		t.kinds[kind] = f
	}
	f.Count++
	if number < f.First {
		f.First, f.Reason = number, why
	}
}

// byKind returns the failures so far, nil if there are none, and their number.
func (t *failureTally) byKind() (byKind map[string]putFailures, all int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, f := range t.kinds {
		if byKind == nil {
			byKind = make(map[string]putFailures)
		}
		byKind[kind] = *f
		all += f.Count
	}
	return byKind, all
}

// sayFailures says what was not stored, the most frequent kind first. first names what First counts.
func (a *app) sayFailures(name, first string, byKind map[string]putFailures) {
	kinds := slices.SortedFunc(maps.Keys(byKind), func(a, b string) int {
		return cmp.Or(cmp.Compare(byKind[b].Count, byKind[a].Count), cmp.Compare(a, b))
	})
	for _, kind := range kinds {
		f := byKind[kind]
		a.sayf("%s: %s not stored: %s (%s %d: %s)", name, count(f.Count, "record"), kind, first, f.First, f.Reason)
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
