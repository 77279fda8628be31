// Package proxy is a TCP proxy that goes wrong on command, so that one worker can be cut
// off from a server that others still reach.
//
//	client ──requests──> [gate] ──> server
//	client <── [gate] ──answers── server
//
// What a closed gate holds back is delivered when it opens again, as TCP does after a
// partition: a request may reach the server long after its client gave it up.
package proxy
