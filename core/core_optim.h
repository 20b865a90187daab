/* core_optim.h - steps of optimizers. Part of core.h, whose conventions hold; cffi reads it, too. */
#ifndef TINYGRAD_CNN_CORE_OPTIM_H
#define TINYGRAD_CNN_CORE_OPTIM_H

#include "core.h"

/* ---------------------------------------------------------------- optim.c ------------------------- */

/* One optimizer step over `count` dense tensors in one call: params[i], grads[i] and the state arrays have sizes[i]
 * elements, all of one dtype. Formulas and their order are PyTorch's (torch.optim.SGD, Adam, AdamW). */
typedef struct {
    double lr, momentum, dampening, weight_decay;
    int32_t nesterov, maximize;
    int32_t first;                 /* momentum buffers are new: buffer = gradient */
} tc_sgd_params;
void tc_sgd(int dtype, const tc_sgd_params *p, int64_t count, const int64_t *sizes, void *const *params, void *const *grads,
            void *const *momentum_buffers /* NULL if momentum == 0 */);

typedef struct {
    double lr, beta1, beta2, eps, weight_decay;
    int32_t decoupled;             /* 1: AdamW's weight decay, 0: Adam's (added to the gradient) */
    int32_t amsgrad, maximize;
    int64_t step;                  /* 1 at the first step */
} tc_adam_params;
void tc_adam(int dtype, const tc_adam_params *p, int64_t count, const int64_t *sizes, void *const *params, void *const *grads,
             void *const *exp_avgs, void *const *exp_avg_sqs, void *const *max_exp_avg_sqs /* NULL unless amsgrad */);

/* The other rules of torch.optim: weight_decay times the parameter is added to the gradient, the parameter multiplied by
 * shrink (1 - lr * weight_decay where the decay is decoupled), then the rule applied. Its numbers and states, in this order:
 *
 *   ADAMAX    1 - beta1, beta2, eps, lr / (1 - beta1^t); exp_avg, exp_inf
 *   NADAM     1 - beta1, beta2, 1 - beta2, 1 - beta2^t, eps, factor of the gradient, factor of the average; exp_avg, exp_avg_sq
 *   RADAM     1 - beta1, beta2, 1 - beta2, 1 - beta1^t, lr, rectification or 0, sqrt(1 - beta2^t), eps; exp_avg, exp_avg_sq
 *   ADADELTA  rho, 1 - rho, eps, lr; square_avg, acc_delta
 *   ADAGRAD   eps, lr; sum
 *   RMSPROP   alpha, 1 - alpha, eps, lr, momentum; square_avg, grad_avg or NULL, momentum_buffer or NULL
 *   RPROP     eta-, eta+, smallest step, largest step; prev, step_size
 *   ASGD      eta, mu; ax */
#define TC_OPTIM_ADAMAX 0
#define TC_OPTIM_NADAM 1
#define TC_OPTIM_RADAM 2
#define TC_OPTIM_ADADELTA 3
#define TC_OPTIM_ADAGRAD 4
#define TC_OPTIM_RMSPROP 5
#define TC_OPTIM_RPROP 6
#define TC_OPTIM_ASGD 7
#define TC_OPTIM_NUMBERS 8
#define TC_OPTIM_STATES 3
typedef struct {
    int32_t rule, maximize;
    double weight_decay, shrink;
    double numbers[TC_OPTIM_NUMBERS];
} tc_optim_params;
void tc_optim(int dtype, const tc_optim_params *p, int64_t count, const int64_t *sizes, void *const *params, void *const *grads,
              void *const *const *states /* TC_OPTIM_STATES arrays of count tensors, NULL where the rule has none */);

#endif
