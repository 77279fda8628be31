package dynamostore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/lease"
)

var _ lease.Store = (*Store)(nil)

// Load implements [lease.Store] with three calls or more: the version, the leases and streams
// page by page, the workers.
func (s *Store) Load(ctx context.Context, group string) (lease.Snapshot, error) {
	if err := lease.CheckGroup(group); err != nil {
		return lease.Snapshot{}, err
	}
	snapshot, err := s.load(ctx, group)
	if err != nil {
		return lease.Snapshot{}, s.fail("load", group, err)
	}
	return snapshot, nil
}

func (s *Store) load(ctx context.Context, group string) (lease.Snapshot, error) {
	row, err := s.get(ctx, versionKey(group))
	if err != nil {
		return lease.Snapshot{}, err
	}
	version, err := decodeVersion(row)
	if err != nil {
		return lease.Snapshot{}, err
	}
	var snapshot lease.Snapshot
	err = s.query(ctx, pages{part: leasePart(group), timeout: pageTimeout * s.config.CallTimeout}, snapshotOf(&snapshot))
	if err != nil {
		return lease.Snapshot{}, err
	}
	// DynamoDB sorts by bytes.
	slices.SortFunc(snapshot.Leases, func(a, b lease.Lease) int { return a.Compare(b.Key) })
	if err := s.query(ctx, pages{part: groupPart(group), timeout: s.config.CallTimeout}, snapshotOf(&snapshot)); err != nil {
		return lease.Snapshot{}, err
	}
	snapshot.Version = version // not the one that came with the workers: it may stand for later changes
	return snapshot, nil
}

// Poll implements [lease.Store] with one call.
func (s *Store) Poll(ctx context.Context, group string) (lease.Snapshot, error) {
	if err := lease.CheckGroup(group); err != nil {
		return lease.Snapshot{}, err
	}
	var snapshot lease.Snapshot
	if err := s.query(ctx, pages{part: groupPart(group), timeout: s.config.CallTimeout}, snapshotOf(&snapshot)); err != nil {
		return lease.Snapshot{}, s.fail("poll", group, err)
	}
	return snapshot, nil
}

func snapshotOf(snapshot *lease.Snapshot) func([]item) error {
	return func(page []item) error {
		for _, i := range page {
			if err := add(snapshot, i); err != nil {
				return err
			}
		}
		return nil
	}
}

// Groups implements [lease.Store] with one call for some ten thousand groups.
func (s *Store) Groups(ctx context.Context) ([]string, error) {
	var groups []string
	err := s.query(ctx, pages{part: groupsPart, timeout: s.config.CallTimeout}, func(page []item) error {
		for _, i := range page {
			groups = append(groups, keyOf(i).row)
		}
		return nil
	})
	if err != nil {
		return nil, s.fail("list groups", "", err)
	}
	return groups, nil
}

// Delete implements [lease.Store]. The name of the group goes last: after an error the group is
// still listed, and Delete can be called again.
func (s *Store) Delete(ctx context.Context, group string) error {
	if err := lease.CheckGroup(group); err != nil {
		return err
	}
	return s.fail("delete", group, s.deleteGroup(ctx, group))
}

func (s *Store) deleteGroup(ctx context.Context, group string) error {
	// Workers first: those that are left find their rows gone soonest.
	for _, part := range []string{groupPart(group), leasePart(group)} {
		var keys []key
		err := s.query(ctx, pages{part: part, keysOnly: true, timeout: pageTimeout * s.config.CallTimeout}, func(page []item) error {
			for _, i := range page {
				keys = append(keys, keyOf(i))
			}
			return nil
		})
		if err != nil {
			return err
		}
		keys = slices.DeleteFunc(keys, func(k key) bool { return k == versionKey(group) })
		if err := s.parallel(len(keys), func(i int) error { return s.remove(ctx, keys[i], expression{}) }); err != nil {
			return err
		}
	}
	if err := s.remove(ctx, versionKey(group), expression{}); err != nil {
		return err
	}
	return s.remove(ctx, directoryKey(group), expression{})
}

// raise raises the version of a group that has one; one that has none gets it only if create
// says so.
func (s *Store) raise(ctx context.Context, group string, create bool) error {
	var u update
	u.raise(attrVersion)
	u.when(ifPresent, attrRow)
	_, err := s.write(ctx, versionKey(group), &u, types.ReturnValueNone)
	if _, missing := refused(err); !missing {
		return err
	}
	if !create {
		return nil
	}
	if err := s.enter(ctx, group); err != nil {
		return err
	}
	u.condition = nil
	delete(u.names, "#"+attrRow) // names that no expression uses are refused
	_, err = s.write(ctx, versionKey(group), &u, types.ReturnValueNone)
	return err
}

// enter puts the name of a group where all names are, with the time at which that was done first.
func (s *Store) enter(ctx context.Context, group string) error {
	var u update
	u.keep(attrCreated, timeValue(time.Now(), time.RFC3339))
	_, err := s.write(ctx, directoryKey(group), &u, types.ReturnValueNone)
	return err
}

// PutStream implements [lease.Store].
func (s *Store) PutStream(ctx context.Context, group string, row lease.Stream) (lease.Stream, error) {
	if err := errors.Join(lease.CheckGroup(group), row.Check()); err != nil {
		return lease.Stream{}, err
	}
	stored, err := s.putStream(ctx, group, row)
	if err != nil {
		return lease.Stream{}, s.fail("write stream "+row.ARN, group, err)
	}
	return stored, nil
}

func (s *Store) putStream(ctx context.Context, group string, row lease.Stream) (lease.Stream, error) {
	if row.Revision == 1 { // the group may come into being with it
		if err := s.found(ctx, group); err != nil {
			return lease.Stream{}, err
		}
	}
	var u update
	putStream(&u, row)
	u.whenRevision(row.Revision - 1)
	k := streamKey(group, row.ARN)
	_, err := s.write(ctx, k, &u, types.ReturnValueNone)
	failure, failed := refused(err)
	if !failed {
		return row, err
	}
	i, err := s.rowAfter(ctx, k, failure)
	if err != nil || i == nil {
		return lease.Stream{}, err
	}
	return decodeStream(i)
}

// found sees to it that a group is there, without raising its version.
func (s *Store) found(ctx context.Context, group string) error {
	i, err := s.get(ctx, versionKey(group))
	if err != nil || i != nil {
		return err
	}
	if err := s.enter(ctx, group); err != nil {
		return err
	}
	var u update
	u.put(attrVersion, numberValue(0))
	u.when(ifAbsent, attrRow)
	_, err = s.write(ctx, versionKey(group), &u, types.ReturnValueNone)
	if _, there := refused(err); there {
		return nil
	}
	return err
}
