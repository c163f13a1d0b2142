/* The instructions of test_vec_native.c: a table of {text, first byte, end, content of the sources}. */
.intel_syntax noprefix
#define SINGLE  0
#define DOUBLE  1
#define HALF    2
#define INTEGER 3

.macro sample content, text:vararg
	.pushsection .rodata
771:	\text
772:
773:	.asciz "\text"
	.popsection
	.quad 773b, 771b, 772b, \content
.endm

.macro sse_two content, name, imm:vararg
	sample \content, \name xmm0, xmm1 \imm
	sample \content, \name xmm0, [rdx] \imm
.endm
.macro packed_avx content, name, imm:vararg
	sample \content, v\name xmm0, xmm1, xmm2 \imm
	sample \content, v\name ymm0, ymm1, ymm2 \imm
	sample \content, v\name xmm0, xmm1, [rdx] \imm
	sample \content, v\name ymm2, ymm1, [rdx] \imm
.endm
.macro binary content, name, imm:vararg
	sse_two \content, \name, \imm
	packed_avx \content, \name, \imm
.endm
.macro unary content, name, imm:vararg
	sse_two \content, \name, \imm
	sample \content, v\name xmm0, xmm1 \imm
	sample \content, v\name ymm0, ymm1 \imm
	sample \content, v\name xmm0, [rdx] \imm
	sample \content, v\name ymm0, [rdx] \imm
.endm
.macro scalar_avx content, name, imm:vararg
	sample \content, v\name xmm0, xmm1, xmm2 \imm
	sample \content, v\name xmm0, xmm1, [rdx] \imm
.endm
.macro scalar content, name, imm:vararg
	sse_two \content, \name, \imm
	scalar_avx \content, \name, \imm
.endm
.macro four name
	binary SINGLE, \name\()ps
	binary DOUBLE, \name\()pd
	scalar SINGLE, \name\()ss
	scalar DOUBLE, \name\()sd
.endm
.macro four_of_one name, imm:vararg
	unary SINGLE, \name\()ps, \imm
	unary DOUBLE, \name\()pd, \imm
	scalar SINGLE, \name\()ss, \imm
	scalar DOUBLE, \name\()sd, \imm
.endm
/* A vector and half as much: WIDTH ptr where the assembler wants it. */
.macro widen content, name
	sample \content, \name xmm0, xmm1
	sample \content, \name xmm0, qword ptr [rdx]
	sample \content, v\name xmm0, xmm1
	sample \content, v\name ymm0, xmm1
	sample \content, v\name xmm0, qword ptr [rdx]
	sample \content, v\name ymm0, xmmword ptr [rdx]
.endm
.macro narrow name
	sample DOUBLE, \name xmm0, xmm1
	sample DOUBLE, \name xmm0, [rdx]
	sample DOUBLE, v\name xmm0, xmm1
	sample DOUBLE, v\name xmm0, ymm1
	sample DOUBLE, v\name xmm0, xmmword ptr [rdx]
	sample DOUBLE, v\name xmm0, ymmword ptr [rdx]
.endm
.macro to_register content, name, reg, width
	sample \content, \name \reg, xmm1
	sample \content, \name \reg, \width ptr [rdx]
	sample \content, v\name \reg, xmm1
	sample \content, v\name \reg, \width ptr [rdx]
.endm
.macro from_register name, reg, width
	sample INTEGER, \name xmm0, \reg
	sample INTEGER, \name xmm0, \width ptr [rdx]
	sample INTEGER, v\name xmm0, xmm1, \reg
	sample INTEGER, v\name xmm0, xmm1, \width ptr [rdx]
.endm
.macro fma_packed content, name
	sample \content, \name xmm0, xmm1, xmm2
	sample \content, \name ymm0, ymm1, ymm2
	sample \content, \name xmm0, xmm1, [rdx]
	sample \content, \name ymm0, ymm1, [rdx]
.endm
.macro fma_scalar content, name
	sample \content, \name xmm0, xmm1, xmm2
	sample \content, \name xmm0, xmm1, [rdx]
.endm
.macro fma_two name
	fma_packed SINGLE, \name\()ps
	fma_packed DOUBLE, \name\()pd
.endm
.macro fma_four name
	fma_two \name
	fma_scalar SINGLE, \name\()ss
	fma_scalar DOUBLE, \name\()sd
.endm

	.section .data.rel.ro, "aw"
	.balign 8
	.globl vec_samples
vec_samples:
	.irp name, add, sub, mul, div, min, max
	four \name
	.endr
	four_of_one sqrt
	.irp imm, 0, 1, 2, 3, 4, 12
	four_of_one round, , \imm
	.endr
	.irp name, hadd, hsub, addsub
	binary SINGLE, \name\()ps
	binary DOUBLE, \name\()pd
	.endr
	.irp imm, 0xf1, 0x7f, 0xac, 0x00
	binary SINGLE, dpps, , \imm
	.endr
	.irp imm, 0x31, 0x12, 0x23
	scalar DOUBLE, dppd, , \imm
	.endr
	.irp imm, 0, 1, 2, 3, 4, 5, 6, 7
	binary SINGLE, cmpps, , \imm
	binary DOUBLE, cmppd, , \imm
	scalar SINGLE, cmpss, , \imm
	scalar DOUBLE, cmpsd, , \imm
	.endr
	.irp imm, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	packed_avx SINGLE, cmpps, , \imm
	packed_avx DOUBLE, cmppd, , \imm
	scalar_avx SINGLE, cmpss, , \imm
	scalar_avx DOUBLE, cmpsd, , \imm
	.endr
	.irp name, comis, ucomis
	sse_two SINGLE, \name\()s
	sse_two DOUBLE, \name\()d
	sse_two SINGLE, v\name\()s
	sse_two DOUBLE, v\name\()d
	.endr
	unary INTEGER, cvtdq2ps
	unary SINGLE, cvtps2dq
	unary SINGLE, cvttps2dq
	scalar SINGLE, cvtss2sd
	scalar DOUBLE, cvtsd2ss
	widen SINGLE, cvtps2pd
	widen INTEGER, cvtdq2pd
	narrow cvtpd2ps
	narrow cvtpd2dq
	narrow cvttpd2dq
	.irp name, cvtsi2ss, cvtsi2sd
	from_register \name, ecx, dword
	from_register \name, rcx, qword
	.endr
	.irp reg, ecx, rcx
	to_register SINGLE, cvtss2si, \reg, dword
	to_register SINGLE, cvttss2si, \reg, dword
	to_register DOUBLE, cvtsd2si, \reg, qword
	to_register DOUBLE, cvttsd2si, \reg, qword
	.endr
	.irp name, cvtpi2ps, cvtpi2pd
	sample INTEGER, \name xmm0, mm1
	sample INTEGER, \name xmm0, [rdx]
	.endr
	.irp name, cvtps2pi, cvttps2pi
	sample SINGLE, \name mm0, xmm1
	sample SINGLE, \name mm0, qword ptr [rdx]
	.endr
	.irp name, cvtpd2pi, cvttpd2pi
	sample DOUBLE, \name mm0, xmm1
	sample DOUBLE, \name mm0, xmmword ptr [rdx]
	.endr
	sample HALF, vcvtph2ps xmm0, xmm1
	sample HALF, vcvtph2ps ymm0, xmm1
	sample HALF, vcvtph2ps xmm0, qword ptr [rdx]
	sample HALF, vcvtph2ps ymm0, xmmword ptr [rdx]
	.irp imm, 0, 1, 2, 3, 4
	sample SINGLE, vcvtps2ph xmm0, xmm1, \imm
	sample SINGLE, vcvtps2ph xmm0, ymm1, \imm
	sample SINGLE, vcvtps2ph qword ptr [rdx], xmm1, \imm
	sample SINGLE, vcvtps2ph xmmword ptr [rdx], ymm1, \imm
	.endr
	.irp name, vfmadd132, vfmadd213, vfmadd231, vfmsub132, vfmsub213, vfmsub231
	fma_four \name
	.endr
	.irp name, vfnmadd132, vfnmadd213, vfnmadd231, vfnmsub132, vfnmsub213, vfnmsub231
	fma_four \name
	.endr
	.irp name, vfmaddsub132, vfmaddsub213, vfmaddsub231, vfmsubadd132, vfmsubadd213, vfmsubadd231
	fma_two \name
	.endr
	.globl vec_samples_end
vec_samples_end:
	.section .note.GNU-stack, "", @progbits
