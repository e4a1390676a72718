import fc from 'fast-check'

const pieces = [
  '\n',
  '\r\n',
  '\t',
  ' ',
  ':',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '&a ',
  '*a',
  '<<: ',
  '"',
  "'",
  '#',
  '|',
  '>',
  '!!str ',
  '---\n',
  '%',
  '\0',
  '\uFEFF',
  '\uD800',
  'null',
  '? ',
]

/** A text that was damaged in a few places: what an editor, a bad disk or a hostile hand leaves of a real file. */
export function damaged(text: string): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(text.length),
    remove: fc.nat(40),
    insert: fc.oneof(fc.constantFrom('', ...pieces), fc.string({ maxLength: 12 })),
  })
  return fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((changes) =>
      changes.reduce((whole, { at, remove, insert }) => whole.slice(0, at) + insert + whole.slice(at + remove), text),
    )
}
