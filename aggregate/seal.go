package aggregate

import (
	"crypto/fips140"
	"crypto/md5" //nolint:gosec // see frame.go

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/md5lanes"
)

// PackUnsealed is [Builder.PackAt] for a caller who packs several records before it puts
// them: the checksum is left out, which is most of the work, and [Seal] makes up for it. Put
// the record only then. Before, a reader would take it for a plain user record.
//
// Data uses the memory of buf from its start, whatever its length.
func (b *Builder) PackUnsealed(buf []byte, hi, lo uint64) Packed {
	if len(b.entries) == 0 {
		return Packed{}
	}
	p := b.pack()
	if p.ExplicitHashKey == "" {
		p.ExplicitHashKey = hashkey.Key{Hi: hi, Lo: lo}.String()
	}
	if p.Aggregated {
		p.Data = append(b.appendMessage(buf[:0]), make([]byte, md5.Size)...)
	}
	return p
}

// Seal writes the checksums of the records that [Builder.PackUnsealed] has packed into their
// data. Some processors do that for many records of about the same size at once in a
// third of the time that they need for one after the other. Records that are not aggregated
// are left as they are, and sealing a record twice does not change it.
func Seal(records []Packed) {
	messages := make([][]byte, 0, len(records))
	for _, p := range records {
		if p.Aggregated {
			messages = append(messages, p.Data[len(magic):len(p.Data)-md5.Size])
		}
	}
	sums := make([][md5.Size]byte, len(messages))
	if fips140.Enforced() {
		for i, m := range messages {
			sums[i] = checksum(m)
		}
	} else {
		md5lanes.Sum(sums, messages)
	}
	for _, p := range records {
		if p.Aggregated {
			copy(p.Data[len(p.Data)-md5.Size:], sums[0][:])
			sums = sums[1:]
		}
	}
}
