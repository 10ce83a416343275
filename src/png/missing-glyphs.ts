// Letters that pictures lack: noted while they are drawn (glyphs.ts), said when a command ends.

/** Letters that no font of this machine drew since the last remark. */
export const missingGlyphs: Set<string> = new Set<string>();

/** A remark about letters that pictures lack since the last call; null where they lack none. */
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
