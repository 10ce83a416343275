// What several runs differ in, field by field: for tables of runs, on the terminal and on pages.

/** A field that differs between runs: one value per run; empty where a run does not have the field. */
export interface Difference {
  name: string;
  values: string[];
}

/** The fields that are not the same in all of `runs`, in the order in which the runs have them. */
export function differencesOf(runs: readonly Readonly<Record<string, unknown>>[]): Difference[] {
  const names = [...new Set(runs.flatMap(Object.keys))];
  return names
    .map((name) => ({ name, values: runs.map((run) => textOf(run[name])) }))
    .filter(({ values }) => new Set(values).size > 1);
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
