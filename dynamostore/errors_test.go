package dynamostore_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/lease"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	api := func(code string) error { return apiError(code, "the words of the service.") }
	tests := map[string]struct {
		err  error
		want string
	}{
		"no table":              {api("ResourceNotFoundException"), "(there is no table of that name that is ready, in this region and account: create it, or wait for it)"},
		"a table that changes":  {api("ResourceInUseException"), "(the table is being created, changed or deleted: wait for it)"},
		"no permission":         {api("AccessDeniedException"), "(the caller needs dynamodb:UpdateItem on the table; docs/iam.md has the policies)"},
		"another key":           {apiError("ValidationException", "The provided key element does not match the schema"), "(is it a table for leases? it needs the partition key part"},
		"another bad argument":  {apiError("ValidationException", "Item size has exceeded the maximum"), "maximum"},
		"expired credentials":   {api("ExpiredTokenException"), "(the credentials have expired)"},
		"wrong credentials":     {api("UnrecognizedClientException"), "(check the credentials, the region and the clock of this machine)"},
		"another service":       {api("UnknownOperationException"), "(the endpoint does not know this operation: is it DynamoDB?)"},
		"a key of encryption":   {api("KMSAccessDeniedException"), "(the table is encrypted with a key that the caller can't use)"},
		"no such host":          {&net.DNSError{Err: "no such host", Name: "dynamodb.eu-mars-1.amazonaws.com", IsNotFound: true}, "(no such host: check the region and the endpoint)"},
		"no region":             {errors.New("resolve endpoint: A region must be set"), "(set a region, for example with AWS_REGION)"},
		"no credentials":        {errors.New("no EC2 IMDS role found: failed to refresh cached Credentials"), "(no credentials were found)"},
		"what nobody can know":  {errors.New("strange"), "strange"},
		"an operation unknown":  {&smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}, "the caller needs dynamodb:UpdateItem"},
		"an expired short name": {api("ExpiredToken"), "(the credentials have expired)"},
	}
	// What passes by itself is not of these.
	setup := map[string]bool{
		"no table": true, "no permission": true, "another key": true, "expired credentials": true,
		"wrong credentials": true, "another service": true, "no region": true,
		"an operation unknown": true, "an expired short name": true,
	}
	for name, test := range tests {
		t.Run("name what may help against "+name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			store, rows := seed(t, f, 1)
			f.fails = test.err
			_, err := store.Update(t.Context(), group, handOvers(rows))
			e, ok := errors.AsType[*dynamostore.Error](err)
			if !ok {
				t.Fatalf("error = %#v, want an *Error", err)
			}
			if got := e.Error(); !strings.HasPrefix(got, "dynamostore: update leases of group billing in table kin: ") || !strings.HasSuffix(got, test.want) && !strings.Contains(got, test.want) {
				t.Errorf("error = %q, want one that ends with %q", got, test.want)
			}
			if !errors.Is(err, test.err) {
				t.Errorf("error %v does not wrap its cause", err)
			}
			if got, want := errors.Is(err, lease.ErrSetup), setup[name]; got != want {
				t.Errorf("error %q is ErrSetup: %v, want %v", err, got, want)
			}
			if strings.Contains(e.Error(), ". (") {
				t.Errorf("error = %q, with a full stop before the hint", e.Error())
			}
		})
	}
}
