"""Linear algebra, as `torch.linalg`: norms, decompositions and solvers of matrices and batches of them, (..., M, N).

Computed by NumPy (LAPACK) in float32 or float64, differentiable as in PyTorch. What needs complex numbers (`eig`,
`eigvals`) raises NotImplementedError.
"""

from tinygrad_cnn.ops.lapack import SingularError as LinAlgError
from tinygrad_cnn.ops.products import cross_along as cross
from tinygrad_cnn.ops.products import multi_dot

from .decompose import (
    cholesky,
    cholesky_ex,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    householder_product,
    lu,
    lu_factor,
    lu_factor_ex,
    qr,
    svd,
    svdvals,
)
from .norms import cond, matrix_norm, matrix_rank, norm, vecdot, vector_norm
from .powers import det, diagonal, matmul, matrix_exp, matrix_power, slogdet, vander
from .solve import inv, inv_ex, lstsq, lu_solve, pinv, solve, solve_ex, solve_triangular, tensorinv, tensorsolve

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
