package lease

import (
	"errors"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

// ErrInvalid is wrapped by the errors with which stores refuse arguments that no store can
// keep: the name of a group, a row or a change that breaks the rules at [Store]. Nothing was
// changed, and calling again does not help.
var ErrInvalid = errors.New("lease: not valid")

const (
	maxGroupBytes = 128
	maxNameBytes  = 255
)

// CheckGroup returns an error that wraps [ErrInvalid] if name can't be the name of a group.
// Every method of every store begins with it.
func CheckGroup(name string) error {
	if len(name) == 0 || len(name) > maxGroupBytes {
		return fmt.Errorf("%w: the name of a group has 1 to %d characters, not %d", ErrInvalid, maxGroupBytes, len(name))
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return fmt.Errorf("%w: the name of group %q has other characters than a-z, A-Z, 0-9, '.', '_' and '-'", ErrInvalid, name)
		}
	}
	return nil
}

// CheckChanges returns an error that wraps [ErrInvalid] if one of the changes is none that
// [Create], [Set] or [Remove] make of rows that can be stored, or if two have the same key.
// Every Update begins with it, so that nothing is changed in part.
func CheckChanges(changes []Change) error {
	seen := make(map[Key]struct{}, len(changes))
	for _, c := range changes {
		if err := c.check(); err != nil {
			return err
		}
		if _, twice := seen[c.New.Key]; twice {
			return fmt.Errorf("%w: two changes of lease %s at once", ErrInvalid, c.New.Shard)
		}
		seen[c.New.Key] = struct{}{}
	}
	return nil
}

func (c Change) check() error {
	switch {
	case c.Old.Key != c.New.Key:
		return fmt.Errorf("%w: a change from lease %s to %s", ErrInvalid, c.Old.Shard, c.New.Shard)
	case c.Removes() && c.Old.Revision > 0:
	case c.Removes():
		return fmt.Errorf("%w: removing lease %s that has no row", ErrInvalid, c.Old.Shard)
	case c.Old.Revision < 0 || c.New.Revision != c.Old.Revision+1:
		return fmt.Errorf("%w: a change of lease %s from revision %d to %d", ErrInvalid, c.New.Shard, c.Old.Revision, c.New.Revision)
	}
	if err := checkNames("lease", c.New.Stream, c.New.Shard); err != nil {
		return err
	}
	if err := checkNames("parent of lease", c.New.Parents...); err != nil {
		return err
	}
	return checkTexts("lease", c.New.HashStart, c.New.HashEnd, c.New.Owner, c.New.Pin, string(c.New.Checkpoint))
}

// Check returns an error that wraps [ErrInvalid] if the row can't be stored.
func (w Worker) Check() error {
	if err := checkNames("worker", w.ID); err != nil {
		return err
	}
	if w.Beat < 0 {
		return fmt.Errorf("%w: beat %d of worker %s", ErrInvalid, w.Beat, w.ID)
	}
	if err := checkNames("stream of worker", w.Streams...); err != nil {
		return err
	}
	return checkTexts("build of worker", w.Build)
}

// Check returns an error that wraps [ErrInvalid] if the row can't be stored.
func (s Stream) Check() error {
	if err := checkNames("stream", s.ARN); err != nil {
		return err
	}
	if s.Revision < 1 {
		return fmt.Errorf("%w: stream %s is to have revision %d", ErrInvalid, s.ARN, s.Revision)
	}
	return checkTexts("start of stream", string(s.Start))
}

// checkNames is checkTexts for texts that must not be empty.
func checkNames(what string, names ...string) error {
	if slices.Contains(names, "") {
		return fmt.Errorf("%w: a %s without a name", ErrInvalid, what)
	}
	return checkTexts(what, names...)
}

// checkTexts holds texts to what all stores can keep and compare in the same way.
func checkTexts(what string, texts ...string) error {
	for _, text := range texts {
		if len(text) > maxNameBytes {
			return fmt.Errorf("%w: %s with a text of %d bytes; at most %d can be stored", ErrInvalid, what, len(text), maxNameBytes)
		}
		if !utf8.ValidString(text) {
			return fmt.Errorf("%w: %s %q is not UTF-8", ErrInvalid, what, text)
		}
		for _, c := range text {
			if unicode.IsControl(c) {
				return fmt.Errorf("%w: %s %q has control characters", ErrInvalid, what, text)
			}
		}
	}
	return nil
}
