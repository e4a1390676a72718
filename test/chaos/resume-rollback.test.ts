import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { asBefore } from '../support/as-before.js'
import { members } from '../support/conversion-assertions.js'
import { clusterForTest, everything } from '../support/simulated-cluster.js'
import { doubleExecutions } from './parts/executions.js'

const said = ({ stdout, stderr }: { stdout: string; stderr: string }): string =>
  stdout.slice(-6000) + stderr.slice(-6000)

const runOf = (cluster: SimulatedCluster): string =>
  readdirSync(join(cluster.stateFolder, 'runs')).sort().at(-1)?.replace('.jsonl', '') ?? ''

/** `quorate ARGS` that is killed as soon as its output says `when`. */
function killedWhen(cluster: SimulatedCluster, args: readonly string[], when: RegExp): Promise<boolean> {
  return new Promise((resolve) => {
    let text = ''
    const child = spawn(process.execPath, [cluster.bundles.quorate, ...args, '--state', cluster.stateFolder], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (when.test(text)) child.kill('SIGKILL')
    })
    child.once('exit', (_code, signal) => resolve(signal === 'SIGKILL'))
  })
}

const convert = (cluster: SimulatedCluster) => ['convert', '-f', cluster.clusterFile, '--yes']

t.test(
  'there and back: every file and object is what it was, and a killed conversion and a killed way back go on',
  async (t) => {
    const cluster = await clusterForTest(t, { workers: 1 })
    const before = await everything(cluster)

    await t.test('killed while both join, resumed, converted', async (t) => {
      t.ok(
        await killedWhen(cluster, convert(cluster), /join-control-planes: k8smaster2[^\n]*\n[^\n]*join-control-planes/),
      )
      const run = runOf(cluster)
      t.match((await cluster.quorate(['status', run])).stdout, /abandoned[\s\S]*quorate resume/)
      const resumed = await cluster.quorate(['resume', run])
      t.equal(resumed.exitCode, 0, said(resumed))
      t.equal((await members(cluster)).length, 3)
      // On a starved machine a join may fail, be taken back and be made again: what must not be is a second one without that.
      t.same(await doubleExecutions(cluster), [], 'nothing was done twice')
      const verified = await cluster.quorate(['verify', '-f', cluster.clusterFile])
      t.equal(verified.exitCode, 0, said(verified))
      t.equal((await cluster.quorate(['resume', run])).exitCode, 0, 'a run that is done is left')
    })

    await t.test('undone, killed on the way, undone to its end', async (t) => {
      const run = runOf(cluster)
      t.ok(await killedWhen(cluster, ['rollback', run, '--yes'], /join-control-planes: k8smaster3[^\n]*undone/))
      const refused = await cluster.quorate(['resume', run])
      t.match(refused.stderr, /RUN_OVER/)
      const started = Date.now()
      const undone = await cluster.quorate(['rollback', run, '--yes'])
      t.equal(undone.exitCode, 0, said(undone))
      t.comment(`${Date.now() - started} ms`)
      t.equal((await members(cluster)).length, 1)
      await asBefore(t, cluster, before)
      t.match((await cluster.quorate(['status', run])).stdout, /rolled-back/)
    })

    await t.test('and it can be converted again', async (t) => {
      const again = await cluster.quorate(convert(cluster))
      t.equal(again.exitCode, 0, said(again))
    })
  },
)
