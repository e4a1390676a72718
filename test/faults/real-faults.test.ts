/**
 * What dies half way, on real kubeadm, kubelet, containerd and etcd: one cluster, converted and given back again and again, each time with
 * another fault. `npm run test:faults`; root; about ten minutes. QUORATE_FAULTS=name,name runs some of them only.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import t, { type Test } from 'tap'
import type { Lab } from '../../lab/real/lab.js'
import { capture } from '../../lab/real/machines/shell.js'
import { labForTest, newestRun } from '../support/real-lab.js'
import { differences, etcdMembers, type LabState, stateOf } from '../support/real-state.js'

/** What a shell answers for a program that SIGKILL ended. */
const killed = 137

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what: string, holds: () => Promise<boolean>, seconds = 180): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; !(await holds()); await pause(100))
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`)
}

/** By the word of the first control plane. */
const members = (lab: Lab) => etcdMembers(lab.node('cp1'))

const voters = async (lab: Lab) => (await members(lab)).filter(({ isLearner }) => !isLearner).length

/** A conversion as a process of its own, that a fault can meet. */
class Conversion {
  readonly #child: ChildProcess
  readonly ended: Promise<number>
  output = ''

  constructor(lab: Lab) {
    const [file, args] = lab.quorate(['convert', '-f', lab.clusterFile, '--yes'])
    this.#child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk) => {
        this.output += chunk
      })
    this.ended = new Promise((resolve) => this.#child.on('close', (code) => resolve(code ?? killed)))
  }

  said(words: RegExp): Promise<void> {
    return until(`the conversion to say ${words}`, async () => words.test(this.output))
  }

  /** kill -9 of the program itself: nsenter has become it. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

const joins = (node: string) => new RegExp(`join-control-planes: ${node}[^\\n]*\\[preflight\\] Running`)

interface Fault {
  readonly name: string
  /** Where the operator does not want to go on: undone from where it stopped. */
  readonly isGivenUp?: true
  /** Lets it happen, and heals it; resolves when the conversion's process has ended. */
  strike(lab: Lab, conversion: Conversion): Promise<number>
}

const faults: readonly Fault[] = [
  {
    name: 'coordinator-killed',
    async strike(_lab, conversion) {
      await conversion.said(joins('k8smaster2'))
      conversion.kill()
      return conversion.ended
    },
  },
  {
    name: 'agent-killed',
    async strike(lab, conversion) {
      await conversion.said(joins('k8smaster2'))
      await lab.node('cp2').must(['systemctl', 'kill', '--signal=SIGKILL', 'quorate-agent'])
      return conversion.ended
    },
  },
  {
    name: 'joiner-power-cut',
    async strike(lab, conversion) {
      const { address } = lab.node('cp2')
      await until('a learner', async () =>
        (await members(lab)).some((one) => one.isLearner && one.peerURLs.some((url) => url.includes(address))),
      )
      lab.node('cp2').kill()
      await pause(5_000)
      await lab.node('cp2').boot(lab.hosts)
      return conversion.ended
    },
  },
  {
    name: 'all-killed-before-the-first-vote',
    isGivenUp: true,
    async strike(lab, conversion) {
      await until('a learner', async () => (await members(lab)).some(({ isLearner }) => isLearner === true))
      conversion.kill()
      for (const node of ['cp2', 'cp3']) lab.node(node).kill()
      await pause(2_000)
      await Promise.all(['cp2', 'cp3'].map((node) => lab.node(node).boot(lab.hosts)))
      return conversion.ended
    },
  },
  {
    name: 'peer-port-blocked',
    async strike(lab, conversion) {
      const rule = ['OUTPUT', '-d', lab.node('cp3').address, '-p', 'tcp', '--dport', '2380', '-j', 'DROP']
      await conversion.said(joins('k8smaster3'))
      await lab.node('cp1').must(['iptables', '-I', ...rule])
      await pause(30_000)
      await lab.node('cp1').must(['iptables', '-D', ...rule])
      return conversion.ended
    },
  },
  {
    name: 'first-power-cut',
    async strike(lab, conversion) {
      await until('the second vote', async () => (await voters(lab)) >= 2)
      lab.node('cp1').kill()
      await pause(5_000)
      await lab.node('cp1').boot(lab.hosts)
      return conversion.ended
    },
  },
]

const chosen = process.env['QUORATE_FAULTS']?.split(',')
const version = process.env['QUORATE_REAL_VERSIONS']?.split(' ')[0] ?? 'v1.37.2'

t.test(`Kubernetes ${version}`, async (t) => {
  const lab = await labForTest(t, version)
  const before = await stateOf(lab)
  for (const fault of faults.filter(({ name }) => chosen?.includes(name) ?? true)) {
    await t.test(fault.name, async (t) => {
      const conversion = new Conversion(lab)
      const exitCode = await fault.strike(lab, conversion)
      t.comment(`the conversion ended with ${exitCode}`)
      t.comment(conversion.output.slice(-1500))
      const run = newestRun(lab)
      if (fault.isGivenUp) return giveBack(t, lab, { run, before })
      if (exitCode !== 0) await untilDone(t, lab, ['resume', run])
      const verify = await capture(...lab.quorate(['verify', '-f', lab.clusterFile]))
      t.equal(verify.exitCode, 0, verify.stdout.slice(-2000) + verify.stderr)
      t.equal(await voters(lab), 3)
      await giveBack(t, lab, { run, before })
    })
  }
})

/** A command until it succeeds: where the agent of a node that only just booted does not answer yet it says so and does nothing. */
async function untilDone(t: Test, lab: Lab, command: readonly [string, ...string[]]): Promise<void> {
  const started = Date.now()
  const after = () => `after ${Math.round((Date.now() - started) / 1000)} s`
  for (let tries = 1; tries <= 4; tries++) {
    const { exitCode, stdout, stderr } = await capture(...lab.quorate([...command]))
    t.comment(`${command[0]} ${tries} ended with ${exitCode} ${after()}`)
    if (exitCode === 0) {
      t.pass(command[0])
      return
    }
    t.comment(stdout.slice(-1500) + stderr)
    await pause(2_000)
  }
  t.fail(`${command[0]} did not succeed`)
}

async function giveBack(t: Test, lab: Lab, { run, before }: { run: string; before: LabState }): Promise<void> {
  await untilDone(t, lab, ['rollback', run, '--yes'])
  t.same(differences(before, await stateOf(lab)), [], 'every file and object is as it was')
  t.equal((await members(lab)).length, 1)
}
