package dynamostore

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/lease"
)

// Join implements [lease.Store].
func (s *Store) Join(ctx context.Context, group string, w lease.Worker) error {
	if err := errors.Join(lease.CheckGroup(group), w.Check()); err != nil {
		return err
	}
	var u update
	putNewWorker(&u, w)
	u.when(ifAbsent, attrRow)
	_, err := s.write(ctx, workerKey(group, w.ID), &u, types.ReturnValueNone)
	if _, joined := refused(err); err == nil || joined {
		err = s.raise(ctx, group, true)
	}
	return s.fail("join worker "+w.ID, group, err)
}

// Beat implements [lease.Store] with one call.
func (s *Store) Beat(ctx context.Context, group string, w lease.Worker) (lease.Worker, error) {
	if err := errors.Join(lease.CheckGroup(group), w.Check()); err != nil {
		return lease.Worker{}, err
	}
	var u update
	putWorker(&u, w)
	u.raise(attrBeat)
	u.when(ifPresent, attrRow)
	row, err := s.write(ctx, workerKey(group, w.ID), &u, types.ReturnValueAllNew)
	if err == nil {
		w, err = decodeWorker(row)
	}
	if err != nil {
		return lease.Worker{}, s.fail("heartbeat of worker "+w.ID, group, orNoWorker(err))
	}
	return w, nil
}

// Drain implements [lease.Store].
func (s *Store) Drain(ctx context.Context, group, worker string, draining bool) error {
	if err := lease.CheckGroup(group); err != nil {
		return err
	}
	var u update
	u.put(attrDraining, unless(!draining, flagValue(true)))
	u.when(ifPresent, attrRow)
	_, err := s.write(ctx, workerKey(group, worker), &u, types.ReturnValueNone)
	if err == nil {
		err = s.raise(ctx, group, false)
	}
	return s.fail("drain worker "+worker, group, orNoWorker(err))
}

// orNoWorker turns the refusal of a worker's row that is not there into the error for that.
func orNoWorker(err error) error {
	if _, missing := refused(err); missing {
		return lease.ErrNoWorker
	}
	return err
}

// Forget implements [lease.Store].
func (s *Store) Forget(ctx context.Context, group, worker string, beat int64) (bool, error) {
	if err := lease.CheckGroup(group); err != nil {
		return false, err
	}
	var e expression
	if beat != lease.AnyBeat {
		e.when(ifBeat, attrRow, attrBeat)
		e.value("was", numberValue(beat))
	}
	err := s.remove(ctx, workerKey(group, worker), e)
	if _, changed := refused(err); changed {
		return false, nil
	}
	if err == nil {
		err = s.raise(ctx, group, false)
	}
	return err == nil, s.fail("forget worker "+worker, group, err)
}
