// What encodings are called by people who have to choose one.

const SCRIPTS: Readonly<Record<string, string>> = {
  'windows-1252': 'Western European, also called Latin-1',
  'iso-8859-15': 'Western European with €',
  macintosh: 'Western European, of old Macs',
  'windows-1250': 'Central European',
  'iso-8859-2': 'Central European',
  'windows-1257': 'Baltic',
  'windows-1254': 'Turkish',
  'windows-1258': 'Vietnamese',
  'windows-1251': 'Cyrillic',
  'koi8-r': 'Cyrillic',
  'koi8-u': 'Cyrillic',
  'iso-8859-5': 'Cyrillic',
  ibm866: 'Cyrillic, of DOS',
  'windows-1253': 'Greek',
  'iso-8859-7': 'Greek',
  'windows-1255': 'Hebrew',
  'iso-8859-8': 'Hebrew',
  'windows-1256': 'Arabic',
  'iso-8859-6': 'Arabic',
  shift_jis: 'Japanese',
  'euc-jp': 'Japanese',
  'iso-2022-jp': 'Japanese',
  gb18030: 'Chinese',
  big5: 'Chinese, traditional',
  'euc-kr': 'Korean',
};

/** `windows-1250 (Central European)` */
export function titleOfEncoding(encoding: string): string {
  const script = SCRIPTS[encoding];
  return script === undefined ? encoding : `${encoding} (${script})`;
}
