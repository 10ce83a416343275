// Two machines in one: network namespaces with a cable between them, and names of their own.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MpiJob } from './mpirun.ts';

/** What `mpirun` needs for a job on both, and their end. */
export interface TwoMachines extends Pick<MpiJob, 'through' | 'mpirun'> {
  close(): void;
}

/** Addresses for documentation (RFC 5737), which nobody has. */
const ADDRESSES = ['192.0.2.1', '192.0.2.2'] as const;

/** Makes them. Returns the reason where that is not permitted. */
export function twoMachines(): TwoMachines | string {
  const names = ['a', 'b'].map((name) => `inkhorn-${process.pid}-${name}`);
  const folder = mkdtempSync(join(tmpdir(), 'inkhorn-machines-'));
  const close = (): void => {
    for (const name of names) tryRun('ip', 'netns', 'del', name);
    rmSync(folder, { recursive: true, force: true });
  };
  const problem =
    names.map((name) => tryRun('ip', 'netns', 'add', name)).find((reason) => reason !== null) ??
    tryRun('unshare', '--uts', 'hostname', names[0]) ??
    tryRun('ip', 'link', 'add', 'ink0', 'netns', names[0], 'type', 'veth', 'peer', 'ink0', 'netns', names[1]);
  if (problem !== null) {
    close();
    return `network namespaces are not permitted here: ${problem}`;
  }
  for (const [i, name] of names.entries()) {
    run('ip', '-n', name, 'addr', 'add', `${ADDRESSES[i]}/24`, 'dev', 'ink0');
    for (const device of ['ink0', 'lo']) run('ip', '-n', name, 'link', 'set', device, 'up');
  }
  // In place of ssh, by which mpirun reaches other machines: its first argument is the address.
  const reach = join(folder, 'reach.sh');
  const there = `hostname ${names[1]}; export PATH='${process.env.PATH}'; $*`;
  writeFileSync(reach, `#!/bin/sh\nshift\nexec ip netns exec ${names[1]} unshare --uts sh -c "${there}"\n`, {
    mode: 0o755,
  });
  const parameters = {
    plm_rsh_agent: reach,
    btl: 'tcp,self',
    btl_tcp_if_include: '192.0.2.0/24',
    oob_tcp_if_include: '192.0.2.0/24',
  };
  return {
    through: [
      'ip',
      'netns',
      'exec',
      names[0],
      'unshare',
      '--uts',
      'sh',
      '-c',
      `hostname ${names[0]}; exec "$@"`,
      '--',
    ],
    mpirun: [
      ...['--host', ADDRESSES.map((address) => `${address}:2`).join(), '--map-by', 'node'],
      ...Object.entries(parameters).flatMap(([name, value]) => ['--mca', name, value]),
    ],
    close,
  };
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: 10_000 });
}

/** Null, or why it failed. */
function tryRun(command: string, ...args: string[]): string | null {
  try {
    run(command, ...args);
    return null;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return (stderr || message).trim().split('\n')[0];
  }
}
