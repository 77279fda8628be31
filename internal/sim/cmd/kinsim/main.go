// Command kinsim runs whole groups in virtual time, from one seed after the other, until one
// breaks a promise of package lease or the time is up. See docs/simulation.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin/internal/sim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	seed    uint64
	seeds   uint64
	first   uint64
	length  time.Duration
	hours   float64
	workers int
	large   bool
	mutant  string
	trace   bool
	tail    int
	shrink  int
	all     bool
}

// Exit codes: 1 if a promise was broken, 2 if the flags are wrong.
const (
	exitBroken = 1
	exitUsage  = 2
)

func run(ctx context.Context, args []string, out, diagnostics io.Writer) int {
	var o options
	flags := flag.NewFlagSet("kinsim", flag.ContinueOnError)
	flags.SetOutput(diagnostics)
	flags.Uint64Var(&o.seed, "seed", 0, "run only the scenario of this `seed`, and say what happened")
	flags.Uint64Var(&o.seeds, "seeds", 0, "run this many seeds")
	flags.Uint64Var(&o.first, "first", 1, "the first `seed`")
	flags.DurationVar(&o.length, "time", 0, "stop after this time")
	flags.Float64Var(&o.hours, "hours", 0, "stop after this many group-hours in virtual time")
	flags.IntVar(&o.workers, "parallel", runtime.GOMAXPROCS(0), "runs side by side")
	flags.BoolVar(&o.large, "large", false, "groups of up to 50 workers and 1,000 shards")
	flags.StringVar(&o.mutant, "mutant", "", "make a mistake on purpose: "+mutants())
	flags.BoolVar(&o.trace, "trace", false, "with -seed: print every event")
	flags.IntVar(&o.tail, "tail", 60, "how many events a failure shows")
	flags.IntVar(&o.shrink, "shrink", 300, "how many runs to spend on a smaller scenario that fails")
	flags.BoolVar(&o.all, "all", false, "don't stop at the first failure, and show one line for each")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if o.seeds == 0 && o.length == 0 && o.hours == 0 {
		o.seeds = 1000
	}
	if o.seed != 0 {
		return one(o, out)
	}
	return many(ctx, o, out)
}

func mutants() string {
	var names []string
	for _, m := range sim.Mutants() {
		names = append(names, string(m))
	}
	return strings.Join(names, ", ")
}

func (o options) scenario(seed uint64) sim.Scenario {
	if o.large {
		return sim.Generate(seed, sim.Large)
	}
	return sim.Generate(seed, sim.Small)
}

// one runs one scenario.
func one(o options, out io.Writer) int {
	s := o.scenario(o.seed)
	how := sim.Options{Mutant: sim.Mutant(o.mutant)}
	if o.trace {
		how.Trace = out
	}
	r := sim.Run(s, how)
	if r.Violation == nil {
		fmt.Fprint(out, s)
		var t sim.Total
		t.Add(s, r)
		t.Print(out)
		fmt.Fprintf(out, "in a calm time: %+v\n", r.Requests)
		return 0
	}
	fail(o, out, s, r)
	return exitBroken
}

// fail shows a failure, and a smaller scenario that fails too.
func fail(o options, out io.Writer, s sim.Scenario, r sim.Result) {
	how := sim.Options{Mutant: sim.Mutant(o.mutant)}
	fmt.Fprintf(out, "seed %d breaks a promise: %v\n", s.Seed, r.Violation)
	if o.shrink > 0 {
		fmt.Fprintln(out, "looking for a smaller scenario")
		s = sim.Shrink(s, how, o.shrink)
		r = sim.Run(s, how)
	}
	sim.PrintFailure(out, s, r, o.tail)
}

// many runs scenarios side by side.
func many(ctx context.Context, o options, out io.Writer) int {
	began := time.Now()
	var next, spent atomic.Int64
	var mu sync.Mutex // guards total, failed and result
	var total sim.Total
	var failed *sim.Scenario
	broken := false
	var result sim.Result
	enough := func(n uint64) bool {
		mu.Lock()
		defer mu.Unlock()
		return failed != nil || ctx.Err() != nil || o.seeds > 0 && n >= o.seeds ||
			o.length > 0 && time.Since(began) > o.length || o.hours > 0 && time.Duration(spent.Load()).Hours() >= o.hours
	}
	var wg sync.WaitGroup
	for range o.workers {
		wg.Go(func() {
			for {
				n := uint64(next.Add(1) - 1)
				if enough(n) {
					return
				}
				s := o.scenario(o.first + n)
				r := sim.Run(s, sim.Options{Mutant: sim.Mutant(o.mutant)})
				spent.Add(int64(r.Time))
				mu.Lock()
				switch {
				case r.Violation == nil:
					total.Add(s, r)
				case o.all:
					fmt.Fprintf(out, "seed %d breaks a promise: %v\n", s.Seed, r.Violation)
					broken = true
				case failed == nil || s.Seed < failed.Seed:
					failed, result = &s, r
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	total.Print(out)
	fmt.Fprintf(out, "in %s\n", time.Since(began).Round(time.Millisecond))
	switch {
	case broken:
		return exitBroken
	case failed == nil:
		fmt.Fprintln(out, "no promise was broken")
		return 0
	}
	fail(o, out, *failed, result)
	return exitBroken
}
