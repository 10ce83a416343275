// The published package in a project: packed and installed, then every command that it advises is run as
// printed, until the native engine works there. Takes minutes; asks the npm registry for packages missing
// from its cache.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, folder, root, trial } from './support/trial.mjs';

const project = join(folder, 'a project');
mkdirSync(project);

/** Runs a command line in the project and returns its output. Throws if it fails. */
function sh(line) {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], {
    cwd: project,
    encoding: 'utf8',
    env: {
      ...process.env,
      npm_config_prefer_offline: 'true',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
    },
  });
  assert.equal(status, 0, `${line} failed:\n${stdout}\n${stderr}`);
  return stdout;
}

/** The commands in backticks in a text. */
function commandsIn(text) {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, command]) => command);
}

await trial('the package installs', () => {
  const packed = spawnSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(packed.status, 0, packed.stderr);
  const [{ filename }] = JSON.parse(packed.stdout);
  writeFileSync(join(project, 'package.json'), '{ "name": "a-project", "private": true }\n');
  sh(`npm install ../${filename}`);
});

await trial("the doctor's advice leads to a native engine", () => {
  const before = sh('npx inkhorn doctor');
  const advised = commandsIn(before);
  assert.ok(advised.length > 0, `the doctor advises nothing:\n${before}`);
  for (const command of advised) sh(command);
  assert.match(sh('npx inkhorn doctor'), /native +works/);
  return advised.join('; ');
});

await trial('the next command after a training works', () => {
  writeFileSync(join(project, 'my text.txt'), 'to be or not to be, that is the question.\n'.repeat(400));
  const flags =
    '--n-layer 1 --n-embd 32 --n-head 2 --block-size 32 --batch-size 4 --steps 20 --eval-every 10 --vocab-size 280';
  const trained = sh(`npx inkhorn train --data 'my text.txt' --out 'runs/it'"'"'s mine' ${flags}`);
  const [, next] = trained.match(/^next: (.*)$/m) ?? [];
  assert.ok(next, `no next command:\n${trained}`);
  sh(next);
  return next;
});
end();
