/** ssh hands a command to the login shell of the user: whichever that is, the node is looked at in the same way. */
import { spawnSync } from 'node:child_process'
import { partMark, remoteCommand } from '@quorate/coordinator/deploy/remote-commands'
import t from 'tap'

const shells: readonly (readonly [string, ...string[]])[] = [
  ['bash', '-c'],
  ['dash', '-c'],
  ['busybox', 'sh', '-c'],
  ['tcsh', '-c'],
  ['fish', '-c'],
  ['zsh', '-c'],
  ['ksh', '-c'],
]

/** Names of the parts that were printed: what is in them differs from one second to the next. */
function partsBy([shell, ...args]: readonly [string, ...string[]]): readonly string[] | undefined {
  const { error, stdout, stderr } = spawnSync(shell, [...args, remoteCommand('look', 'by itself')], {
    encoding: 'utf8',
  })
  if (error !== undefined) return undefined
  const parts = stdout.split('\n').filter((line) => line.startsWith(partMark))
  // Who is not root here is refused by sudo, in the words of this machine.
  return parts.length > 0 || process.getuid?.() === 0 ? parts : [stderr]
}

const expected = partsBy(['sh', '-c'])
t.ok(expected?.length, 'sh')
for (const shell of shells) {
  const parts = partsBy(shell)
  t.test(shell.join(' '), { skip: parts === undefined ? 'it is not installed' : false }, async (t) => {
    t.same(parts, expected)
  })
}
