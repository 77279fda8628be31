package dynamostore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/dynamostore"
)

// states says what DescribeTable says one look after the other; the last one goes on.
func states(all ...tableState) func(int) tableState {
	return func(looks int) tableState { return all[min(looks, len(all))-1] }
}

var (
	noTable  = tableState{}
	creating = tableState{status: types.TableStatusCreating}
	active   = tableState{status: types.TableStatusActive}
	deleting = tableState{status: types.TableStatusDeleting}
)

func TestCreateTable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		states  []tableState
		creates int
		err     string
	}{
		"that is there is left alone":                      {[]tableState{active}, 0, ""},
		"that is being changed is ready":                   {[]tableState{{status: types.TableStatusUpdating}}, 0, ""},
		"waits until it is ready":                          {[]tableState{noTable, creating, creating, active}, 1, ""},
		"copes with a table that is not seen at once":      {[]tableState{noTable, noTable, noTable, creating, active}, 3, ""},
		"that somebody else makes waits for it":            {[]tableState{creating, active}, 0, ""},
		"that is being deleted makes it again":             {[]tableState{deleting, deleting, noTable, creating, active}, 1, ""},
		"with another partition key":                       {[]tableState{{status: types.TableStatusActive, hash: "leaseKey"}}, 0, "HASH leaseKey (S), RANGE row (S): it needs the partition key part"},
		"without a sort key":                               {[]tableState{{status: types.TableStatusActive, oneKey: true}}, 0, "with the key HASH part (S):"},
		"with numbers as sort key":                         {[]tableState{{status: types.TableStatusActive, numbers: true}}, 0, "RANGE row (N)"},
		"with another key is found while it is being made": {[]tableState{{status: types.TableStatusCreating, oneKey: true}}, 0, "HASH part (S):"},
		"that is not usable says so":                       {[]tableState{{status: types.TableStatusArchived}}, 0, "ARCHIVED"},
		"that the caller may not see names the permission": {[]tableState{{err: apiError("AccessDeniedException", "not authorized")}}, 0, "the caller needs dynamodb:DescribeTable on the table"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.describes = states(test.states...)
				err := open(t, f).CreateTable(t.Context(), dynamostore.TableConfig{})
				if got := f.looks; test.err == "" && got != len(test.states) {
					t.Errorf("looks = %d, want %d", got, len(test.states))
				}
				if got := len(f.create); got != test.creates {
					t.Errorf("CreateTable calls = %d, want %d", got, test.creates)
				}
				if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
					t.Errorf("error = %v, want one with %q", err, test.err)
				}
			})
		})
	}

	t.Run("by two at the same time makes one", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.describes = func(looks int) tableState { return states(noTable, noTable, creating, active)(looks) }
			errs := make(chan error, 2)
			for range 2 {
				go func() { errs <- open(t, f).CreateTable(t.Context(), dynamostore.TableConfig{}) }()
			}
			if err := errors.Join(<-errs, <-errs); err != nil {
				t.Error(err)
			}
		})
	})

	t.Run("names the permissions to make it", func(t *testing.T) {
		t.Parallel()
		f := newFake()
		f.describes = states(noTable)
		f.fault = func(c fakeCall) fault {
			if c.op == "CreateTable" {
				return denied
			}
			return none
		}
		err := open(t, f).CreateTable(t.Context(), dynamostore.TableConfig{})
		if want := "needs dynamodb:CreateTable, and dynamodb:TagResource for tags, on the table"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one with %q", err, want)
		}
	})

	t.Run("ends with its context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.describes = states(creating)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			err := open(t, f).CreateTable(ctx, dynamostore.TableConfig{})
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
				t.Errorf("error = %v after %v, want DeadlineExceeded after a minute", err, time.Since(began))
			}
		})
	})
}

func TestCreateTableSettings(t *testing.T) {
	t.Parallel()
	settings := func(t *testing.T, config dynamostore.TableConfig) *dynamodb.CreateTableInput {
		t.Helper()
		f := newFake()
		f.describes = states(noTable, active)
		if err := open(t, f).CreateTable(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		return f.create[0]
	}

	t.Run("of a plain table bill on demand", func(t *testing.T) {
		t.Parallel()
		in := settings(t, dynamostore.TableConfig{})
		if in.BillingMode != types.BillingModePayPerRequest || in.ProvisionedThroughput != nil || in.Tags != nil || in.DeletionProtectionEnabled != nil {
			t.Errorf("settings = %+v, want billing on demand and nothing else", in)
		}
	})

	t.Run("of all kinds are passed on", func(t *testing.T) {
		t.Parallel()
		in := settings(t, dynamostore.TableConfig{
			ReadUnits: 5, WriteUnits: 7, Tags: map[string]string{"team": "search", "app": "kin"}, DeletionProtection: true,
		})
		if in.BillingMode != types.BillingModeProvisioned || *in.ProvisionedThroughput.ReadCapacityUnits != 5 || *in.ProvisionedThroughput.WriteCapacityUnits != 7 {
			t.Errorf("billing = %s %+v, want 5 and 7 provisioned units", in.BillingMode, in.ProvisionedThroughput)
		}
		if len(in.Tags) != 2 || *in.Tags[0].Key != "app" || *in.Tags[1].Value != "search" || !aws.ToBool(in.DeletionProtectionEnabled) {
			t.Errorf("settings = %+v, want both tags and deletion protection", in)
		}
	})

	for name, config := range map[string]dynamostore.TableConfig{
		"of one kind of units":  {ReadUnits: 5},
		"of the other kind":     {WriteUnits: 5},
		"of less than no units": {ReadUnits: -1, WriteUnits: -1},
	} {
		t.Run(name+" are refused", func(t *testing.T) {
			t.Parallel()
			if err := open(t, newFake()).CreateTable(t.Context(), config); err == nil || !strings.Contains(err.Error(), "TableConfig.ReadUnits") {
				t.Errorf("error = %v, want one about TableConfig.ReadUnits", err)
			}
		})
	}
}
