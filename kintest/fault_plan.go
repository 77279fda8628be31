package kintest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/kinstream/kin/kintest/internal/proto"
)

// plan is what the faults that hit one call, or one event, do to it. An empty plan does nothing.
type plan []*setFault

// errCut says that the connection has to be broken instead of answering.
var errCut = errors.New("kintest: connection cut by a fault")

// wait is the part before the work: Do, delays and hangs. It returns errCut after a hang, and when the client or the server
// ended while it waited.
func (p plan) wait(ctx context.Context, closing <-chan struct{}) error {
	for _, f := range p {
		if f.Do != nil {
			f.Do()
		}
	}
	for _, f := range p {
		if f.Delay <= 0 && !f.Hang {
			continue
		}
		var over <-chan time.Time // never, for a hang
		if !f.Hang {
			timer := time.NewTimer(f.Delay)
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-over:
		case <-f.removed:
		case <-ctx.Done():
			return errCut
		case <-closing:
			return errCut
		}
		if f.Hang {
			return errCut
		}
	}
	return nil
}

// failure returns the error that the call is answered, in the phase before or after the work; nil if there is none. It is
// errCut or an *apiError. onlyRecords leaves out faults that are for single records.
func (p plan) failure(after, onlyRecords bool) error {
	for _, f := range p {
		if f.AfterCommit != after || f.onRecords() && onlyRecords {
			continue
		}
		switch {
		case f.Cut == CutBefore:
			return errCut
		case f.Error != "":
			return f.asError()
		case f.Status != 0:
			return &apiError{Status: f.Status}
		}
	}
	return nil
}

// onRecords says whether a fault that hit PutRecords is for single records of it.
func (f *setFault) onRecords() bool { return f.Records != nil || f.Shard != "" }

// asError makes the error of the fault.
func (f *setFault) asError() *apiError {
	e := &apiError{Code: f.Error, Message: f.Message, Status: f.Status}
	if e.Message == "" {
		e.Message = usualMessage(f.Error)
	}
	if e.Status == 0 {
		e.Status = usualStatus(f.Error)
	}
	return e
}

// recordError says with which error a fault fails record i of PutRecords, which belongs to the shard.
func (f *setFault) recordError(i int, shardID string) (code, message string) {
	if f.Shard != "" && f.Shard != shardID {
		return "", ""
	}
	switch {
	case f.Records != nil:
		code = f.Records(i)
	case f.Shard != "":
		code = f.Error
	}
	if code == "" {
		return "", ""
	}
	if f.Message != "" {
		return code, f.Message
	}
	return code, usualMessage(code)
}

// refuse returns what fails single records before they are stored, or nil.
func (p plan) refuse() func(i int, shardID string) (code, message string) {
	wanted := false
	for _, f := range p {
		wanted = wanted || f.onRecords() && !f.AfterCommit
	}
	if !wanted {
		return nil
	}
	return func(i int, shardID string) (code, message string) {
		for _, f := range p {
			if f.AfterCommit {
				continue
			}
			if code, message := f.recordError(i, shardID); code != "" {
				return code, message
			}
		}
		return "", ""
	}
}

// retouchPutRecords reports records as failed that were stored, and changes shard IDs.
func (p plan) retouchPutRecords(out *proto.PutRecordsReply) {
	for i := range out.Records {
		r := &out.Records[i]
		if r.ErrorCode != "" {
			continue
		}
		for _, f := range p {
			if !f.AfterCommit {
				continue
			}
			if code, message := f.recordError(i, r.ShardID); code != "" {
				*r = proto.PutResult{ErrorCode: code, ErrorMessage: message}
				out.Failed++
				break
			}
		}
		if r.ErrorCode == "" {
			r.ShardID = p.shardID(r.ShardID)
		}
	}
}

// shardID returns what is answered instead of the ID of a shard.
func (p plan) shardID(shard string) string {
	for _, f := range p {
		if f.ShardID != nil {
			return f.ShardID(shard)
		}
	}
	return shard
}

func (p plan) empty() bool   { return p.any(func(f *setFault) bool { return f.Empty }) }
func (p plan) corrupt() bool { return p.any(func(f *setFault) bool { return f.Corrupt }) }
func (p plan) end() bool     { return p.any(func(f *setFault) bool { return f.End }) }
func (p plan) cutMid() bool  { return p.any(func(f *setFault) bool { return f.Cut == CutMidBody }) }
func (p plan) cutAfter() bool {
	return p.any(func(f *setFault) bool { return f.Cut == CutAfter })
}

// bodyDelay is how long the answer stops in the middle of its body.
func (p plan) bodyDelay() (d time.Duration) {
	for _, f := range p {
		d += f.BodyDelay
	}
	return d
}

// clockSkew is how wrong the answer's Date is.
func (p plan) clockSkew() (d time.Duration) {
	for _, f := range p {
		d += f.ClockSkew
	}
	return d
}

func (p plan) any(is func(*setFault) bool) bool {
	return slices.ContainsFunc(p, is)
}

// repeated returns the answer that is sent again instead of doing the work, or nil.
func (p plan) repeated(f *faults) *reply {
	for _, set := range p {
		if set.Repeat {
			if a := f.remembered(set); a != nil {
				return a
			}
		}
	}
	return nil
}

// remember keeps a successful answer for the faults that will repeat it.
func (p plan) remember(f *faults, a *reply) {
	for _, set := range p {
		if set.Repeat && a.status == http.StatusOK {
			f.remember(set, a.clone())
		}
	}
}

// flipBit damages b in the middle.
func flipBit(b []byte) {
	if len(b) > 0 {
		b[len(b)/2] ^= 1 << 3
	}
}
