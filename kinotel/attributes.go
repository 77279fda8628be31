package kinotel

import (
	"errors"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/kinstream/kin"
)

// Attributes, by the semantic conventions where these have one.
const (
	keySystem    = attribute.Key("messaging.system")
	keyOperation = attribute.Key("messaging.operation.name")
	keyType      = attribute.Key("messaging.operation.type")
	keyStream    = attribute.Key("messaging.destination.name")
	keyShard     = attribute.Key("messaging.destination.partition.id")
	keyGroup     = attribute.Key("messaging.consumer.group.name")
	keyError     = attribute.Key("error.type")

	keyLimit  = attribute.Key("kin.limit")
	keyState  = attribute.Key("kin.state")
	keyReason = attribute.Key("kin.reason")
	keyEvent  = attribute.Key("kin.event")
)

// system is this messaging system's name, formed as those of its siblings are: the conventions have none for it.
const system = "aws.kinesis"

// otherError is the value of error.type when nothing better is known.
const otherError = "_OTHER"

// labelValue is a phrase as the value of an attribute.
func labelValue(phrase string) string { return strings.ReplaceAll(phrase, " ", "_") }

// errorType says in a word what an error is: the service's code, if it has one.
func errorType(err error) string {
	if api, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err); ok { // as errors of the SDK are
		return api.ErrorCode()
	}
	if _, ok := errors.AsType[*kin.PanicError](err); ok {
		return "panic"
	}
	return otherError
}
