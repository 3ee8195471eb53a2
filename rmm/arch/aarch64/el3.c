// SPDX-License-Identifier: BSD-3-Clause
#include "arch/el3.h"

struct arch_el3_result arch_el3_call(uint64_t fid, uint64_t a1, uint64_t a2, uint64_t a3,
				     uint64_t a4)
{
	register uint64_t x0 __asm__("x0") = fid;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;
	register uint64_t x4 __asm__("x4") = a4;

	__asm__ volatile("smc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4)
			 :
			 : "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
			   "x16", "x17", "memory");
	return (struct arch_el3_result){(int32_t)x0, x1, x2, x3};
}

/* EL3 keeps x8..x30 and the stack pointer of the RMM while the normal world runs. */
void arch_el3_yield(struct smc_regs *regs)
{
	register uint64_t x0 __asm__("x0") = regs->x[0];
	register uint64_t x1 __asm__("x1") = regs->x[1];
	register uint64_t x2 __asm__("x2") = regs->x[2];
	register uint64_t x3 __asm__("x3") = regs->x[3];
	register uint64_t x4 __asm__("x4") = regs->x[4];
	register uint64_t x5 __asm__("x5") = regs->x[5];
	register uint64_t x6 __asm__("x6");
	register uint64_t x7 __asm__("x7");

	__asm__ volatile("smc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "=r"(x6),
			   "=r"(x7)
			 :
			 : "memory");
	*regs = (struct smc_regs){{x0, x1, x2, x3, x4, x5, x6, x7}};
}
