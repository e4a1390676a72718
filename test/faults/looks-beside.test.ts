/**
 * Colleagues who look in a loop beside a conversion, a drill and an undo of real nodes: nothing fails and nobody waits for them. Each is done
 * without looks too; how long both took is a comment. `QUORATE_REAL_VERSIONS=v1.37.2 npx tap test/faults/looks-beside.test.ts`; root.
 */
import t, { type Test } from 'tap'
import type { Lab } from '../../lab/real/lab.js'
import { capture } from '../../lab/real/machines/shell.js'
import { lookBeside } from '../support/looks.js'
import { labForTest } from '../support/real-lab.js'

const version = process.env['QUORATE_REAL_VERSIONS']?.split(' ')[0] ?? 'v1.37.2'

interface Ran {
  readonly stdout: string
  readonly seconds: number
}

async function run(t: Test, lab: Lab, args: readonly string[], looking: boolean): Promise<Ran> {
  const began = Date.now()
  const running = capture(...lab.quorate(args)).then((ended) => ({ ...ended, seconds: (Date.now() - began) / 1000 }))
  if (looking) {
    // A colleague has a machine of his own: what his own process costs must not be taken from the nodes, which share this machine.
    const quorate = (look: readonly string[]) => capture(...nice(lab.quorate(look)))
    t.comment(`${args[0]}: looked ${await lookBeside(t, { clusterFile: lab.clusterFile, quorate }, running)} times`)
  }
  const { exitCode, stdout, stderr, seconds } = await running
  t.equal(exitCode, 0, `${args[0]}\n${stdout.slice(-1500)}${stderr}`)
  for (const line of stdout.split('\n').filter((one) => /requests, \d+ failed/.test(one))) t.comment(line.trim())
  t.comment(`${args[0]}, ${looking ? 'with' : 'without'} looks: ${seconds.toFixed(1)} s`)
  return { stdout, seconds }
}

const nice = ([command, args]: ReturnType<Lab['quorate']>): ReturnType<Lab['quorate']> => [
  'nice',
  ['-n', '19', command, ...args],
]

t.test(`Kubernetes ${version}`, async (t) => {
  const lab = await labForTest(t, version)
  for (const looking of [false, true]) {
    const { stdout } = await run(t, lab, ['convert', '-f', lab.clusterFile, '--yes'], looking)
    const id = /\brun (\d{8}t\d{6}-[0-9a-f]{6})\b/.exec(stdout)?.[1] ?? ''
    await run(t, lab, ['drill', '-f', lab.clusterFile, '--yes', '--i-know-this-takes-parts-down'], looking)
    await run(t, lab, ['rollback', id, '--yes'], looking)
  }
})
