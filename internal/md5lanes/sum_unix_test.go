//go:build unix

package md5lanes_test

import (
	"os"
	"syscall"
	"testing"
)

// The messages end where memory ends: to read one byte more would end the process.
func TestNoByteOutsideOfTheMessagesIsRead(t *testing.T) {
	t.Parallel()
	page := os.Getpagesize()
	const pages = 16
	memory, err := syscall.Mmap(-1, 0, (pages+2)*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(memory); err != nil {
			t.Error(err)
		}
	})
	first, last := memory[:page], memory[(pages+1)*page:]
	for _, guard := range [][]byte{first, last} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	inside := memory[page : (pages+1)*page]
	for i := range inside {
		inside[i] = byte(i * i >> 3)
	}
	for n := range 200 {
		var messages [][]byte
		for i := range 16 {
			size := len(inside) - 5*page - n - 70*i
			messages = append(messages, inside[:size], inside[len(inside)-size:])
		}
		check(t, messages)
	}
}
