// A registry of npm on this machine: verdaccio, which has what is published to it, and takes the rest from
// npm's.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pause, start } from '../trials/support/trial.mjs';
import { verdaccio } from './programs.mjs';

/**
 * Starts it with `node`, version 22 or newer. Returns its address, npm's arguments to publish, and how to end
 * it.
 */
export async function openRegistry(node, place) {
  mkdirSync(place);
  const ours = { access: '$all', publish: '$anonymous' };
  const config = {
    storage: join(place, 'storage'),
    uplinks: { npmjs: { url: 'https://registry.npmjs.org/' } },
    packages: { inkhorn: ours, '@inkhorn/*': ours, '**': { access: '$all', proxy: 'npmjs' } },
    log: { type: 'stdout', level: 'warn' },
    max_body_size: '50mb',
  };
  const file = join(place, 'config.yaml'); // JSON is YAML
  writeFileSync(file, JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}/`;
  const { child } = start(node, [verdaccio(), '--config', file, '--listen', address]);
  for (let tries = 0; !(await answers(url)); tries++) {
    if (tries > 120) throw new Error('verdaccio did not start within a minute');
    await pause(500);
  }
  // npm publishes with a token only; this registry takes any.
  const npmrc = join(place, 'npmrc');
  writeFileSync(npmrc, `//${address}/:_authToken=anonymous\n`);
  return {
    url,
    publish: ['publish', '--registry', url, '--userconfig', npmrc, '--access', 'public'],
    close: () => child.kill(),
  };
}

function answers(url) {
  return fetch(`${url}-/ping`).then(
    ({ ok }) => ok,
    () => false,
  );
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
