package coord_test

import (
	"fmt"
	"testing"
	"time"
)

func TestGroup(t *testing.T) {
	t.Parallel()
	t.Run("one worker reads everything", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.start("a")
		took := w.until(time.Second, "all is read", func() bool { return w.even(4) })
		t.Logf("took %v", took)
	})
	t.Run("ten workers that start together share evenly within 5 seconds", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 100)
		for i := range 10 {
			w.start(fmt.Sprint("w", i))
		}
		took := w.until(5*time.Second, "all is shared", func() bool { return w.even(100) })
		t.Logf("took %v", took)
	})
}
