// The script of a page: a rule and the values of every line under the pointer in a chart; and remarks on
// tables and pictures that are wider than the window. The page is complete without it.

/**
 * For each chart: `data-x` and `data-y` of the drawing are [domain from, to, range from, to, logarithmic],
 * the JSON beside it `{ x: label, series: [{ name, color, points: [[x, y, text of y], ...] }] }`.
 */
export const SCRIPT = `
for (const wide of document.querySelectorAll('.scroll')) {
  const hint = Object.assign(document.createElement('p'), { className: 'hint', textContent: 'wider than this window: scroll sideways \\u2192' });
  wide.after(hint);
  const mark = () => {
    const over = wide.scrollWidth - wide.clientWidth;
    hint.hidden = over < 2;
    wide.classList.toggle('more', over - wide.scrollLeft >= 2);
  };
  wide.addEventListener('scroll', mark, { passive: true });
  new ResizeObserver(mark).observe(wide);
  mark();
}
for (const figure of document.querySelectorAll('figure.chart')) {
  const { x: label, series } = JSON.parse(figure.querySelector('script').textContent);
  const tip = Object.assign(document.createElement('div'), { className: 'tip', hidden: true });
  const rule = Object.assign(document.createElement('div'), { className: 'rule', hidden: true });
  const plot = figure.querySelector('.plot');
  plot.append(rule, tip);
  const nearest = (points, x) => {
    let [lo, hi] = [0, points.length - 1];
    while (lo < hi) { const mid = (lo + hi) >> 1; if (points[mid][0] < x) lo = mid + 1; else hi = mid; }
    return lo > 0 && x - points[lo - 1][0] < points[lo][0] - x ? lo - 1 : lo;
  };
  const hide = () => { tip.hidden = rule.hidden = true; };
  plot.addEventListener('pointerleave', hide);
  plot.addEventListener('pointermove', (event) => {
    const drawing = [...plot.querySelectorAll('[data-x]')].find((d) => d.offsetWidth > 0);
    const svg = drawing.firstElementChild;
    const box = svg.getBoundingClientRect();
    const zoom = box.width / svg.viewBox.baseVal.width;
    const [from, to, left, right, log] = JSON.parse(drawing.dataset.x);
    const [, , bottom, top] = JSON.parse(drawing.dataset.y);
    const share = ((event.clientX - box.left) / zoom - left) / (right - left);
    const at = log ? from * (to / from) ** share : from + share * (to - from);
    const lead = series.reduce((a, b) => {
      const gap = (s) => Math.abs(s.points[nearest(s.points, at)][0] - at);
      return a.faint || (!b.faint && gap(b) < gap(a)) ? b : a;
    });
    const x = lead.points[nearest(lead.points, at)][0];
    const lines = series.map(({ name, color, points }) => {
      const [px, , text] = points[nearest(points, x)];
      return Math.abs(px - x) > (to - from) / 20 ? '' : [name, color, text];
    }).filter(Boolean);
    tip.replaceChildren(...[[label, '', x.toLocaleString('en-US', { maximumSignificantDigits: 4 })], ...lines].map(([name, color, text]) => {
      const line = document.createElement('span');
      const key = Object.assign(document.createElement('span'), { textContent: name, className: color ? 'key' : '' });
      key.style.setProperty('--c', color);
      key.style.display = 'inline';
      line.append(key, text);
      return line;
    }));
    const part = log ? Math.log(x / from) / Math.log(to / from) : (x - from) / (to - from);
    const px = (left + part * (right - left)) * zoom;
    rule.hidden = tip.hidden = false;
    Object.assign(rule.style, { left: px + 'px', top: top * zoom + 'px', height: (bottom - top) * zoom + 'px' });
    const room = box.width - tip.offsetWidth;
    tip.style.left = Math.max(0, Math.min(room, px < box.width / 2 ? px + 14 : px - tip.offsetWidth - 14)) + 'px';
    tip.style.top = top * zoom + 'px';
  });
}
`;
