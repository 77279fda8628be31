// Package cbor reads and writes the part of CBOR (RFC 8949) that Kinesis
// speaks, without allocating and without reflection.
//
// Writing is done by append functions: the caller owns the buffer, says how
// many members a map has, and writes the members one after the other.
//
// Reading is done by a [Reader], a cursor over bytes that are already in
// memory. The caller walks the structure that it expects and skips what it does
// not know:
//
//	bytes   a2 | 64 4e616d65 | 61 78 | 64 44617461 | 43 010203
//	        ^    ^             ^       ^             ^
//	        Map  Text (key)    Text    Text (key)    Bytes
//	             -> "Name"     -> "x"  -> "Data"     -> alias of the buffer
//
// What holds for every input, however hostile:
//
//   - No method panics, and the cursor never leaves the buffer.
//   - No length that was read is trusted: a string, array or map that announces
//     more than the rest of the buffer could hold is refused at once with
//     [ErrTruncated], so a count returned by Map or Array is at most the number
//     of bytes left. A caller that allocates by count still bounds it by the
//     size that its own elements have at least.
//   - Nesting deeper than [MaxDepth] is refused, so skipping needs no recursion.
//   - Text and Bytes alias the buffer. Only strings of indefinite length that
//     have more than one chunk are copied, because their bytes do not lie together.
//   - After an error the cursor is somewhere inside the item that failed: the
//     buffer is not read further.
//
// Text is not checked to be valid UTF-8, and duplicate keys are the caller's
// business: for Kinesis the last one wins.
//
// The dialect differs from the RFC in one point: a timestamp is tag 1 with an
// integer count of milliseconds, not of seconds. [AppendTime] writes that, and
// [Reader.Time] reads that and the RFC's own forms.
package cbor
