// The folders of the user. A path that is not absolute would be one of the current folder.
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** The user's home: of the environment, else of the system's list of users; null where neither has one. */
export function homeFolder(): string | null {
  for (const ask of [homedir, () => userInfo().homedir]) {
    try {
      const folder = ask();
      if (isAbsolute(folder)) return folder;
    } catch {
      // The system does not know this user.
    }
  }
  return null;
}

/**
 * The folder that an environment variable names, such as XDG_CACHE_HOME, if that is an absolute path, as its
 * specification demands; else `path` in the user's home; null where there is none.
 */
export function userFolder(variable: string, ...path: string[]): string | null {
  const named = process.env[variable] ?? '';
  return isAbsolute(named) ? named : inHome(...path);
}

/** `path` in the user's home; null where there is none. */
export function inHome(...path: string[]): string | null {
  const home = homeFolder();
  return home === null ? null : join(home, ...path);
}
