/* The portable backend put together. */
#include "cpu/fp_round.h"

const struct fp_backend fp_portable = {
	.name = "portable",
	.op =
		{
			fp_soft_add,
			fp_soft_sub,
			fp_soft_mul,
			fp_soft_div,
			fp_soft_sqrt,
			fp_soft_rndint,
			fp_soft_scale,
			fp_soft_prem,
			fp_soft_prem1,
			fp_soft_xtract,
#if TRAPGATE_FP_MPFR
			fp_soft_2xm1,
			fp_soft_yl2x,
			fp_soft_yl2xp1,
			fp_soft_ptan,
			fp_soft_patan,
			fp_soft_sin,
			fp_soft_cos,
			fp_soft_sincos,
#endif
		},
	.store = {fp_soft_f32, fp_soft_f64, fp_soft_i16, fp_soft_i32, fp_soft_i64, fp_soft_bcd},
};
