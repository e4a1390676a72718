/** What editors, scripts, full disks and other programs leave of a text. Each takes the text as it was, or the empty one; undefined: nothing. */
export type Mutation = (text: string) => string | Uint8Array | undefined

const mebibyte = 2 ** 20

/** Mulberry32: the same bytes for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Some bytes of the text replaced, as a bad disk or a slip of the hand does. */
function struck(text: string, seed: number): Uint8Array {
  const bytes = Buffer.from(text === '' ? 'a: b\n' : text)
  const next = random(seed)
  for (let times = 0; times < 5; times++) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256)
  return bytes
}

export const mutationsBy = (seed: number): Readonly<Record<string, Mutation>> => ({
  absent: () => undefined,
  empty: () => '',
  'one line break': () => '\n',
  'cut in the middle': (text) => text.slice(0, Math.floor(text.length / 2)),
  'without its last bytes': (text) => text.slice(0, -3),
  binary: () => Uint8Array.from({ length: 4096 }, (_, index) => (index * 131 + 7) % 256),
  'bytes that are no UTF-8': (text) => Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x0a])]),
  'UTF-16': (text) => Buffer.from(`\uFEFF${text}`, 'utf16le'),
  'a zero byte': (text) => `${text.slice(0, 40)}\0${text.slice(40)}`,
  'half of a character': (text) => `${text}# \ud800\n`,
  'bytes struck': (text) => struck(text, seed),
  'byte order mark': (text) => `\uFEFF${text}`,
  CRLF: (text) => text.replaceAll(/\r?\n/g, '\r\n'),
  'CR alone': (text) => text.replaceAll(/\r?\n/g, '\r'),
  'tabs for spaces': (text) => text.replaceAll(/^( +)/gm, (spaces) => '\t'.repeat(spaces.length)),
  'all twice': (text) => text + (text.endsWith('\n') ? '' : '\n') + text,
  'a second document': (text) => `${text}\n---\n${text}`,
  'a comment and a marker before it': (text) => `# by hand\n---\n${text}`,
  'anchors in a circle': () => 'a: &a\n  b: *a\n  c: [*a, *a]\n',
  'aliases that fill the memory': () =>
    `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]\n`).join('')}`,
  'deep brackets': () => '['.repeat(20_000),
  'deep maps': () => `${'{a: '.repeat(2000)}${'}'.repeat(2000)}`,
  'a list': () => '- a\n- b\n',
  'a number': () => '42\n',
  'a word': () => 'none\n',
  null: () => 'null\n',
  'an empty map': () => '{}\n',
  'only a comment': () => '# moved to ansible\n',
  'a web page': () => '<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>\n',
  'marks of a merge': (text) => `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> theirs\n`,
  'every value null': (text) => text.replaceAll(/: .*$/gm, ':'),
  'every value a number': (text) => text.replaceAll(/: .*$/gm, ': 7'),
  'every value a list': (text) => text.replaceAll(/: [^\n]*$/gm, ': []'),
  'every value a map': (text) => text.replaceAll(/: [^\n]*$/gm, ': {a: b}'),
  'every item a map': (text) => text.replaceAll(/^(\s*)- .*$/gm, '$1- {}'),
  'every item null': (text) => text.replaceAll(/^(\s*)- .*$/gm, '$1-'),
  'signs of a terminal': (text) => `\u001b[2J\u202e${text}`,
  'marks of direction in its values': (text) => text.replaceAll(/: (.+)$/gm, ': "\u202e$1\u2066"'),
  'a mebibyte behind it': (text) => `${text}\n${'# padding of a line that says nothing\n'.repeat(mebibyte / 38)}`,
  'a line of a mebibyte': (text) => `${text}\n#${'x'.repeat(mebibyte)}\n`,
  'prototype keys': (text) => `${text}\n__proto__: {a: b}\nconstructor: {prototype: 1}\ntoString: 1\n`,
})
