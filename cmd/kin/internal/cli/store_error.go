package cli

import (
	"errors"
	"fmt"

	"github.com/kinstream/kin/lease"
)

// storeError is an error of the store, which is explained as such: another machine than that of
// the streams may be meant.
type storeError struct {
	address storeAddress
	err     error
}

func (e *storeError) Error() string { return e.address.String() + ": " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// storeFailure marks an error as one of the store. What says what happened in the group stays as it is.
func storeFailure(address storeAddress, err error) error {
	if err == nil || errors.Is(err, lease.ErrNoWorker) {
		return err
	}
	if _, explained := errors.AsType[*failure](err); explained {
		return err
	}
	return &storeError{address, err}
}

// storeFailure explains an error of the store.
func (a *app) storeFailure(e *storeError) *failure {
	if f := groupFailure(e.err); f != nil {
		return f
	}
	elsewhere := &app{flags: a.flags, target: target{endpoint: e.address.String()}}
	if f := elsewhere.networkFailure(e.err); f != nil {
		f.hint = "is the store there, and is --store right?"
		return f
	}
	f := &failure{code: exitFailed, what: oneLine(e.Error()), err: e}
	switch service := elsewhere.serviceFailure(e.err); {
	case service == nil:
	case service.code == exitNotFound:
		f.code, f.what = exitNotFound, fmt.Sprintf("%v: there is no such table", e.address)
		f.hint = "kin consume --create-store makes it; is the region right?"
	case service.code == exitDenied:
		f.code, f.hint = exitDenied, service.hint
	}
	return f
}
