// The named corpora. Their texts are not in the sources: one is downloaded once, two are built into the
// package.
import { fileURLToPath } from 'node:url';

/** One named corpus: exactly these bytes, wherever they come from. */
export interface NamedCorpus {
  name: string;
  /** A one-line description. */
  title: string;
  /** Length and checksum of the text. Any other text is refused. */
  bytes: number;
  sha256: string;
  licence: string;
  /** Fetched from a `url` into the cache folder, or a brotli-compressed file of the package's `assets/`. */
  from: { url: string } | { asset: string };
}

/** In the order in which they are listed. */
export const CATALOG: readonly NamedCorpus[] = [
  {
    name: 'tiny-shakespeare',
    title: 'scenes from the plays of Shakespeare, as in char-rnn (Karpathy 2015)',
    bytes: 1_115_394,
    sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
    licence: 'public domain',
    from: {
      url: 'https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt',
    },
  },
  {
    name: 'moby-dick',
    title: 'Moby-Dick; or, The Whale, by Herman Melville (1851)',
    bytes: 1_204_997,
    sha256: 'fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240',
    licence: 'CC0 1.0',
    from: { asset: 'moby-dick.txt.br' },
  },
  {
    name: 'first-names',
    title: 'first names of English-speaking countries (Ward 2002), a line each, shuffled',
    bytes: 59_167,
    sha256: 'cdee8d27137277ce75c3660c51a6241b5e163f28615ff92d7ca50814ff0336fd',
    licence: 'CC0 1.0',
    from: { asset: 'first-names.txt.br' },
  },
];

/** The package's `assets/`, written by the build. The path starts from `dist/src/corpora/`. */
export const ASSETS: string = fileURLToPath(new URL('../../../assets', import.meta.url));
