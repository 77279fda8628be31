// Package server starts the servers that kin is tested against: Kinesis servers, its
// own and those that others wrote, and the DynamoDB servers of [DynamoDBKinds].
//
// A test asks for a [Kind], gets a running [Server] on a free loopback port, and
// has it stopped when it ends:
//
//	for _, kind := range server.Kinds() {
//		t.Run(kind.Name, func(t *testing.T) {
//			s := kind.Start(t)
//			client := s.Client()
//
// What a server cannot do stands in its [Capabilities], so that tests ask for an
// ability, not for a name. Programs are looked up below .tools/, where setup.sh
// puts them; nothing is taken from the PATH but the runtimes. A missing program
// fails the test if CI is true or KIN_E2E is "required", and skips it otherwise.
//
//	test ── Kind.Start ──┬─ kintest        in this process, over loopback
//	                     ├─ kin serve      built from cmd/kin, a process
//	                     ├─ kinesalite     node
//	                     ├─ kinesis-local  node
//	                     └─ ferrokinesis   native
package server
