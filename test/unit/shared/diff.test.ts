import { unifiedDiff } from '@quorate/shared/diff'
import { sha256Hex } from '@quorate/shared/hash'
import { applyPatch } from 'diff'
import fc from 'fast-check'
import t from 'tap'

t.test('as diff -u prints it', async (t) => {
  t.equal(unifiedDiff('a.conf', 'x\n', 'x\n'), '')
  t.equal(
    unifiedDiff('a.conf', 'one\ntwo\nthree\n', 'one\n2\nthree\n'),
    '--- a.conf\tbefore\n+++ a.conf\tafter\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n',
  )
  t.match(unifiedDiff('a', '', 'x'), /\+x\n\\ No newline at end of file/)
})

t.test('property: applied to what was, it gives what is', async () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', '', '--- a', '+++ b')).map((lines) => lines.join('\n'))
  fc.assert(
    fc.property(
      text,
      text,
      (before, after) => before === after || applyPatch(before, unifiedDiff('x', before, after)) === after,
    ),
  )
})

t.test('a hash is that of sha256sum', async (t) => {
  t.equal(sha256Hex('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  t.equal(sha256Hex('ä'), sha256Hex(new Uint8Array([0xc3, 0xa4])), 'text is UTF-8')
})
