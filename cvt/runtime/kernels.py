"""Three small Triton kernels for the memory-bound parts of a block on a GPU, which take PyTorch a dozen passes over the tokens.

``normalised_projections``: LayerNorm and the depth-wise 3×3 convolutions of query, key and value, read once.
``biased_norm``: the bias of the attention's output, and LayerNorm. ``embedded_norm``: LayerNorm behind a conv embedding, and the
cls token in front. All compute in float32 whatever the tokens' dtype, and take any width, grid and number of pictures.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

BUSY = 512  # programs that occupy a large GPU


@triton.jit
def _statistics(x, mean, rstd, rows, eps, C: tl.constexpr, T: tl.constexpr, P: tl.constexpr):
    row = tl.program_id(0) * T + tl.arange(0, T)
    column = tl.arange(0, P)
    there = (row < rows)[:, None] & (column < C)[None, :]
    value = tl.load(x + row.to(tl.int64)[:, None] * C + column[None, :], there, 0.0).to(tl.float32)
    middle = tl.sum(value, 1) / C
    apart = tl.where(there, value - middle[:, None], 0.0)
    tl.store(mean + row, middle, row < rows)
    tl.store(rstd + row, tl.rsqrt(tl.sum(apart * apart, 1) / C + eps), row < rows)


@triton.jit
def _projections(
    x, mean, rstd, gain, shift, kernels, biases, query, key, value, H, W, HK, WK,
    C: tl.constexpr, CLS: tl.constexpr, STRIDE: tl.constexpr, T: tl.constexpr, P: tl.constexpr, FEW: tl.constexpr,
):  # fmt: skip
    # one program: T tokens of one row of the grid (or the cls token) by P channels; kernels (3, 9, C), biases (3, C)
    lines = H + CLS
    picture = tl.program_id(0) // lines
    line = tl.program_id(0) % lines
    tile = tl.program_id(1)
    channel = tl.program_id(2) * P + tl.arange(0, P)
    inside = channel < C
    first = (picture * (H * W + CLS)).to(tl.int64)  # of the picture's tokens
    first_key = (picture * (HK * WK + CLS)).to(tl.int64)
    g = tl.load(gain + channel, inside, 0.0)
    s = tl.load(shift + channel, inside, 0.0)
    if line == H:  # the cls token bypasses the convolutions
        if tile == 0:
            token = tl.load(x + first * C + channel, inside, 0.0).to(tl.float32)
            token = (token - tl.load(mean + first)) * tl.load(rstd + first) * g + s
            tl.store(query + first * C + channel, token, inside)
            tl.store(key + first_key * C + channel, token, inside)
            tl.store(value + first_key * C + channel, token, inside)
    else:
        column = tile * T + tl.arange(0, T)
        q = tl.zeros((T, P), tl.float32)
        k = tl.zeros((T, P), tl.float32)
        v = tl.zeros((T, P), tl.float32)
        has_keys = line % STRIDE == 0
        for tap in tl.static_range(9):
            there = line + tap // 3 - 1
            across = column + tap % 3 - 1
            real = (there >= 0) & (there < H) & (across >= 0) & (across < W)  # else padding: zero behind the LayerNorm
            place = first + CLS + there * W + across
            token = tl.load(x + place[:, None] * C + channel[None, :], real[:, None] & inside[None, :], 0.0).to(tl.float32)
            middle = tl.load(mean + place, real, 0.0)
            scale = tl.load(rstd + place, real, 0.0)
            token = (token - middle[:, None]) * scale[:, None] * g[None, :] + tl.where(real[:, None], s[None, :], 0.0)
            q += token * tl.load(kernels + tap * C + channel, inside, 0.0)[None, :]
            if has_keys | FEW:  # a few programs wait for memory, and behind a branch no load begins before those above it are done
                k += token * tl.load(kernels + (9 + tap) * C + channel, inside, 0.0)[None, :]
                v += token * tl.load(kernels + (18 + tap) * C + channel, inside, 0.0)[None, :]
        q += tl.load(biases + channel, inside, 0.0)[None, :]
        place = first + CLS + line * W + column
        tl.store(query + place[:, None] * C + channel[None, :], q, (column < W)[:, None] & inside[None, :])
        if has_keys:
            k += tl.load(biases + C + channel, inside, 0.0)[None, :]
            v += tl.load(biases + 2 * C + channel, inside, 0.0)[None, :]
            place = first_key + CLS + (line // STRIDE) * WK + column // STRIDE
            kept = ((column < W) & (column % STRIDE == 0))[:, None] & inside[None, :]
            tl.store(key + place[:, None] * C + channel[None, :], k, kept)
            tl.store(value + place[:, None] * C + channel[None, :], v, kept)


@triton.jit
def _biased_norm(x, bias, next_bias, gain, shift, out, rows, eps, C: tl.constexpr, T: tl.constexpr, P: tl.constexpr):
    row = tl.program_id(0) * T + tl.arange(0, T)
    column = tl.arange(0, P)
    inside = column < C
    there = (row < rows)[:, None] & inside[None, :]
    place = row.to(tl.int64)[:, None] * C + column[None, :]
    value = tl.load(x + place, there, 0.0).to(tl.float32) + tl.load(bias + column, inside, 0.0)[None, :]
    middle = tl.sum(value, 1) / C
    apart = tl.where(there, value - middle[:, None], 0.0)
    scaled = apart * tl.rsqrt(tl.sum(apart * apart, 1) / C + eps)[:, None]
    tl.store(out + place, scaled * tl.load(gain + column, inside, 0.0)[None, :] + tl.load(shift + column, inside, 0.0)[None, :], there)
    tl.store(x + place, value + tl.load(next_bias + column, inside, 0.0)[None, :], there)


@triton.jit
def _embedded_norm(x, gain, shift, cls, out, N, eps, C: tl.constexpr, CLS: tl.constexpr, T: tl.constexpr, P: tl.constexpr):
    picture = tl.program_id(1)
    token = tl.program_id(0) * T + tl.arange(0, T)
    column = tl.arange(0, P)
    inside = column < C
    source = token - CLS
    there = ((source >= 0) & (source < N))[:, None] & inside[None, :]
    value = tl.load(x + (picture * N + source).to(tl.int64)[:, None] * C + column[None, :], there, 0.0).to(tl.float32)
    middle = tl.sum(value, 1) / C
    apart = tl.where(there, value - middle[:, None], 0.0)
    scaled = apart * tl.rsqrt(tl.sum(apart * apart, 1) / C + eps)[:, None]
    result = scaled * tl.load(gain + column, inside, 0.0)[None, :] + tl.load(shift + column, inside, 0.0)[None, :]
    if CLS:
        result = tl.where((source < 0)[:, None], tl.load(cls + column, inside, 0.0)[None, :], result)
    tl.store(
        out + (picture * (N + CLS) + token).to(tl.int64)[:, None] * C + column[None, :], result, (source < N)[:, None] & inside[None, :]
    )


def _rows(count: int, width: int) -> dict[str, int]:
    """How many rows of ``width`` a program takes, as constants of a kernel: few if that keeps the GPU busy."""
    padded = triton.next_power_of_2(width)
    per_program = max(1, min(2048 // padded, count // BUSY))
    return {"T": 1 << (per_program.bit_length() - 1), "P": padded, "num_warps": 4 if per_program == 1 else 2}


def normalised_projections(
    x: Tensor, grid: tuple[int, int], gain: Tensor, shift: Tensor, kernels: Tensor, biases: Tensor, stride: int, eps: float,
    query: Tensor, key: Tensor, value: Tensor,
) -> None:  # fmt: skip
    """LayerNorm, then three depth-wise 3×3 convolutions with padding 1; those of key and value with a stride.

    Args:
        x: (B, N, C) contiguous, with N = H·W, or 1 + H·W with the cls token first, which is normalised only.
        gain, shift: (C,), kernels (3, 9, C), biases (3, C), all float32; of query, key and value in that order.
        query: (B, N, C), key and value (B, N', C), contiguous, to be written.
    """
    pictures, tokens, width = x.shape
    height, columns = grid
    cls, rows = tokens - height * columns, pictures * tokens
    moments = x.new_empty((2, rows), dtype=gain.dtype)
    sizes = _rows(rows, width)
    _statistics[(triton.cdiv(rows, sizes["T"]),)](x, moments[0], moments[1], rows, eps, C=width, **sizes)
    channels = min(64, triton.next_power_of_2(width))
    parts = triton.cdiv(width, channels)
    few = pictures * height * triton.cdiv(columns, 16) * parts < BUSY
    across, warps = (4, 4) if few else (16, 2)
    _projections[(pictures * (height + cls), triton.cdiv(columns, across), parts)](
        x, moments[0], moments[1], gain, shift, kernels, biases, query, key, value,
        height, columns, (height - 1) // stride + 1, (columns - 1) // stride + 1,
        C=width, CLS=cls, STRIDE=stride, T=across, P=channels, FEW=few, num_warps=warps,
    )  # fmt: skip


def biased_norm(x: Tensor, bias: Tensor, next_bias: Tensor, gain: Tensor, shift: Tensor, eps: float, out: Tensor) -> None:
    """``out`` = LayerNorm(x + bias), and ``x`` becomes x + bias + next_bias; x and out (rows, C) contiguous, the rest (C,) float32."""
    rows, width = x.shape
    sizes = _rows(rows, width)
    _biased_norm[(triton.cdiv(rows, sizes["T"]),)](x, bias, next_bias, gain, shift, out, rows, eps, C=width, **sizes)


def embedded_norm(x: Tensor, gain: Tensor, shift: Tensor, cls: Tensor | None, eps: float, out: Tensor) -> None:
    """LayerNorm of ``x`` (B, N, C) into ``out`` (B, N, C), or (B, 1 + N, C) with ``cls`` (C,) first; gain, shift, cls float32."""
    pictures, tokens, width = x.shape
    extra = int(cls is not None)
    sizes = _rows(pictures * tokens, width)
    grid = (triton.cdiv(tokens + extra, sizes["T"]), pictures)
    _embedded_norm[grid](x, gain, shift, gain if cls is None else cls, out, tokens, eps, C=width, CLS=extra, **sizes)
