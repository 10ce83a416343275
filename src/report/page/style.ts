// The style sheet of the pages. Fonts are the reader's own: a serif face for headings and large figures, the
// system's for the rest.

/** Everything but the colours, which are in colors.ts. */
export const STYLE = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 var(--sans);
  --sans:ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",Arial,sans-serif;
  --serif:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua",Georgia,"Liberation Serif",serif;
  --mono:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
main{max-width:51.5rem;margin:0 auto;padding:clamp(1.75rem,6vw,4.5rem) clamp(1rem,4vw,2rem) 5rem}
h1,h2{font-family:var(--serif);font-weight:600;line-height:1.15;letter-spacing:-.012em;text-wrap:balance}
h1{font-size:clamp(2rem,6.2vw,3.1rem);margin:.1em 0 .45em;overflow-wrap:anywhere}
h2{font-size:1.6rem;margin:4.2rem 0 .35rem;padding-top:1.1rem;border-top:1px solid var(--rule);scroll-margin-top:.5rem}
h3{font-size:.95rem;font-weight:600;margin:1.9rem 0 .3rem}
p{margin:.5em 0;max-width:41rem;text-wrap:pretty}
a{color:inherit;text-decoration-color:var(--muted);text-underline-offset:.2em}
.kicker{margin:0;color:var(--muted);font-size:.875rem}
.lead{font-size:1.125rem;max-width:41rem}
.note,figcaption,summary{color:var(--muted);font-size:.9rem}
nav{display:flex;flex-wrap:wrap;gap:.2rem 1.15rem;margin:2rem 0 0;font-size:.9rem}
nav a{color:var(--muted);text-decoration:none;padding:.25rem 0}
nav a:hover{color:var(--ink);text-decoration:underline}
.figures{display:grid;grid-template-columns:repeat(3,1fr);gap:1.5rem 1.5rem;margin:2.2rem 0 0}
.figures div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
.figures dt{color:var(--muted);font-size:.875rem;line-height:1.35}
.figures dd{margin:0;font:600 2.15rem/1.2 var(--serif);letter-spacing:-.015em;white-space:nowrap}
.figures dd small{font:400 .95rem var(--sans);letter-spacing:0;color:var(--muted);margin-left:.3em}
.warning{margin:1rem 0;padding:.1rem 0 .1rem 1rem;border-left:3px solid var(--bad);font-size:.95rem}
figure{margin:1.3rem 0 0}
figcaption{display:flex;flex-wrap:wrap;align-items:baseline;gap:.1rem 1.1rem;margin-bottom:.35rem}
figcaption b{color:var(--ink);font-weight:600}
.legend{display:flex;flex-wrap:wrap;gap:.1rem 1rem}
.key{white-space:nowrap}
.key::before{content:"";display:inline-block;width:1.15em;border-top:3px solid var(--c);margin-right:.45em;vertical-align:.25em}
.key.faint::before{border-top-width:1.5px;opacity:.55}
.key.dash::before{border-top-style:dashed}
.key.block::before{width:.8em;height:.8em;border:0;border-radius:2px;background:var(--c);vertical-align:-.05em}
.plot{position:relative}
.plot svg{display:block;width:100%;height:auto;overflow:visible;font-variant-numeric:tabular-nums}
.plot .narrow{display:none}
.row{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,18.5rem),1fr));gap:1rem 2.2rem}
.tip{position:absolute;top:0;z-index:2;pointer-events:none;background:var(--paper);border:1px solid var(--rule);
  border-radius:6px;padding:.4rem .65rem;font-size:.8125rem;line-height:1.5;white-space:nowrap;box-shadow:0 4px 18px #0002;
  font-variant-numeric:tabular-nums}
.tip span{display:flex;justify-content:space-between;gap:1rem}
.rule{position:absolute;width:0;border-left:1px solid var(--muted);pointer-events:none;opacity:.6}
.scroll{overflow-x:auto;margin:.6rem 0;-webkit-overflow-scrolling:touch}
.scroll.more{-webkit-mask-image:linear-gradient(to right,#000 calc(100% - 3rem),#0002);mask-image:linear-gradient(to right,#000 calc(100% - 3rem),#0002)}
.hint{margin:.1rem 0 0;color:var(--muted);font-size:.8125rem;text-align:right}
table{border-collapse:collapse;font-size:.875rem;line-height:1.4;font-variant-numeric:tabular-nums}
th,td{padding:.34rem 1.4rem .34rem 0;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--rule)}
th:last-child,td:last-child{padding-right:0}
thead th{font-weight:500;color:var(--muted);white-space:nowrap;vertical-align:bottom}
tbody th{font-weight:400}
.n{text-align:right;white-space:nowrap}
tr.best td,tr.best th{font-weight:600}
details{margin:.7rem 0}
summary{cursor:pointer;width:fit-content}
summary:hover{color:var(--ink)}
code,pre{font-family:var(--mono);font-size:.875em}
pre{background:var(--raised);border-radius:8px;padding:.9rem 1.1rem;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.55}
pre span{display:inline-block;max-width:100%}
.samples{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,13.8rem),1fr));gap:1.4rem 1.8rem;margin-top:1rem}
.sample blockquote{margin:.25rem 0 0;padding-left:.9rem;border-left:2px solid var(--rule);font:.95rem/1.5 var(--serif);
  white-space:pre-wrap;overflow-wrap:anywhere}
.sample blockquote b{color:var(--muted);font-weight:400}
.sample h3{margin:0;font-weight:500;color:var(--muted)}
.facts{columns:2 20rem;column-gap:2.5rem;font-size:.875rem;margin:.4rem 0}
.facts div{display:flex;justify-content:space-between;gap:1rem;padding:.28rem 0;border-bottom:1px solid var(--rule);break-inside:avoid}
.facts dt{color:var(--muted)}
.facts dd{margin:0;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.heads{display:grid;grid-template-columns:repeat(auto-fill,minmax(6.2rem,1fr));gap:.7rem .9rem;margin-top:.5rem}
.head svg{display:block;width:100%;background:var(--raised);shape-rendering:crispEdges}
.head span{color:var(--muted);font-size:.8rem}
.head b{font-weight:400;color:var(--val)}
.lens{font:.85rem/1.4 var(--mono)}
.lens td,.lens th{padding:.25rem .6rem .25rem .35rem;white-space:pre}
.lens thead th{font:500 .8rem var(--sans)}
.lens td{background:color-mix(in srgb,var(--val) calc(var(--l,0)*1%),transparent);border:2px solid var(--paper);border-radius:5px}
.lens .hit{text-decoration:underline;text-underline-offset:.25em;font-weight:600}
.lens .came{color:var(--muted)}
.tokens{font:.95rem/2 var(--mono);overflow-wrap:anywhere;margin:.8rem 0}
.tokens span{padding:.18em 0;border-radius:2px;white-space:pre-wrap;
  background:color-mix(in srgb,var(--c) calc(var(--l)*1%),transparent)}
.tabs{display:flex;gap:1.1rem;font-size:.9rem;margin-top:1rem}
.tabs label{cursor:pointer;color:var(--muted);padding:.2rem 0}
.by>input{position:absolute;opacity:0}
.by>.of{display:none}
.by>#by-step:checked~.of-step,.by>#by-tokens:checked~.of-tokens,.by>#by-time:checked~.of-time{display:block}
.by>#by-step:checked~.tabs [for=by-step],.by>#by-tokens:checked~.tabs [for=by-tokens],.by>#by-time:checked~.tabs [for=by-time]{
  color:var(--ink);box-shadow:0 2px var(--ink)}
.by>input:focus-visible~.tabs{outline:2px solid var(--val);outline-offset:4px}
footer{margin-top:4rem;padding-top:1rem;border-top:1px solid var(--rule);color:var(--muted);font-size:.875rem}
@media(max-width:560px){.plot .wide{display:none}.plot .narrow{display:block}h2{margin-top:3.2rem}.figures{grid-template-columns:1fr 1fr;gap:1.2rem 1rem}
  .figures dd{font-size:1.7rem}th,td{padding-right:1rem}}
@media print{nav,.tip{display:none}h2{break-after:avoid}figure{break-inside:avoid}}
`;
