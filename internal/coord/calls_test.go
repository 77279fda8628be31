package coord_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
)

func TestCallTimeout(t *testing.T) {
	t.Parallel()
	const least, usual, most = 3 * time.Second, 10 * time.Second, 5 * time.Minute
	for _, c := range []struct {
		calls []coord.Action
		ttl   time.Duration
		want  time.Duration
	}{
		{[]coord.Action{coord.Beat{}, coord.Poll{}}, least, time.Second},
		{[]coord.Action{coord.Beat{}, coord.Poll{}}, usual, 2 * time.Second},
		{[]coord.Action{coord.Beat{}, coord.Poll{}}, most, time.Minute},
		{[]coord.Action{coord.Join{}, coord.Drain{}, coord.Forget{}, coord.PutStream{}}, least, 3 * time.Second},
		{[]coord.Action{coord.Join{}, coord.Drain{}, coord.Forget{}, coord.PutStream{}}, usual, 5 * time.Second},
		{[]coord.Action{coord.Load{}, coord.Update{}}, least, 5 * time.Second},
		{[]coord.Action{coord.Load{}, coord.Update{}}, most, 150 * time.Second},
		{[]coord.Action{coord.List{}}, usual, 30 * time.Second},
	} {
		for _, a := range c.calls {
			t.Run(fmt.Sprintf("%T with a TTL of %v", a, c.ttl), func(t *testing.T) {
				t.Parallel()
				if got := coord.CallTimeout(c.ttl, a); got != c.want {
					t.Errorf("time-out = %v, want %v", got, c.want)
				}
			})
		}
	}
}
