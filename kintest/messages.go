package kintest

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// Errors in the service's wording that several operations have.

func notFound(key streamKey) error {
	return fail(codeResourceNotFound, "Stream %s under account %s not found.", key.name, key.account)
}

func notActive(key streamKey, phase types.StreamStatus) error {
	return fail(codeResourceInUse, "Stream %s under account %s not ACTIVE, instead in state %s", key.name, key.account, phase)
}

// shardNotFound is the error of operations that change shards.
func shardNotFound(key streamKey, shard string) error {
	return fail(codeResourceNotFound, "Could not find shard %s in stream %s under account %s.", shard, key.name, key.account)
}

// shardMissing is the error of operations that read.
func shardMissing(key streamKey, shard string) error {
	return fail(codeResourceNotFound, "Shard %s in stream %s under account %s does not exist", shard, key.name, key.account)
}

func shardRateExceeded(key streamKey, shard string) string {
	return "Rate exceeded for shard " + shard + " in stream " + key.name + " under account " + key.account + "."
}

func expiredToken(s *Server, c *call, made time.Time) error {
	return fail(codeExpiredNextToken, "NextToken expired. The token was created at time %s while right now it is %s "+
		"which is further in the future than the tolerated delay of %d milliseconds.",
		serviceTime(made), serviceTime(c.now), s.config.NextTokenTTL.Milliseconds())
}

func dryRun() error { return fail(codeDryRun, dryRunMessage) }

func unsupported(op string) error { return fail(codeUnsupported, unsupportedByUsFormat, op) }

// internalFailure is what is left when we can't do our part.
func internalFailure(err error) error {
	return &apiError{Code: codeInternalFailure, Message: err.Error(), Status: http.StatusInternalServerError}
}

// serviceTime is a time as the service writes it into messages.
func serviceTime(t time.Time) string { return t.UTC().Format("Mon Jan 02 15:04:05 UTC 2006") }
