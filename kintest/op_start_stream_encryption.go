package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// startStreamEncryption sets a flag that results and records carry. Nothing is
// encrypted, and any key exists.
func startStreamEncryption(s *Server, c *call, in *kinesis.StartStreamEncryptionInput) error {
	if in.EncryptionType != types.EncryptionTypeKms {
		return fail(codeInvalidArgument, "EncryptionType must be %s.", types.EncryptionTypeKms)
	}
	st, _, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	return st.update(c.now, s.config.StateDelay, func(next *streamState) (reshape, error) {
		if err := s.daily(c, &st.encrypt, encryptsPerDay, c.op, st.key); err != nil {
			return reshape{}, err
		}
		next.encryption = types.EncryptionTypeKms
		next.keyID = *in.KeyId
		return reshape{}, nil
	})
}
