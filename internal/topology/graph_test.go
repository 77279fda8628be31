package topology_test

import (
	"strings"
	"testing"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
)

// shards reads a listing in short form, one word per shard: an ID, a dot if the
// shard is closed, and its parents after a slash: "c. d/c e/a,b". The shards share
// no hash keys.
func shards(text string) []topology.Shard {
	var list []topology.Shard
	for word := range strings.FieldsSeq(text) {
		name, parents, _ := strings.Cut(word, "/")
		id, closed := strings.CutSuffix(name, ".")
		own := hashkey.Key{Hi: uint64(id[0]), Lo: uint64(id[len(id)-1])}
		s := topology.Shard{ID: id, Closed: closed, Range: hashkey.Range{Start: own, End: own}}
		if parents != "" {
			s.Parents = strings.Split(parents, ",")
		}
		list = append(list, s)
	}
	return list
}

func ready(g *topology.Graph) string {
	var ids []string
	for _, s := range g.Ready() {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, " ")
}

func wantReady(t *testing.T, g *topology.Graph, want string) {
	t.Helper()
	if got := ready(g); got != want {
		t.Fatalf("ready = %q, want %q", got, want)
	}
}

func read(g *topology.Graph, ids ...string) {
	for _, id := range ids {
		g.Begin(id)
		g.Finish(id)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()

	t.Run("gives children after all of their parents", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, shards("a. b. c./a d/a e/b,c"))
		wantReady(t, g, "a b")
		g.Begin("a")
		g.Begin("b")
		wantReady(t, g, "")
		g.Finish("a")
		wantReady(t, g, "c d")
		g.Finish("b")
		wantReady(t, g, "c d")
		g.Begin("c")
		wantReady(t, g, "d")
		g.Finish("c")
		wantReady(t, g, "d e")
		read(g, "d", "e")
		wantReady(t, g, "")
		if !g.Done() {
			t.Error("not done with all shards read")
		}
	})

	t.Run("blocks a child whose listed parent has not begun", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, shards("b/a a."))
		wantReady(t, g, "a")
	})

	t.Run("learns of a second parent from a later listing", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, shards("a b"))
		g.Begin("a")
		g.Begin("b")
		g.Children(shards("c/a"))
		g.Finish("a")
		g.List(0, shards("a. b. c/a,b"))
		wantReady(t, g, "")
		g.Finish("b")
		wantReady(t, g, "c")
	})

	t.Run("orders by the number in the ID", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, shards("s-10 s-9 s-100 s-1"))
		wantReady(t, g, "s-1 s-9 s-10 s-100")
	})

	t.Run("does not hang on parents that form a circle", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, shards("a/a b/c c/d d/b"))
		wantReady(t, g, "a")
		read(g, "a")
		wantReady(t, g, "b")
		read(g, "b")
		wantReady(t, g, "d")
		read(g, "d", "c")
		if !g.Done() {
			t.Error("not done")
		}
	})

	t.Run("never gives a shard twice, whatever old listings say", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, shards("a."))
		read(g, "a")
		g.List(0, shards("b/a"))
		g.Begin("b")
		g.List(0, shards("a"))
		g.Children(shards("a b/a"))
		g.Begin("a")
		wantReady(t, g, "")
		if got := g.State("a"); got != topology.Done {
			t.Errorf("state = %v, want done", got)
		}
	})
}

func TestStartAtTip(t *testing.T) {
	t.Parallel()

	t.Run("skips the closed shards of the first listing", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtTip)
		g.List(0, shards("a. b. c./a,b d/c e/c f"))
		wantReady(t, g, "d e f")
		if g.State("c") != topology.Done || g.Late("d") {
			t.Errorf("c is %v, d late: %v; want done and false", g.State("c"), g.Late("d"))
		}
	})

	t.Run("takes a parent that is listed as open beside its child for closed", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtTip)
		g.List(0, shards("a b/a"))
		wantReady(t, g, "b")
	})

	t.Run("reads shards made while reading from their beginning, closed ones too", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtTip)
		g.List(0, shards("a"))
		read(g, "a")
		g.List(0, shards("a. b./a c/a d/b e/b"))
		wantReady(t, g, "b c")
		for _, id := range []string{"b", "c", "d", "e"} {
			if !g.Late(id) {
				t.Errorf("%s does not begin at the horizon", id)
			}
		}
	})

	t.Run("reads a child that the first listing lacked from its beginning", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtTip)
		g.List(0, shards("a. b/a"))
		g.List(0, shards("a. b/a c/a"))
		wantReady(t, g, "b c")
		if g.Late("b") || !g.Late("c") {
			t.Errorf("late: b %v, c %v; want false, true", g.Late("b"), g.Late("c"))
		}
	})

	t.Run("skips an old shard that only a later listing shows", func(t *testing.T) {
		t.Parallel()
		for _, listing := range []string{"a. b./a c/b", "c/b b./a a."} {
			g := topology.New(topology.AtTip)
			g.List(0, shards("c/b"))
			g.Begin("c")
			g.List(0, shards(listing))
			wantReady(t, g, "")
			if g.State("a") != topology.Done || g.State("b") != topology.Done {
				t.Errorf("%s: a is %v, b is %v; want both done", listing, g.State("a"), g.State("b"))
			}
		}
	})
}

func TestResume(t *testing.T) {
	t.Parallel()

	for _, tc := range []struct {
		name    string
		start   topology.Start
		resume  string // ID, with a dot if done
		listing string
		ready   string
		late    string // of those that are known
		done    string
	}{
		{
			"reads a named shard that was closed since, and its children from their beginning",
			topology.AtTip, "a", "a. b/a c/a", "a", "b c", "",
		},
		{
			"goes on with the children of a shard that was done",
			topology.AtTip, "a.", "a. b./a c/a d/b", "b c", "b c d", "a",
		},
		{
			"goes on with the children of a done shard that is not listed any more",
			topology.AtTip, "a.", "b./a c/a d/b", "b c", "b c d", "",
		},
		{
			"begins at the horizon where the line to a named shard is cut",
			topology.AtTip, "a", "d./b e/d x./y z/x", "d x", "d e x z", "",
		},
		{
			"leaves the start position to shards that have nothing to do with named ones",
			topology.AtTip, "a", "a k. m/k", "a m", "", "k",
		},
		{
			"reads unnamed ancestors of a named shard as the start says",
			topology.AtHorizon, "b", "a. b/a", "a", "", "",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := topology.New(tc.start)
			for _, s := range shards(tc.resume) {
				g.Resume(s.ID, s.Closed)
			}
			g.List(0, shards(tc.listing))
			wantReady(t, g, tc.ready)
			var late, done []string
			for s, state := range g.All() {
				if g.Late(s.ID) {
					late = append(late, s.ID)
				}
				if state == topology.Done {
					done = append(done, s.ID)
				}
			}
			if got := strings.Join(late, " "); got != tc.late {
				t.Errorf("late = %q, want %q", got, tc.late)
			}
			if got := strings.Join(done, " "); got != tc.done {
				t.Errorf("done = %q, want %q", got, tc.done)
			}
		})
	}
}

func TestUnknownShards(t *testing.T) {
	t.Parallel()
	g := topology.New(topology.AtHorizon)
	g.Begin("x")
	g.Finish("x")
	if g.State("x") != topology.Unknown || g.Late("x") || !g.Done() || len(g.Ready()) != 0 {
		t.Errorf("an empty graph knows x: %v", g.State("x"))
	}
}

func TestStateString(t *testing.T) {
	t.Parallel()
	var names []string
	for s := range topology.Done + 2 {
		names = append(names, s.String())
	}
	if got, want := strings.Join(names, " "), "unknown waiting reading done invalid"; got != want {
		t.Errorf("names = %q, want %q", got, want)
	}
}
