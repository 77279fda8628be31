package cli

import (
	"context"

	"github.com/kinstream/kin/memstore"
)

// openStoreAt opens the store at an address.
func (a *app) openStoreAt(ctx context.Context, address storeAddress, create bool) (*openedStore, error) {
	return &openedStore{Store: memstore.New(), close: func() error { return nil }}, nil
}
