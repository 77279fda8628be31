package fetch_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/internal/fetch"
)

func TestCallsAtATime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		takes time.Duration // each call
		most  int           // at a time
		all   time.Duration
	}{
		"calls wait for each other":              {100 * time.Millisecond, 4, 500 * time.Millisecond},
		"calls that hang hold up the others 1 s": {time.Hour, 20, time.Hour + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				caller := fetch.Caller{Timeout: 2 * time.Hour, Slots: make(chan struct{}, 4)}
				var mu sync.Mutex
				now, most := 0, 0
				method := func(context.Context, *int, ...func(*kinesis.Options)) (*int, error) {
					mu.Lock()
					now++
					most = max(most, now)
					mu.Unlock()
					time.Sleep(tt.takes)
					mu.Lock()
					defer mu.Unlock()
					now--
					return new(1), nil
				}
				began := time.Now()
				var calls sync.WaitGroup
				for range 20 {
					calls.Go(func() {
						if _, err := fetch.Call(t.Context(), caller, "Op", method, new(0)); err != nil {
							t.Error(err)
						}
					})
				}
				calls.Wait()
				if took := time.Since(began); most != tt.most || took != tt.all {
					t.Errorf("%d calls at a time, %v in all; want %d and %v", most, took, tt.most, tt.all)
				}
				if len(caller.Slots) != 0 {
					t.Errorf("%d slots are taken, want none", len(caller.Slots))
				}
			})
		})
	}
}
