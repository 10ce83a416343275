// Letters missing from pictures: recorded while drawing (glyphs.ts), reported when a command ends.

/** Letters that no font of this machine drew since the last report. */
export const missingGlyphs: Set<string> = new Set<string>();

/** A remark about letters missing from pictures since the last call; null if there are none. */
export function missingGlyphsNote(): string | null {
  if (missingGlyphs.size === 0) return null;
  const letters = [...missingGlyphs];
  missingGlyphs.clear();
  const shown = letters.slice(0, 12).join(' ');
  const more = letters.length > 12 ? ` and ${letters.length - 12} more` : '';
  return (
    `no font of this machine draws ${shown}${more}: boxes stand for them in the PNGs (the SVGs have the text); ` +
    'install one that does (Debian: apt-get install fonts-noto-cjk fonts-noto-core fonts-symbola) and draw again'
  );
}
