package coord_test

import (
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
)

// Two workers that stop one after the other have each other's leases on the way.
func TestLeavingTogether(t *testing.T) {
	t.Parallel()
	for _, slow := range []string{"", "Load", "Forget", "Update", "Drain"} {
		t.Run("in order, however closely: slow are calls of "+slow, func(t *testing.T) {
			t.Parallel()
			for gap := time.Duration(0); gap < 1500*time.Millisecond; gap += 7 * time.Millisecond {
				w := newWorld(t, 3)
				if slow != "" {
					w.delay = func(op string) time.Duration {
						if op == slow {
							return 200 * time.Millisecond
						}
						return 0
					}
				}
				a, b := w.start("a"), w.start("b")
				w.run(20*time.Second + gap/3)
				a.tell(coord.Leave{})
				w.run(gap)
				b.tell(coord.Leave{})
				w.until(20*time.Second, "both have left", func() bool { return a.left != nil && b.left != nil })
				if leftErr(a) != nil || leftErr(b) != nil {
					t.Fatalf("%v after one another they left with %v and %v, want nil\n%s", gap, leftErr(a), leftErr(b), w)
				}
			}
		})
	}
}
