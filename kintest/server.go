package kintest

import (
	"time"

	"github.com/kinstream/kin/kintest/internal/proto"
)

// Server is a local Kinesis. It keeps streams in memory and answers requests over
// the networks that it was told to serve. Make one with [New] or [NewServer]. A
// Server is safe for concurrent use.
type Server struct {
	config Config
	front  front // the transport's part; see front.go
}

// NewServer makes a server that serves nothing yet: see [Server.Serve],
// [Server.Handler] and [Server.Client].
func NewServer(config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{config: config}
	s.front.init(s)
	return s, nil
}

// newCall makes a call for the transport, which fills in what it knows better.
func (s *Server) newCall(op string) *call {
	return &call{op: op, account: s.config.Account, region: s.config.Region, now: time.Now(), protocol: "direct"}
}

// putRecords is PutRecords.
func (s *Server) putRecords(c *call, in *proto.PutRecordsRequest, out *proto.PutRecordsReply) error {
	return fail(codeUnsupported, unsupportedByUsFormat, c.op)
}

// putRecord is PutRecord.
func (s *Server) putRecord(c *call, in *proto.PutRecordRequest, out *proto.PutRecordReply) error {
	return fail(codeUnsupported, unsupportedByUsFormat, c.op)
}

// getRecords is GetRecords.
func (s *Server) getRecords(c *call, in *proto.GetRecordsRequest, out *proto.GetRecordsReply) error {
	return fail(codeUnsupported, unsupportedByUsFormat, c.op)
}

// operations returns the table of the cold operations by name.
func operations() map[string]operation { return map[string]operation{} }
