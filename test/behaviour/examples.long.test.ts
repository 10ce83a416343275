// The programs of examples/, as their readers have them: in a folder with the packed package. The page among
// them is tested in a browser (../browser/examples.test.ts).
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sentences } from './cli-process.ts';
import { type PackedProject, packedProject, root } from './packed-project.ts';

/** A program of this machine, which a variable may name: why it cannot be run, else false. */
function missing(program: string, variable: string): string | false {
  const { error } = spawnSync(process.env[variable] ?? program, ['--version']);
  return error
    ? `${program} is not installed: install it (npm install ${program}), or set ${variable}`
    : false;
}

describe('the example', { skip: process.platform === 'win32' }, () => {
  let project: PackedProject;
  before(() => {
    project = packedProject();
    cpSync(join(root, 'examples'), project.folder, { recursive: true });
    writeFileSync(join(project.folder, 'text.txt'), sentences(400));
  });
  after(() => project.remove());

  /** Runs a command line, which succeeds. Returns what it printed. */
  const run = (line: string): string => {
    const { status, stdout, stderr } = project.sh(line);
    assert.equal(status, 0, `${line}\n${stdout}\n${stderr}`);
    return stdout;
  };

  test('train.mjs trains, goes on where it was, and reports', () => {
    assert.match(run('node train.mjs text.txt run 6'), /^wasm .*\nstep 0: 5\.\d+ nats per token\n/);
    const more = run('node train.mjs text.txt run 8');
    assert.match(more, /step 8: \d\.\d+ nats per token\n/);
    assert.doesNotMatch(more, /step 0:/);
    assert.match(more, /^run\/report\.html$/m);
    assert.match(more, /of every block\n/);
    const page = readFileSync(join(project.folder, 'run/report.html'), 'utf8');
    assert.match(page, /<figure class="chart/);
    assert.ok(existsSync(join(project.folder, 'run/figures/loss.png')));
  });

  test('handler.mjs answers a prompt with a text, token by token', async () => {
    const server = spawn(process.execPath, ['handler.mjs', '0'], { cwd: project.folder });
    try {
      const [said] = await once(server.stdout, 'data');
      const url = String(said).trim();
      const answer = await fetch(url, { method: 'POST', body: 'ROMEO:' });
      assert.equal(answer.status, 200);
      const parts: string[] = [];
      for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) parts.push(part);
      assert.ok(parts.length > 1 && parts.join('').length > 100, parts.join(''));
      const long = await fetch(url, { method: 'POST', body: 'x'.repeat(2000) });
      assert.equal(long.status, 413);
    } finally {
      server.kill();
    }
  });

  test('handler.mjs is mounted by servers that take a listener of Node, such as Express', () => {
    const mounted = `import { createServer } from 'node:http';
      import { getRequestListener } from '@hono/node-server';
      import { app } from './handler.mjs';
      const server = createServer(getRequestListener(app.fetch)).listen(0, async () => {
        const answer = await fetch(\`http://localhost:\${server.address().port}/write\`, { method: 'POST', body: 'To be' });
        console.log(answer.status, (await answer.text()).length > 20);
        process.exit();
      });`;
    writeFileSync(join(project.folder, 'mounted.mjs'), mounted);
    assert.equal(run('node mounted.mjs'), '200 true\n');
  });

  const deno = missing('deno', 'INKHORN_DENO');
  test('deno.ts speaks, the same as Node', { skip: deno }, () => {
    const program = process.env.INKHORN_DENO ?? 'deno';
    const said = run(`'${program}' run --allow-read --allow-env --allow-sys --allow-ffi deno.ts 'ROMEO:'`);
    const options = '--prompt ROMEO: --tokens 100 --temperature 0.8 --seed 1';
    assert.equal(said, run(`npx inkhorn generate ${options}`));
  });

  const bun = missing('bun', 'INKHORN_BUN');
  test('bun.ts makes a model in four bits, and says what it costs', { skip: bun }, () => {
    const said = run(`'${process.env.INKHORN_BUN ?? 'bun'}' bun.ts small`);
    assert.match(said, /^wasm .*\n\d\.\d times smaller: small\n\d\.\d+ nats per token became \d\.\d+\n$/);
    assert.match(
      run('npx inkhorn generate -m small --prompt ROMEO: --tokens 5 --backend reference'),
      /^ROMEO:/,
    );
  });

  test('vite/ has no error of types', () => {
    const options = {
      target: 'es2022',
      module: 'esnext',
      moduleResolution: 'bundler',
      strict: true,
      noEmit: true,
    };
    const compilerOptions = { ...options, lib: ['es2022', 'dom'], types: [] };
    const config = { compilerOptions, files: ['vite/main.ts'] };
    writeFileSync(join(project.folder, 'tsconfig.json'), JSON.stringify(config));
    assert.equal(project.sh(`node '${join(root, 'node_modules/typescript/bin/tsc')}' -p .`).stdout, '');
  });

  test('each says how to run it, and is listed', () => {
    const list = readFileSync(join(root, 'examples/README.md'), 'utf8');
    for (const [file, command] of [
      ['train.mjs', 'node train.mjs'],
      ['handler.mjs', 'node handler.mjs'],
      ['vite/main.ts', 'npx vite'],
      ['deno.ts', 'deno run'],
      ['bun.ts', 'bun bun.ts'],
    ]) {
      assert.ok(list.includes(`](${file})`), file);
      assert.match(
        readFileSync(join(root, 'examples', file), 'utf8'),
        new RegExp(`^//   ${command}`, 'm'),
        file,
      );
    }
  });
});
