// The packed operands of a matrix product: panels as wide as a register tile. Read next: tile.h.
#pragma once
#include "../parallel.h"
#include "number.h"

namespace inkhorn::INKHORN_ISA {

constexpr Index TILE_COLS = 2 * LANES;

/**
 * A panel of b holds TILE_COLS columns; the last one only LANES if that is enough. Padded with zeros.
 */
static constexpr Index panelWidth(Index cols) { return cols > LANES ? TILE_COLS : LANES; }

/**
 * Packs rows [p0, p1) of x, `n` columns of rows that are `stride` apart, into panels of WIDTH columns: into
 * elements `first` and following of the packed panels, which are `depth` elements deep. Goes panel after
 * panel, so that writes are contiguous; the memory read next is prefetched.
 */
template <class Number, Index WIDTH, bool PADDED>
static void packRows(float* panels, const float* x, Index stride, Index n, Index p0, Index p1, Index first,
                     Index depth) {
  for (Index j = 0; j < n; j += WIDTH) {
    const Index cols = least(n - j, WIDTH), width = PADDED ? panelWidth(cols) : cols;
    const Mask left = firstLanes(cols), right = firstLanes(cols - LANES);
    float* to = panels + j * depth + first * width;
    for (Index p = p0; p < p1; p += Number::TERMS, to += width) {
      const float* from = x + p * stride + j;
      const float* next = p + 1 < p1 ? from + stride : nullptr;
      for (Index term = 0; term < Number::TERMS; term++) {
        for (Index ahead = 2 * WIDTH; ahead < 3 * WIDTH; ahead += 16) prefetch(from + term * stride + ahead);
      }
      const Vec head = Number::across(from, next, left);
      // A store of all lanes is cheaper where the next ones overwrite what is too much.
      PADDED || (p1 - p) * width >= LANES* Number::TERMS ? store(to, head) : store(to, head, left);
      if (width > LANES) {
        const Vec tail = Number::across(from + LANES, next == nullptr ? next : next + LANES, right);
        PADDED ? store(to + LANES, tail) : store(to + LANES, tail, right);
      }
    }
    if (Number::STEP == 1) continue;
    for (const float* end = panels + j * depth + (first + elementsOf<Number>(p1 - p0)) * width; to < end; to += LANES) {
      store(to, zero());
    }
  }
}

/**
 * Columns [p0, p1) of rows [j, j + cols) of b [n, k], transposed into one panel of elements.
 */
template <class Number>
static void packPanel(float* panel, const float* b, Index k, Index cols, Index p0, Index p1) {
  const Index width = panelWidth(cols), size = elementsOf<Number>(p1 - p0);
  for (Index v = 0; v < width; v += LANES) {
    for (Index e = 0; e < size; e += LANES) {
      const Index p = p0 + e * Number::TERMS;
      Vec block[LANES];
      for (Index j = 0; j < LANES; j++) block[j] = v + j < cols ? Number::along(b + (v + j) * k + p, p1 - p) : zero();
      transpose(block);
      for (Index i = 0; i < least(LANES, size - e); i++) store(panel + (e + i) * width + v, block[i]);
    }
  }
}

}  // namespace inkhorn::INKHORN_ISA
