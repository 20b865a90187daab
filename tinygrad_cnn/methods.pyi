# Written by tools/stubs.py from what stands beside the operations: change that, not this.
from .ops import arithmetic as _arithmetic
from .ops import base as _base
from .ops import broadcasting as _broadcasting
from .ops import combinations as _combinations
from .ops import comparison as _comparison
from .ops import conversion as _conversion
from .ops import division as _division
from .ops import extremes as _extremes
from .ops import gather as _gather
from .ops import indexing as _indexing
from .ops import inplace as _inplace
from .ops import matmul as _matmul
from .ops import movement as _movement
from .ops import order as _order
from .ops import power as _power
from .ops import reduce as _reduce
from .ops import slices as _slices
from .ops import softmax as _softmax
from .ops import sorting as _sorting
from .ops import spread as _spread
from .ops import transcendental as _transcendental
from .ops import triangular as _triangular
from .ops import unary as _unary
from .ops import views as _views

class Methods:
    abs = _unary.abs
    abs_ = _unary.abs
    absolute = _unary.abs
    absolute_ = _unary.abs
    add = _arithmetic.add
    add_ = _inplace.add_
    addcdiv = _combinations.addcdiv
    addcdiv_ = _combinations.addcdiv
    addcmul = _combinations.addcmul
    addcmul_ = _combinations.addcmul
    addmm = _matmul.addmm
    addmm_ = _matmul.addmm
    all = _extremes.all
    allclose = _comparison.allclose
    amax = _extremes.amax
    amin = _extremes.amin
    aminmax = _extremes.aminmax
    any = _extremes.any
    arctan2 = _arithmetic.atan2
    arctan2_ = _arithmetic.atan2
    argmax = _extremes.argmax
    argmin = _extremes.argmin
    argsort = _sorting.argsort
    argwhere = _indexing.argwhere
    atan2 = _arithmetic.atan2
    atan2_ = _arithmetic.atan2
    baddbmm = _matmul.baddbmm
    baddbmm_ = _matmul.baddbmm
    bincount = _sorting.bincount
    bitwise_and = _comparison.bitwise_and
    bitwise_and_ = _comparison.bitwise_and
    bitwise_not = _comparison.bitwise_not
    bitwise_not_ = _comparison.bitwise_not
    bitwise_or = _comparison.bitwise_or
    bitwise_or_ = _comparison.bitwise_or
    bitwise_xor = _comparison.bitwise_xor
    bitwise_xor_ = _comparison.bitwise_xor
    bmm = _matmul.bmm
    bool = _conversion.bool
    broadcast_to = _broadcasting.broadcast_to
    byte = _conversion.byte
    ceil = _unary.ceil
    ceil_ = _unary.ceil
    chunk = _movement.chunk
    clamp = _power.clamp
    clamp_ = _inplace.clamp_
    clamp_max = _power.clamp_max
    clamp_max_ = _power.clamp_max
    clamp_min = _power.clamp_min
    clamp_min_ = _power.clamp_min
    clip = _power.clamp
    clip_ = _inplace.clamp_
    clone = _base.clone
    contiguous = _conversion.contiguous
    copy_ = _conversion.copy_
    cos = _transcendental.cos
    cos_ = _transcendental.cos
    count_nonzero = _extremes.count_nonzero
    cummax = _sorting.cummax
    cummin = _sorting.cummin
    cumprod = _sorting.cumprod
    cumprod_ = _sorting.cumprod
    cumsum = _sorting.cumsum
    cumsum_ = _sorting.cumsum
    diag = _triangular.diag
    diagonal = _slices.diagonal
    dist = _extremes.dist
    div = _division.div
    div_ = _inplace.div_
    divide = _division.div
    divide_ = _inplace.div_
    dot = _matmul.dot
    double = _conversion.double
    eq = _comparison.eq
    eq_ = _comparison.eq
    equal = _comparison.equal
    erf = _transcendental.erf
    erf_ = _transcendental.erf
    exp = _transcendental.exp
    exp_ = _transcendental.exp
    expand = _broadcasting.expand
    expand_as = _broadcasting.expand_as
    expm1 = _transcendental.expm1
    expm1_ = _transcendental.expm1
    fill_ = _inplace.fill_
    fill_diagonal_ = _inplace.fill_diagonal_
    fix = _unary.trunc
    fix_ = _unary.trunc
    flatten = _views.flatten
    flip = _movement.flip
    float = _conversion.float
    floor = _unary.floor
    floor_ = _unary.floor
    floor_divide = _division.floor_divide
    floor_divide_ = _division.floor_divide
    fmod = _division.fmod
    fmod_ = _division.fmod
    frac = _unary.frac
    frac_ = _unary.frac
    gather = _gather.gather
    ge = _comparison.ge
    ge_ = _comparison.ge
    ger = _matmul.outer
    greater = _comparison.gt
    greater_ = _comparison.gt
    greater_equal = _comparison.ge
    greater_equal_ = _comparison.ge
    gt = _comparison.gt
    gt_ = _comparison.gt
    index_add = _indexing.index_add
    index_add_ = _indexing.index_add
    index_fill = _indexing.index_fill
    index_fill_ = _indexing.index_fill
    index_put = _indexing.index_put
    index_put_ = _indexing.index_put
    index_select = _indexing.index_select
    inner = _matmul.inner
    int = _conversion.int
    isclose = _comparison.isclose
    isfinite = _unary.isfinite
    isinf = _unary.isinf
    isnan = _unary.isnan
    kthvalue = _sorting.kthvalue
    le = _comparison.le
    le_ = _comparison.le
    lerp = _combinations.lerp
    lerp_ = _combinations.lerp
    less = _comparison.lt
    less_ = _comparison.lt
    less_equal = _comparison.le
    less_equal_ = _comparison.le
    log = _transcendental.log
    log10 = _transcendental.log10
    log10_ = _transcendental.log10
    log1p = _transcendental.log1p
    log1p_ = _transcendental.log1p
    log2 = _transcendental.log2
    log2_ = _transcendental.log2
    log_ = _transcendental.log
    log_softmax = _softmax.log_softmax
    logical_and = _comparison.logical_and
    logical_and_ = _comparison.logical_and
    logical_not = _comparison.logical_not
    logical_not_ = _comparison.logical_not
    logical_or = _comparison.logical_or
    logical_or_ = _comparison.logical_or
    logical_xor = _comparison.logical_xor
    logical_xor_ = _comparison.logical_xor
    logsumexp = _extremes.logsumexp
    long = _conversion.long
    lt = _comparison.lt
    lt_ = _comparison.lt
    masked_fill = _comparison.masked_fill
    masked_fill_ = _comparison.masked_fill
    masked_scatter = _indexing.masked_scatter
    masked_scatter_ = _indexing.masked_scatter
    masked_select = _indexing.masked_select
    matmul = _matmul.matmul
    max = _extremes.max
    maximum = _power.maximum
    mean = _reduce.mean
    median = _sorting.median
    min = _extremes.min
    minimum = _power.minimum
    mm = _matmul.mm
    moveaxis = _order.movedim
    movedim = _order.movedim
    msort = _sorting.msort
    mul = _arithmetic.mul
    mul_ = _inplace.mul_
    multiply = _arithmetic.mul
    multiply_ = _inplace.mul_
    mv = _matmul.mv
    nansum = _reduce.nansum
    narrow = _slices.narrow
    ne = _comparison.ne
    ne_ = _comparison.ne
    neg = _unary.neg
    neg_ = _unary.neg
    negative = _unary.neg
    negative_ = _unary.neg
    nonzero = _indexing.nonzero
    norm = _extremes.norm
    not_equal = _comparison.ne
    not_equal_ = _comparison.ne
    outer = _matmul.outer
    permute = _order.permute
    positive = _unary.positive
    pow = _power.pow
    pow_ = _power.pow
    prod = _reduce.prod
    ravel = _views.ravel
    reciprocal = _transcendental.reciprocal
    reciprocal_ = _transcendental.reciprocal
    relu = _unary.relu
    relu_ = _inplace.relu_
    remainder = _division.remainder
    remainder_ = _division.remainder
    repeat = _movement.repeat
    repeat_interleave = _movement.repeat_interleave
    reshape = _views.reshape
    reshape_as = _views.reshape_as
    roll = _movement.roll
    round = _unary.round
    round_ = _unary.round
    rsqrt = _transcendental.rsqrt
    rsqrt_ = _transcendental.rsqrt
    scatter = _gather.scatter
    scatter_ = _gather.scatter
    scatter_add = _gather.scatter_add
    scatter_add_ = _gather.scatter_add
    select = _slices.select
    sgn = _unary.sign
    sgn_ = _unary.sign
    sigmoid = _transcendental.sigmoid
    sigmoid_ = _transcendental.sigmoid
    sign = _unary.sign
    sign_ = _unary.sign
    sin = _transcendental.sin
    sin_ = _transcendental.sin
    softmax = _softmax.softmax
    sort = _sorting.sort
    split = _movement.split
    sqrt = _transcendental.sqrt
    sqrt_ = _transcendental.sqrt
    square = _unary.square
    square_ = _unary.square
    squeeze = _views.squeeze
    squeeze_ = _inplace.squeeze_
    std = _spread.std
    sub = _arithmetic.sub
    sub_ = _inplace.sub_
    subtract = _arithmetic.sub
    subtract_ = _inplace.sub_
    sum = _reduce.sum
    sum_to_size = _broadcasting.sum_to_size
    swapaxes = _order.transpose
    swapaxes_ = _inplace.transpose_
    swapdims = _order.transpose
    swapdims_ = _inplace.transpose_
    t = _order.t
    t_ = _inplace.t_
    take = _indexing.take
    take_along_dim = _gather.take_along_dim
    tanh = _transcendental.tanh
    tanh_ = _transcendental.tanh
    tile = _movement.tile
    to = _conversion.to
    topk = _sorting.topk
    transpose = _order.transpose
    transpose_ = _inplace.transpose_
    tril = _triangular.tril
    tril_ = _triangular.tril
    triu = _triangular.triu
    triu_ = _triangular.triu
    true_divide = _division.div
    true_divide_ = _inplace.div_
    trunc = _unary.trunc
    trunc_ = _unary.trunc
    type_as = _conversion.type_as
    unbind = _movement.unbind
    unflatten = _views.unflatten
    unique = _sorting.unique
    unsqueeze = _views.unsqueeze
    unsqueeze_ = _inplace.unsqueeze_
    var = _spread.var
    view = _views.view
    view_as = _views.view_as
    zero_ = _inplace.zero_

def install() -> None: ...
