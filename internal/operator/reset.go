package operator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

var (
	// ErrIncomplete says that a listing lacks shards: the stream is being resharded, or the service
	// is behind. It is complete after a moment.
	ErrIncomplete = errors.New("the listing of the shards has holes")

	// ErrGoneShard says that the stream does not list a shard.
	ErrGoneShard = errors.New("the stream does not list the shard")

	// ErrNoStream says that the group has no rows of a stream.
	ErrNoStream = errors.New("the group does not read the stream")

	// ErrNewStream says that the stream was deleted and created anew, so that no
	// checkpoint of one shard means anything.
	ErrNewStream = errors.New("the stream was created anew")
)

// Target is where a reset goes.
type Target struct {
	Stream string // its ARN

	// Shard is the only shard to set, with its descendants if it is read again. Empty means all.
	Shard string

	// To is where reading is to begin: TRIM_HORIZON or AT_TIMESTAMP with a time, and with a Shard
	// also AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER with a number.
	To lease.Checkpoint
}

// Listing is what the service says about a stream.
type Listing struct {
	Shards    []topology.Shard // all that it lists
	Before    map[string]bool  // the IDs of those that had ended before Target.To
	CreatedAt time.Time        // when the stream was created; zero if that is not known
}

// Step is one change that a reset makes.
type Step struct {
	Change lease.Change
	Why    string // in a few words
}

// reasons of steps.
const (
	whyTarget   = "begins there"
	whyAfter    = "after its parents, from its beginning"
	whyBefore   = "ended before that"
	whyOwner    = "taken from its owner"
	whyUnlisted = "not listed yet, or not any more: from its beginning"
	whyOld      = "belongs to a stream that was deleted"
)

// PlanReset returns the changes that a reset makes to rows, in the order in which they are
// to be made. It is pure: now is what CheckpointAt will be.
func PlanReset(rows lease.Snapshot, t Target, l Listing, now time.Time) ([]Step, error) {
	p, err := newPlanner(rows, t, l)
	if err != nil {
		return nil, err
	}
	if t.Shard == "" {
		p.whole()
	} else if err := p.one(); err != nil {
		return nil, err
	}
	return p.steps(now), nil
}

type goal struct {
	to  lease.Checkpoint
	why string
}

// planner works out what is to become of each shard of one stream.
type planner struct {
	target Target
	list   Listing
	rows   map[string]lease.Lease
	listed map[string]topology.Shard
	order  []string // shards of rows and listing, parents first
	goals  map[string]goal
	remove bool // rows that are not listed belong to another stream
}

func newPlanner(rows lease.Snapshot, t Target, l Listing) (*planner, error) {
	p := &planner{
		target: t, list: l,
		rows: make(map[string]lease.Lease), listed: make(map[string]topology.Shard), goals: make(map[string]goal),
	}
	known := false
	for _, s := range rows.Streams {
		if s.ARN == t.Stream {
			known = true
			p.remove = !s.CreatedAt.IsZero() && !l.CreatedAt.IsZero() && !sameMoment(s.CreatedAt, l.CreatedAt)
		}
	}
	for _, row := range rows.Leases {
		if row.Stream == t.Stream {
			p.rows[row.Shard] = row
		}
	}
	if !known && len(p.rows) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoStream, StreamName(t.Stream))
	}
	for _, s := range l.Shards {
		p.listed[s.ID] = s
	}
	if err := complete(l.Shards); err != nil {
		return nil, err
	}
	p.sort()
	return p, nil
}

// sameMoment compares times of creation, which stores and services keep in different precision.
func sameMoment(a, b time.Time) bool { return a.Sub(b).Abs() < time.Second }

// complete finds holes in a listing. Where a range is not known, nothing can be said.
func complete(shards []topology.Shard) error {
	graph := topology.New(topology.AtHorizon)
	graph.List(0, shards)
	for _, s := range shards {
		if !s.Closed && !s.Range.Valid() {
			return nil
		}
	}
	if holes, _ := graph.Coverage(); len(holes) > 0 {
		return ErrIncomplete
	}
	return nil
}

// parents are those of a shard, as the listing or else its row says.
func (p *planner) parents(id string) []string {
	if s, found := p.listed[id]; found {
		return s.Parents
	}
	return p.rows[id].Parents
}

// sort puts all shards in an order with parents first. It stands relations that go round in a
// circle.
func (p *planner) sort() {
	ids := make([]lease.Key, 0, len(p.rows)+len(p.listed))
	for id := range p.rows {
		ids = append(ids, lease.Key{Shard: id})
	}
	for id := range p.listed {
		if _, found := p.rows[id]; !found {
			ids = append(ids, lease.Key{Shard: id})
		}
	}
	slices.SortFunc(ids, lease.Key.Compare)
	known := make(map[string]bool, len(ids))
	for _, key := range ids {
		known[key.Shard] = true
	}
	visited := make(map[string]bool, len(ids))
	for _, key := range ids {
		p.visit(key.Shard, known, visited)
	}
}

// visit appends a shard to the order after its parents. The depth is the number of generations,
// which splits and merges keep small, and chains of the hostile at the number of shards.
func (p *planner) visit(id string, known, visited map[string]bool) {
	if !known[id] || visited[id] {
		return
	}
	visited[id] = true
	for _, parent := range p.parents(id) {
		p.visit(parent, known, visited)
	}
	p.order = append(p.order, id)
}

// whole sets the goals of all shards.
func (p *planner) whole() {
	for _, id := range p.order {
		_, listed := p.listed[id]
		row, stored := p.rows[id]
		switch {
		case listed:
			p.goals[id] = p.goalOf(id)
		case p.remove:
			p.goals[id] = goal{why: whyOld}
		case stored && !row.Finished():
			p.goals[id] = goal{lease.TrimHorizon, whyUnlisted}
		}
	}
}

// goalOf is where reading of a listed shard begins.
func (p *planner) goalOf(id string) goal {
	if p.list.Before[id] {
		return goal{lease.ShardEnd, whyBefore}
	}
	if p.target.To != lease.TrimHorizon && slices.ContainsFunc(p.parents(id), p.afterTarget) {
		return goal{lease.TrimHorizon, whyAfter}
	}
	return goal{p.target.To, whyTarget}
}

// afterTarget says whether a shard is listed and ended after the target, so that its children
// began after it.
func (p *planner) afterTarget(id string) bool {
	_, listed := p.listed[id]
	return listed && !p.list.Before[id]
}

// one sets the goals of one shard and of its descendants.
func (p *planner) one() error {
	id := p.target.Shard
	if _, listed := p.listed[id]; !listed {
		return fmt.Errorf("%w: %s", ErrGoneShard, id)
	}
	if p.remove {
		return ErrNewStream
	}
	g := p.goalOf(id)
	if strings.Contains(string(p.target.To), "SEQUENCE_NUMBER") {
		g = goal{p.target.To, whyTarget}
	}
	p.goals[id] = g
	if g.to == lease.ShardEnd {
		return nil
	}
	for _, child := range p.order {
		row, stored := p.rows[child]
		_, listed := p.listed[child]
		below := slices.ContainsFunc(p.parents(child), func(parent string) bool {
			_, again := p.goals[parent]
			return again
		})
		if child != id && below && stored && (listed || !row.Finished()) {
			p.goals[child] = goal{lease.TrimHorizon, whyAfter}
		}
	}
	return nil
}

// steps turns the goals into changes: those that open shards, parents first, and then those
// that finish or remove them, children first.
func (p *planner) steps(now time.Time) []Step {
	var opening, ending []Step
	for _, id := range p.order {
		g, found := p.goals[id]
		if !found {
			continue
		}
		step, needed := p.step(id, g, now)
		switch {
		case !needed:
		case step.Change.New.Finished() && step.Change.Old.Revision > 0, step.Change.Removes():
			ending = append(ending, step)
		default:
			opening = append(opening, step)
		}
	}
	slices.Reverse(ending)
	return append(opening, ending...)
}

func (p *planner) step(id string, g goal, now time.Time) (Step, bool) {
	old, stored := p.rows[id]
	if g.to == "" {
		return Step{lease.Remove(old), g.why}, stored
	}
	if !stored {
		return Step{lease.Create(p.fresh(id, g.to, now)), g.why}, true
	}
	if old.Checkpoint == g.to && old.Owner == "" {
		return Step{}, false
	}
	if old.Checkpoint == g.to {
		g.why = whyOwner
	}
	l := old
	l.Checkpoint, l.CheckpointAt, l.Parents = g.to, now, p.named(old.Parents)
	if l.Owner != "" {
		l.Owner = ""
		l.Epoch++
	}
	return Step{lease.Set(old, l), g.why}, true
}

// named are those of the parents that have leases when the reset is done: a lease that is back
// at a start waits for all that its row names.
func (p *planner) named(parents []string) []string {
	return slices.DeleteFunc(slices.Clone(parents), func(id string) bool {
		_, stored := p.rows[id]
		if g, planned := p.goals[id]; planned {
			return g.to == ""
		}
		return !stored
	})
}

// fresh is the lease of a listed shard that has none.
func (p *planner) fresh(id string, to lease.Checkpoint, now time.Time) lease.Lease {
	s := p.listed[id]
	l := lease.Lease{
		Key: lease.Key{Stream: p.target.Stream, Shard: id}, Parents: p.named(s.Parents),
		Checkpoint: to, CheckpointAt: now,
	}
	if s.Range.Valid() {
		l.HashStart, l.HashEnd = s.Range.Start.String(), s.Range.End.String()
	}
	return l
}
