package memstore_test

import (
	"testing"

	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/lease/leasetest"
	"github.com/kinstream/kin/memstore"
)

func TestStore(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	leasetest.Run(t, func(testing.TB) lease.Store { return store })
}
