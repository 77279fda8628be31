package wire_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// staticCredentials sign requests to test servers.
var staticCredentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
})
