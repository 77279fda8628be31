//go:build amd64 && !purego

#include "textflag.h"

// Y0 to Y3 are a, b, c and d of MD5, a lane in each of their 8 numbers. SI, DI and R8 to R13
// are the messages, BX how far they are done, CX the blocks that are left. The
// stack holds the 16 words of a block, each of all lanes. Y15 is all ones.

// ADD adds word x and constant k to a.
#define ADD(a, x, k) \
	VPBROADCASTD (4*(k))(DX), Y8; \
	VPADDD (32*(x))(SP), Y8, Y8; \
	VPADDD Y8, a, a

// ROTATE adds Y9 to a, rotates it by s, and adds b.
#define ROTATE(a, b, s) \
	VPADDD Y9, a, a; \
	VPSLLD $s, a, Y10; \
	VPSRLD $(32-s), a, a; \
	VPOR Y10, a, a; \
	VPADDD b, a, a

#define F(a, b, c, d, x, k, s) \
	ADD(a, x, k); \
	VPXOR c, d, Y9; \
	VPAND b, Y9, Y9; \
	VPXOR d, Y9, Y9; \
	ROTATE(a, b, s)

// G is (b AND d) OR (c AND NOT d). The halves have no bit in common, so that they can be
// added, and only one of them waits for b.
#define G(a, b, c, d, x, k, s) \
	ADD(a, x, k); \
	VPANDN c, d, Y10; \
	VPADDD Y10, a, a; \
	VPAND b, d, Y9; \
	ROTATE(a, b, s)

#define H(a, b, c, d, x, k, s) \
	ADD(a, x, k); \
	VPXOR c, d, Y9; \
	VPXOR b, Y9, Y9; \
	ROTATE(a, b, s)

#define I(a, b, c, d, x, k, s) \
	ADD(a, x, k); \
	VPXOR Y15, d, Y9; \
	VPOR b, Y9, Y9; \
	VPXOR c, Y9, Y9; \
	ROTATE(a, b, s)

// PAIR interleaves the words of two messages, low halves into a, high halves into b.
#define PAIR(a, b) \
	VPUNPCKLDQ b, a, Y12; \
	VPUNPCKHDQ b, a, b; \
	VMOVDQA Y12, a

// QUAD interleaves the words of four messages from two pairs.
#define QUAD(a, b, c, d) \
	VPUNPCKLQDQ c, a, Y12; \
	VPUNPCKHQDQ c, a, Y13; \
	VPUNPCKLQDQ d, b, Y14; \
	VPUNPCKHQDQ d, b, d; \
	VMOVDQA Y12, a; \
	VMOVDQA Y13, b; \
	VMOVDQA Y14, c

// WORDS stores words x and x + 4 of all lanes, from two quads.
#define WORDS(a, b, x) \
	VPERM2I128 $0x20, b, a, Y12; \
	VPERM2I128 $0x31, b, a, Y13; \
	VMOVDQU Y12, (32*(x))(SP); \
	VMOVDQU Y13, (32*(x+4))(SP)

// HALF stores the words of half a block, from the first of them on.
#define HALF(x) \
	VMOVDQU (4*(x))(SI)(BX*1), Y4; \
	VMOVDQU (4*(x))(DI)(BX*1), Y5; \
	VMOVDQU (4*(x))(R8)(BX*1), Y6; \
	VMOVDQU (4*(x))(R9)(BX*1), Y7; \
	VMOVDQU (4*(x))(R10)(BX*1), Y8; \
	VMOVDQU (4*(x))(R11)(BX*1), Y9; \
	VMOVDQU (4*(x))(R12)(BX*1), Y10; \
	VMOVDQU (4*(x))(R13)(BX*1), Y11; \
	PAIR(Y4, Y5); \
	PAIR(Y6, Y7); \
	PAIR(Y8, Y9); \
	PAIR(Y10, Y11); \
	QUAD(Y4, Y5, Y6, Y7); \
	QUAD(Y8, Y9, Y10, Y11); \
	WORDS(Y4, Y8, x); \
	WORDS(Y5, Y9, x+1); \
	WORDS(Y6, Y10, x+2); \
	WORDS(Y7, Y11, x+3)

#define SAVE \
	VMOVDQU Y0, 0(AX); \
	VMOVDQU Y1, 32(AX); \
	VMOVDQU Y2, 64(AX); \
	VMOVDQU Y3, 96(AX)

// func block(s *state, messages *[Lanes]*byte, blocks int)
TEXT ·block(SB), NOSPLIT, $512-24
	MOVQ s+0(FP), AX
	MOVQ messages+8(FP), BX
	MOVQ blocks+16(FP), CX
	TESTQ CX, CX
	JZ none
	MOVQ 0(BX), SI
	MOVQ 8(BX), DI
	MOVQ 16(BX), R8
	MOVQ 24(BX), R9
	MOVQ 32(BX), R10
	MOVQ 40(BX), R11
	MOVQ 48(BX), R12
	MOVQ 56(BX), R13
	LEAQ ·constants(SB), DX
	VMOVDQU 0(AX), Y0
	VMOVDQU 32(AX), Y1
	VMOVDQU 64(AX), Y2
	VMOVDQU 96(AX), Y3
	VPCMPEQD Y15, Y15, Y15
	XORQ BX, BX

loop:
	SAVE
	HALF(0)
	HALF(8)

	F(Y0, Y1, Y2, Y3, 0, 0, 7)
	F(Y3, Y0, Y1, Y2, 1, 1, 12)
	F(Y2, Y3, Y0, Y1, 2, 2, 17)
	F(Y1, Y2, Y3, Y0, 3, 3, 22)
	F(Y0, Y1, Y2, Y3, 4, 4, 7)
	F(Y3, Y0, Y1, Y2, 5, 5, 12)
	F(Y2, Y3, Y0, Y1, 6, 6, 17)
	F(Y1, Y2, Y3, Y0, 7, 7, 22)
	F(Y0, Y1, Y2, Y3, 8, 8, 7)
	F(Y3, Y0, Y1, Y2, 9, 9, 12)
	F(Y2, Y3, Y0, Y1, 10, 10, 17)
	F(Y1, Y2, Y3, Y0, 11, 11, 22)
	F(Y0, Y1, Y2, Y3, 12, 12, 7)
	F(Y3, Y0, Y1, Y2, 13, 13, 12)
	F(Y2, Y3, Y0, Y1, 14, 14, 17)
	F(Y1, Y2, Y3, Y0, 15, 15, 22)

	G(Y0, Y1, Y2, Y3, 1, 16, 5)
	G(Y3, Y0, Y1, Y2, 6, 17, 9)
	G(Y2, Y3, Y0, Y1, 11, 18, 14)
	G(Y1, Y2, Y3, Y0, 0, 19, 20)
	G(Y0, Y1, Y2, Y3, 5, 20, 5)
	G(Y3, Y0, Y1, Y2, 10, 21, 9)
	G(Y2, Y3, Y0, Y1, 15, 22, 14)
	G(Y1, Y2, Y3, Y0, 4, 23, 20)
	G(Y0, Y1, Y2, Y3, 9, 24, 5)
	G(Y3, Y0, Y1, Y2, 14, 25, 9)
	G(Y2, Y3, Y0, Y1, 3, 26, 14)
	G(Y1, Y2, Y3, Y0, 8, 27, 20)
	G(Y0, Y1, Y2, Y3, 13, 28, 5)
	G(Y3, Y0, Y1, Y2, 2, 29, 9)
	G(Y2, Y3, Y0, Y1, 7, 30, 14)
	G(Y1, Y2, Y3, Y0, 12, 31, 20)

	H(Y0, Y1, Y2, Y3, 5, 32, 4)
	H(Y3, Y0, Y1, Y2, 8, 33, 11)
	H(Y2, Y3, Y0, Y1, 11, 34, 16)
	H(Y1, Y2, Y3, Y0, 14, 35, 23)
	H(Y0, Y1, Y2, Y3, 1, 36, 4)
	H(Y3, Y0, Y1, Y2, 4, 37, 11)
	H(Y2, Y3, Y0, Y1, 7, 38, 16)
	H(Y1, Y2, Y3, Y0, 10, 39, 23)
	H(Y0, Y1, Y2, Y3, 13, 40, 4)
	H(Y3, Y0, Y1, Y2, 0, 41, 11)
	H(Y2, Y3, Y0, Y1, 3, 42, 16)
	H(Y1, Y2, Y3, Y0, 6, 43, 23)
	H(Y0, Y1, Y2, Y3, 9, 44, 4)
	H(Y3, Y0, Y1, Y2, 12, 45, 11)
	H(Y2, Y3, Y0, Y1, 15, 46, 16)
	H(Y1, Y2, Y3, Y0, 2, 47, 23)

	I(Y0, Y1, Y2, Y3, 0, 48, 6)
	I(Y3, Y0, Y1, Y2, 7, 49, 10)
	I(Y2, Y3, Y0, Y1, 14, 50, 15)
	I(Y1, Y2, Y3, Y0, 5, 51, 21)
	I(Y0, Y1, Y2, Y3, 12, 52, 6)
	I(Y3, Y0, Y1, Y2, 3, 53, 10)
	I(Y2, Y3, Y0, Y1, 10, 54, 15)
	I(Y1, Y2, Y3, Y0, 1, 55, 21)
	I(Y0, Y1, Y2, Y3, 8, 56, 6)
	I(Y3, Y0, Y1, Y2, 15, 57, 10)
	I(Y2, Y3, Y0, Y1, 6, 58, 15)
	I(Y1, Y2, Y3, Y0, 13, 59, 21)
	I(Y0, Y1, Y2, Y3, 4, 60, 6)
	I(Y3, Y0, Y1, Y2, 11, 61, 10)
	I(Y2, Y3, Y0, Y1, 2, 62, 15)
	I(Y1, Y2, Y3, Y0, 9, 63, 21)

	VPADDD 0(AX), Y0, Y0
	VPADDD 32(AX), Y1, Y1
	VPADDD 64(AX), Y2, Y2
	VPADDD 96(AX), Y3, Y3
	ADDQ $64, BX
	DECQ CX
	JNZ loop

	SAVE
	VZEROUPPER

none:
	RET

// func hasAVX2() bool
TEXT ·hasAVX2(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	XORL AX, AX
	XORL CX, CX
	CPUID
	CMPL AX, $7
	JLT no
	MOVL $1, AX
	XORL CX, CX
	CPUID
	ANDL $0x18000000, CX // AVX, and a system that uses XSAVE
	CMPL CX, $0x18000000
	JNE no
	XORL CX, CX
	XGETBV
	ANDL $6, AX // the system saves the registers
	CMPL AX, $6
	JNE no
	MOVL $7, AX
	XORL CX, CX
	CPUID
	BTL $5, BX // AVX2
	JCC no
	MOVB $1, ret+0(FP)

no:
	RET
