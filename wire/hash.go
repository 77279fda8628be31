package wire

import (
	"context"
	"encoding/hex"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// addPayloadHash adds payloadHash before the SDK's own middleware for the same
// purpose, which leaves alone what has been computed already. A stack whose owner has taken that
// one out signs otherwise, and is left as it is.
func addPayloadHash(stack *middleware.Stack) error {
	id := (*v4.ComputePayloadSHA256)(nil).ID()
	m, _ := stack.Finalize.Get(id)
	if _, ok := m.(*v4.ComputePayloadSHA256); !ok {
		return nil
	}
	return stack.Finalize.Insert(payloadHash{}, id, middleware.Before)
}

// payloadHash computes the hash that is signed from the body where it lies. The
// SDK copies it through a buffer for that, because it knows no more of a body than how to read it.
type payloadHash struct{}

// ID names the middleware.
func (payloadHash) ID() string { return "KinWirePayloadHash" }

// HandleFinalize computes the hash of a body that is still the one of SerializeRequest.
func (payloadHash) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	if req, ok := in.Request.(*smithyhttp.Request); ok && v4.GetPayloadHash(ctx) == "" {
		if body, ok := req.GetStream().(*hotBody); ok {
			if sum, ok := body.sum(); ok {
				ctx = v4.SetPayloadHash(ctx, hex.EncodeToString(sum[:]))
			}
		}
	}
	return next.HandleFinalize(ctx, in)
}
