//go:build !amd64 || purego

package md5lanes

// wide reports whether this processor can hash several messages at once.
func wide() bool { return false }

func block(*state, *[Lanes]*byte, int) {
	panic("md5lanes: BUG: block is called where there is none")
}
