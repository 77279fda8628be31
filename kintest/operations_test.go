package kintest_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/kintest"
)

// A new operation of the SDK makes this test fail, so that it is not forgotten.
func TestEveryOperationOfTheSDKIsThere(t *testing.T) {
	t.Parallel()
	have := append(kintest.Operations(), "PutRecord", "PutRecords", "GetRecords", "SubscribeToShard")
	client := reflect.TypeFor[*kinesis.Client]()
	found := 0
	for m := range client.Methods() {
		isOperation := m.Type.NumIn() == 4 && m.Type.In(1) == reflect.TypeFor[context.Context]()
		if !isOperation {
			continue
		}
		found++
		if !slices.Contains(have, m.Name) {
			t.Errorf("operation %s of the SDK is missing", m.Name)
		}
	}
	if found != len(have) {
		t.Errorf("the SDK has %d operations, the server %d", found, len(have))
	}
}

func TestInputsAreTheSDKs(t *testing.T) {
	t.Parallel()
	for _, op := range kintest.Operations() {
		if got, want := reflect.TypeOf(kintest.NewInput(op)).Elem().Name(), op+"Input"; got != want {
			t.Errorf("input of %s is a %s, want %s", op, got, want)
		}
	}
}

func TestChannelsAreRefusedClearly(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		for _, op := range []string{"CreateChannel", "DeleteChannel", "DescribeChannel", "ListChannels", "UpdateChannel"} {
			e.fails(op, kintest.NewInput(op), "UnsupportedOperationException", op+" is not supported by kintest")
		}
	})
}
