// Numbers as this room writes them.

/** `31 %`, `4.2 %` */
export function percent(share: number): string {
  if (share > 0 && share < 0.001) return 'below 0.1 %';
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

/** `+0.31`, `-0.04` */
export function change(value: number, digits = 2): string {
  return `${value > 0 ? '+' : ''}${value.toFixed(digits)}`.replace('-', '−');
}
