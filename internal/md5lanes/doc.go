// Package md5lanes computes the MD5 of many messages at once, on processors that
// can (amd64 with AVX2), in a third of the time that they take one after the other. It is for
// checksums of aggregated records, of which a producer makes a hundred at a time: they are the
// largest single cost of a small record.
//
// MD5 is one long chain of steps that wait for each other, so a processor is mostly idle
// while it hashes one message. Here 8 messages are hashed side by side, one in each
// lane of the vector registers:
//
//	lane 0  |==========block by block==========|=tail=|
//	lane 1  |==========block by block==========|=tail=|
//	...
//	lane 7  |==========block by block======|=tail=|idle|
//
// Messages are sorted by length, so that those of a group end at about the same time. A
// group of too few, or of too different lengths, goes through crypto/md5 one by one, as all
// messages do on other processors and with the build tag purego.
//
// The assembly is written by hand: the four rounds of RFC 1321 as macros, which no compiler makes
// of Go code since it has no vectors. BenchmarkSum measures the gain on a processor.
//
// What holds:
//
//   - The result is that of crypto/md5, for all lengths: TestSum, FuzzSum.
//   - No byte outside of the messages is read: TestNoByteOutsideOfTheMessagesIsRead, whose
//     messages end where memory ends.
//   - The processor is given back to the scheduler after 64 KiB of all lanes together.
//   - Nothing is secured by MD5 here. Programs that forbid it (GODEBUG=fips140=only) do not
//     get past the caller, who asks crypto/fips140.
package md5lanes
