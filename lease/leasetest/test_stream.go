package leasetest

import (
	"fmt"
	"time"

	"github.com/kinstream/kin/lease"
)

// streamTests are about the rows of streams.
func streamTests() []test {
	return []test{
		{"PutStream/a stream is stored as it is", putStreamAsItIs},
		{"PutStream/needs the revision before", putStreamNeedsRevision},
		{"PutStream/of a row that is not there needs revision 1", putStreamWithoutRow},
		{"PutStream/of many at the same time stores one, and tells all of them", putStreamAtOnce},
	}
}

func putStreamAsItIs(g *group) {
	full := stream(arn)
	full.Seeded = true
	bare := lease.Stream{ARN: arn + "-bare", Start: lease.TrimHorizon, Revision: 1}
	wantStream(g, "a stream that was put", g.putStream(full), full)
	wantStream(g, "a stream without a time", g.putStream(bare), bare)
	s := g.on(1).load()
	if len(s.Streams) != 2 {
		g.Fatalf("load shows streams %q, want 2", arnsOf(s))
	}
	wantStream(g, "a stream that load shows", s.Streams[0], full)
	wantStream(g, "a stream without a time that load shows", s.Streams[1], bare)
	if !s.Streams[1].CreatedAt.IsZero() {
		g.Errorf("a time that is not known came back as %s", s.Streams[1].CreatedAt)
	}
	g.wantGroup(true)
}

func putStreamNeedsRevision(g *group) {
	first := stream(arn)
	g.putStream(first)
	other := first
	other.Start = lease.TrimHorizon
	wantStream(g, "the answer to a second writer", g.on(1).putStream(other), first)

	second := first
	second.Seeded, second.Revision = true, 2
	wantStream(g, "the second revision", g.on(2).putStream(second), second)
	late := first
	late.Start, late.Revision = lease.TrimHorizon, 2
	wantStream(g, "the answer to who comes late", g.putStream(late), second)
	early := first
	early.CreatedAt, early.Revision = moment().Add(time.Hour), 4
	wantStream(g, "the answer to who comes early", g.putStream(early), second)
	wantStream(g, "what is stored", g.load().Streams[0], second)
}

func putStreamWithoutRow(g *group) {
	s := stream(arn)
	s.Revision = 2
	if got := g.putStream(s); got.Revision != 0 {
		g.Errorf("putting revision 2 of a stream without a row stored %+v, want revision 0", got)
	}
	if s := g.load(); len(s.Streams) != 0 {
		g.Errorf("streams = %+v, want none", s.Streams)
	}
	g.wantGroup(false)
}

func putStreamAtOnce(g *group) {
	const writers = 16
	stored := lease.Stream{ARN: arn}
	for round := range g.rounds(20) {
		answers := make([]lease.Stream, writers)
		err := g.atOnce(writers, func(g *group, i int) (err error) {
			mine := stored
			mine.Revision++
			mine.Start = lease.Checkpoint(fmt.Sprintf("AFTER_SEQUENCE_NUMBER:%d", round*writers+i))
			answers[i], err = g.store.PutStream(g.Context(), g.name, mine)
			return err
		})
		g.must("put stream", err)
		for i, a := range answers {
			if a != answers[0] || a.Revision != stored.Revision+1 {
				g.Fatalf("writer %d was told %+v, writer 0 %+v; want the same, with revision %d", i, a, answers[0], stored.Revision+1)
			}
		}
		stored = answers[0]
		wantStream(g, "what is stored", g.load().Streams[0], stored)
	}
}
