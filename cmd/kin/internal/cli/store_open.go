package cli

import (
	"context"

	"github.com/kinstream/kin/memstore"
)

// openStoreAt opens the store at an address.
func (a *app) openStoreAt(ctx context.Context, address *storeAddress, create bool) (*openedStore, error) {
	opened := &openedStore{close: func() error { return nil }}
	var err error
	switch address.kind {
	case storeMemory:
		opened.Store = memstore.New()
	case storeDynamoDB:
		opened.Store, err = a.openDynamoDB(ctx, address, create)
	case storeSQLite, storePostgres, storeMySQL:
		opened.Store, opened.close, err = openSQL(ctx, address, create)
	}
	if err != nil {
		return nil, err
	}
	return opened, nil
}
