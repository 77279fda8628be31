package kin_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/memstore"
)

func TestNoClient(t *testing.T) {
	t.Parallel()
	handler := kin.HandlerFunc(nil)
	var sdk *kinesis.Client
	for name, construct := range map[string]func() error{
		"producer, nil":            func() error { _, err := kin.NewProducer(nil, kin.ProducerConfig{}); return err },
		"producer, nil of the SDK": func() error { _, err := kin.NewProducer(sdk, kin.ProducerConfig{}); return err },
		"reader, nil":              func() error { _, err := kin.NewReader(nil, kin.ReaderConfig{Stream: "orders"}); return err },
		"reader, nil of the SDK":   func() error { _, err := kin.NewReader(sdk, kin.ReaderConfig{Stream: "orders"}); return err },
		"consumer, nil of the SDK": func() error {
			_, err := kin.NewConsumer(sdk, kin.ConsumerConfig{Stream: "orders", Group: "billing", Store: memstore.New()}, handler)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := construct(); err == nil || !strings.HasSuffix(err.Error(), "client is nil") {
				t.Errorf("error = %v, want one that says that the client is nil", err)
			}
		})
	}
}
