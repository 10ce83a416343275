// Every kind of finding, in the order of the reports. A kind that is missing here but in `Findings` does not
// compile.
import type { Findings } from '../runs/findings.ts';
import { ablationFinding } from './ablation.ts';
import { activationsFinding } from './activations.ts';
import { attentionFinding } from './attention.ts';
import type { Drawing, Figure, Finding, Naming } from './figure.ts';
import { headsFinding } from './heads.ts';
import { lensFinding } from './lens.ts';
import { lossChangeFinding } from './loss-change.ts';
import { neighboursFinding } from './neighbours.ts';
import { positionsFinding } from './positions.ts';
import type { Table } from './table.ts';
import { tapsFinding } from './taps.ts';
import { tokenLossFinding } from './token-loss.ts';

type Known = Required<Findings>;

const kinds: { [K in keyof Known]: Finding<Known[K]> } = {
  activations: activationsFinding,
  taps: tapsFinding,
  attention: attentionFinding,
  heads: headsFinding,
  tokens: tokenLossFinding,
  lens: lensFinding,
  ablation: ablationFinding,
  edit: lossChangeFinding,
  neighbours: neighboursFinding,
  positions: positionsFinding,
};

/** A finding, ready to be shown: the same on a page and in Markdown. */
export interface ShownFinding {
  kind: keyof Findings;
  title: string;
  about: string;
  tables: Table[];
  figures: Figure[];
}

/** All findings, ready to be shown. Without `drawing` there are no pictures. */
export function shownFindings(findings: Findings, naming: Naming, drawing: Drawing | null): ShownFinding[] {
  return Object.keys(kinds).flatMap((kind) => shown(kind as keyof Findings, findings, naming, drawing) ?? []);
}

function shown<K extends keyof Known>(
  kind: K,
  findings: Partial<Known>,
  naming: Naming,
  drawing: Drawing | null,
): ShownFinding | null {
  const found: Known[K] | undefined = findings[kind];
  const { title, about, tables, figures }: Finding<Known[K]> = kinds[kind];
  if (found === undefined) return null;
  return {
    kind,
    title,
    about,
    tables: tables(found, naming),
    figures: drawing ? figures(found, drawing) : [],
  };
}
