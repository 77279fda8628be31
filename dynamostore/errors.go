package dynamostore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/internal/awshint"
	"github.com/kinstream/kin/lease"
)

// Error is returned by the methods of a [Store] when DynamoDB could not be called, refused a
// call, or has rows that can't be understood. It is not known whether anything was changed.
// Trying again is safe; where it does not help, Hint may. It wraps [lease.ErrSetup] if somebody
// has to set something right first. Errors that wrap [lease.ErrInvalid] and [lease.ErrNoWorker]
// come as they are.
type Error struct {
	// Op is what was to be done, such as "update leases".
	Op string

	// Group is the group, and empty if it was about the table.
	Group string

	// Table is the table as configured.
	Table string

	// Err is the cause, with the error of the SDK in its chain if there is one.
	Err error

	// Hint says what may help, and is empty if that is not known.
	Hint string

	setup bool
}

// Error says what failed, why, and what may help, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("dynamostore: " + e.Op)
	if e.Group != "" {
		b.WriteString(" of group " + e.Group)
	}
	fmt.Fprintf(&b, " in table %s: %v", e.Table, e.Err)
	if e.Hint == "" {
		return b.String()
	}
	return strings.TrimSuffix(b.String(), ".") + " (" + e.Hint + ")"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is says that the error is [lease.ErrSetup] if it is.
func (e *Error) Is(target error) bool { return e.setup && target == lease.ErrSetup }

// fail makes the error of a method. It returns nil for nil.
func (s *Store) fail(op, group string, err error) error {
	if err == nil || errors.Is(err, lease.ErrNoWorker) || errors.Is(err, lease.ErrInvalid) {
		return err
	}
	return &Error{Op: op, Group: group, Table: s.config.Table, Err: err, Hint: hint(err), setup: isSetup(err)}
}

// isSetup says whether trying again does not help until somebody has set something right.
// Throttling and keys of encryption that are away pass; so may credentials that were not found.
func isSetup(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		text := strings.ToLower(err.Error())
		return strings.Contains(text, "region must be set") || strings.Contains(text, "missing region")
	}
	switch code := api.ErrorCode(); {
	case code == "ResourceNotFoundException", code == "OptInRequired", code == "UnknownOperationException",
		strings.HasPrefix(code, "AccessDenied"), awshint.OfCode(code) != "": // the last: credentials
		return true
	case code == "ValidationException":
		return strings.Contains(strings.ToLower(api.ErrorMessage()), "key")
	}
	return false
}

// hint says what may help against an error of a call.
func hint(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return awshint.WithoutCode(err)
	}
	action := "it"
	if operation, ok := errors.AsType[*smithy.OperationError](err); ok {
		action = "dynamodb:" + operation.OperationName
	}
	code := api.ErrorCode()
	switch {
	case code == "ResourceNotFoundException":
		return "there is no table of that name that is ready, in this region and account: create it, or wait for it"
	case code == "ResourceInUseException":
		return "the table is being created, changed or deleted: wait for it"
	case strings.HasPrefix(code, "AccessDenied"), code == "OptInRequired":
		if action == "dynamodb:CreateTable" {
			action += ", and dynamodb:TagResource for tags,"
		}
		return "the caller needs " + action + " on the table; docs/iam.md has the policies"
	case code == "ValidationException" && strings.Contains(strings.ToLower(api.ErrorMessage()), "key"):
		return "is it a table for leases? " + wantedSchema
	case code == "UnknownOperationException":
		return "the endpoint does not know this operation: is it DynamoDB?"
	case strings.HasPrefix(code, "KMS"), code == "InaccessibleEncryptionCredentialsException":
		return "the table is encrypted with a key that the caller can't use"
	case code == (&types.ProvisionedThroughputExceededException{}).ErrorCode():
		return "the table has too few units of capacity: raise them, or bill on demand"
	}
	return awshint.OfCode(code)
}
