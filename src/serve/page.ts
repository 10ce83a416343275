// The page at `/`, to try the server by hand: one document that needs nothing else. Read next: app.ts.
import { createHash } from 'node:crypto';

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.3rem; }
  textarea, output { box-sizing: border-box; width: 100%; font: 15px/1.5 ui-monospace, monospace; }
  textarea { min-height: 6rem; }
  output { display: block; min-height: 8rem; margin: 1rem 0; padding: .75rem; border: 1px solid GrayText;
    border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
  output b { font-weight: 600; }
  .row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: .75rem 0; }
  label { display: grid; font-size: .85rem; }
  [hidden] { display: none; }
  .row :is(input, select) { box-sizing: border-box; width: 7.5rem; height: 1.75rem; font: inherit; }
  button { font: inherit; padding: .2rem 1rem; }
  #note { min-height: 1.5em; font-size: .85rem; }
`;

const SCRIPT = `
  const at = (id) => document.getElementById(id);
  const headers = () => ({ 'Content-Type': 'application/json',
    ...(at('key').value && { Authorization: 'Bearer ' + at('key').value }) });
  let running = null;
  async function models() {
    const answer = await fetch('v1/models', { headers: headers() });
    at('keyrow').hidden = answer.status !== 401 && at('key').value === '';
    if (!answer.ok) return void (at('note').textContent = (await answer.json()).error.message);
    const { data } = await answer.json();
    at('note').textContent = '';
    at('model').replaceChildren(...data.map(({ id }) => new Option(id)));
  }
  async function write() {
    if (running) return running.abort();
    const prompt = at('prompt').value;
    const shown = document.createElement('b');
    shown.textContent = prompt;
    at('out').replaceChildren(shown);
    at('note').textContent = '';
    running = new AbortController();
    at('go').textContent = 'Stop';
    const begun = performance.now();
    let tokens = 0;
    try {
      const body = { model: at('model').value, prompt, stream: true, stream_options: { include_usage: true },
        max_tokens: Number(at('tokens').value), temperature: Number(at('temperature').value),
        top_p: Number(at('topp').value), ...(at('seed').value && { seed: Number(at('seed').value) }) };
      const answer = await fetch('v1/completions',
        { method: 'POST', headers: headers(), body: JSON.stringify(body), signal: running.signal });
      if (!answer.ok) throw new Error((await answer.json()).error.message);
      let text = '';
      // By its reader: not every browser can loop over a stream.
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const events = (text + part.value).split('\\n\\n');
        text = events.pop();
        for (const event of events) {
          if (!event.startsWith('data: ') || event === 'data: [DONE]') continue;
          const { error, choices, usage } = JSON.parse(event.slice(6));
          if (error) throw new Error(error.message);
          if (usage) tokens = usage.completion_tokens;
          for (const choice of choices) at('out').append(choice.text);
        }
      }
      const seconds = (performance.now() - begun) / 1000;
      at('note').textContent = tokens + ' tokens in ' + seconds.toFixed(2) + ' s';
    } catch (error) {
      at('note').textContent = error.name === 'AbortError' ? 'stopped' : error.message;
    }
    running = null;
    at('go').textContent = 'Write';
  }
  at('go').addEventListener('click', write);
  at('key').addEventListener('change', models);
  at('prompt').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) write();
  });
  models();
`;

/** The page. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>inkhorn serve</title>
<style>${STYLE}</style>
</head>
<body>
<h1>inkhorn serve</h1>
<label>Prompt<textarea id="prompt">ROMEO:
</textarea></label>
<div class="row">
<label>Model<select id="model"></select></label>
<label>Tokens<input id="tokens" type="number" min="1" value="128"></label>
<label>Temperature<input id="temperature" type="number" min="0" step="0.1" value="1"></label>
<label>Top-p<input id="topp" type="number" min="0.05" max="1" step="0.05" value="0.9"></label>
<label>Seed<input id="seed" type="number" min="0" placeholder="any"></label>
<label id="keyrow" hidden>API key<input id="key" type="password" autocomplete="off"></label>
<button id="go" type="button">Write</button>
</div>
<output id="out"></output>
<div id="note" role="status"></div>
<p><a href="openapi.json">openapi.json</a></p>
<script>${SCRIPT}</script>
</body>
</html>
`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Its content security policy: nothing but itself and this server. */
export const PAGE_POLICY = `default-src 'none'; connect-src 'self'; script-src ${hashOf(SCRIPT)}; style-src ${hashOf(STYLE)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
