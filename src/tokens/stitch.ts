// Joins the tokens of overlapping parts of a text, for tokenizers without a split pattern. A sequence of
// tokens is the encoding of its text if and only if no two neighbours would merge (tokenizer/bpe-fast.ts). So
// where two parts have the same token at the same place, the tokens of the first up to and with it, and those
// of the second after it, are the encoding of both: each pair of neighbours stands in one of the parts.

/**
 * How many tokens of `left`, and from which token of `right` on: together the encoding of the text from the
 * start of `left` to the end of `right`, which begins `overlap` bytes before `left` ends. Null where they
 * have no token in common.
 */
export function stitch(
  left: Int32Array,
  right: Int32Array,
  overlap: number,
  lengthOf: (id: number) => number,
): { left: number; right: number } | null {
  // Where the tokens of `left` begin within the overlap, from the last one on.
  const places = new Map<number, number>();
  let at = overlap;
  for (let i = left.length - 1; i >= 0; i--) {
    at -= lengthOf(left[i]);
    if (at < 0) break;
    places.set(at, i);
  }
  for (let k = 0, place = 0; k < right.length && place < overlap; k++) {
    const i = places.get(place);
    if (i !== undefined && left[i] === right[k]) return { left: i + 1, right: k + 1 };
    place += lengthOf(right[k]);
  }
  return null;
}
