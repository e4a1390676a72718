import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Metadata, type ServerWritableStream, status } from '@grpc/grpc-js'
import type { Finding } from '@quorate/coordinator/conversion/context/finding'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { QuorateError } from '@quorate/shared/errors'
import {
  GetNodeFactsResponse,
  type RestartKubeletRequest,
  type RestartKubeletResponse,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import { ErrorDetail, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import t from 'tap'
import type { CliContext } from '../../../../coordinator/src/cli/context.js'
import { runProgram } from '../../../../coordinator/src/cli/program.js'
import type { RunState } from '../../../../coordinator/src/engine/fold.js'
import { openSession } from '../../../../coordinator/src/open-session.js'
import type { Session } from '../../../../coordinator/src/runs/context/session.js'
import { againstSchema } from '../../../support/published-schemas.js'
import { bundleIdentity, serveAgent } from '../support/agent-server.js'

/** These agents have no API server to watch. */
const unwatched = ({ watch: _, ...session }: Session): Session => session

const names = ['cp1', 'cp2', 'cp3']

/** How an agent says that an operation failed. */
function refusal(): Error {
  const metadata = new Metadata()
  const detail = ErrorDetail.fromPartial({ code: 'COMMAND_FAILED', message: 'systemctl does not work' })
  metadata.set('quorate-error-bin', Buffer.from(ErrorDetail.encode(detail).finish()))
  return Object.assign(new Error('no'), { code: status.FAILED_PRECONDITION, details: 'no', metadata })
}

/** A fleet of real gRPC agents on loopback, a state folder made by the commands, and a toy order that restarts kubelets. */
async function lab(t: { testdir(): string; teardown(work: () => unknown): void }) {
  const folder = t.testdir()
  const state = join(folder, 'state')
  const restarted = new Set<string>()
  const changed = new Set<string>()
  const seen = { operationIds: [] as string[], tokens: [] as number[] }
  const onRestart: { hook: (node: string) => Promise<void> } = { hook: async () => {} }
  const findings: Finding[] = []
  const unproved: Finding[] = []
  const output = { text: '', errors: '', typed: '' }
  const stops = new Set<() => void>()
  const wish: { width: number; watch?: Session['watch'] } = { width: 1 }

  const step = (id: string, nodes: readonly string[]): ConversionStep => ({
    id,
    title: `Restart by ${id}`,
    gate: 'it is restarted',
    undo: 'none',
    width: () => wish.width,
    plan: async () =>
      nodes
        .filter((node) => !restarted.has(`${id}/${node}`))
        .map((node) => ({
          id: node,
          node,
          does: 'restart the kubelet',
          diffs: [{ name: `${node}:/x`, text: `--- ${node}\n+++ ${node}\n-old\n+new\n` }],
        })),
    apply: async (run, action, call) => {
      await run.agent(action.node).change('restartKubelet', {}, call, id)
      restarted.add(`${id}/${action.node}`)
    },
    verify: async () => [{ what: 'kubelet', saw: 'new process' }],
    rollback: async (run, { action: { node } }, call) => {
      await run.agent(node).change('restartKubelet', {}, call, id)
      restarted.delete(`${id}/${node}`)
    },
  })

  const context: CliContext = {
    terminal: {
      out: (text) => {
        output.text += text
      },
      err: (text) => {
        output.errors += text
      },
      live: false,
      coloured: false,
      canAsk: false,
      size: () => ({ columns: 80, rows: 24 }),
      ask: async () => 'n',
      askSecret: async () => '',
    },
    input: () => Readable.from([Buffer.from(output.typed)]),
    version: '0.1.0',
    defaultState: state,
    openSession: async (from, person): Promise<Session> => ({
      ...unwatched(await openSession(from, person)),
      ...(wish.watch === undefined ? {} : { watch: wish.watch }),
      order: [step('canary', ['cp1']), step('rest', ['cp2', 'cp3'])],
      checks: [{ id: 'toy', title: 'Toy', check: async () => findings }],
      proofs: [
        {
          id: 'toy',
          title: 'Kubelets are new',
          foreseen: [],
          prove: async () => ({ evidence: [{ what: 'kubelets', saw: 'three' }], findings: unproved }),
        },
      ],
    }),
    serve: async () => {
      throw new Error('not in this test')
    },
    onStop: (callback) => {
      stops.add(callback)
      return () => stops.delete(callback)
    },
    onClosed: () => () => undefined,
    detach: () => {
      throw new Error('not in this test')
    },
    now: Date.now,
  }

  /** Runs a command; the answer has only what it wrote. */
  const quorate = async (...args: string[]) => {
    output.text = ''
    output.errors = ''
    const code = await runProgram(context, args).catch((error: unknown) => error as QuorateError)
    return {
      code: code instanceof QuorateError ? code.exitCode : code,
      error: code instanceof QuorateError ? code : undefined,
      text: output.text,
      errors: output.errors,
    }
  }

  const start = async () => {
    await quorate('init')
    const ports: Record<string, number> = {}
    for (const name of names) {
      const bundle = join(folder, name)
      await quorate('enroll', name, '--address', '127.0.0.1', '--bundle', bundle)
      const { server, port } = await serveAgent(
        {
          getNodeFacts: ((_call: unknown, callback: (error: null, answer: GetNodeFactsResponse) => void) =>
            callback(
              null,
              GetNodeFactsResponse.fromPartial({
                facts: {
                  hostname: name,
                  agentVersion: '0.1.0',
                  kubeletVersion: 'v1.37.2',
                  clockUnixMs: Date.now() + 60_000,
                },
              }),
            )) as never,
          getSealingKey: ((_call: unknown, callback: (error: null, answer: unknown) => void) =>
            callback(null, { recipient: 'age1', signature: Buffer.alloc(0), certificatePem: '' })) as never,
          restartKubelet: (async (call: ServerWritableStream<RestartKubeletRequest, RestartKubeletResponse>) => {
            seen.operationIds.push(call.request.header?.operationId ?? '')
            seen.tokens.push(call.request.header?.fencingToken ?? 0)
            try {
              await onRestart.hook(name)
            } catch (error) {
              return void call.emit('error', error)
            }
            call.write({ event: { event: { $case: 'progress', progress: { message: 'stopping \u001b[31mit' } } } })
            // Every second restart puts back what the one before it changed.
            const [a, b] = ['a'.repeat(64), 'b'.repeat(64)]
            const [sha256Before, sha256After] = changed.delete(name) ? [b, a] : [a, b]
            if (sha256After === b) changed.add(name)
            const touched = [{ name: '/var/lib/kubelet', sha256Before, sha256After }]
            call.write({
              event: {
                event: { $case: 'result', result: OperationResult.fromPartial({ summary: 'restarted', touched }) },
              },
            })
            call.end()
          }) as never,
        },
        bundleIdentity(bundle),
      )
      t.teardown(() => server.forceShutdown())
      ports[name] = port
      await quorate('enroll', name, '--address', `127.0.0.1:${port}`, '--bundle', bundle)
    }
    const planes = names.map(
      (name, index) => `  - {name: ${name}, address: 127.13.1.${index + 1}, agent: '127.0.0.1:${ports[name]}'}\n`,
    )
    const file = join(folder, 'cluster.yaml')
    writeFileSync(
      file,
      `apiVersion: quorate/v1alpha1\nkind: Conversion\nmetadata: {name: toy}\nendpoint: api.example.com:8443\nloadBalancer: {kind: haproxy, virtualIP: 127.13.1.9}\ncontrolPlanes:\n${planes.join('')}policy: {ignoreFindings: {old-disk: it is replaced on Monday}}\n`,
    )
    return file
  }
  return { quorate, start, context, output, findings, unproved, restarted, seen, onRestart, stops, state, folder, wish }
}

t.test('init and enroll: what is secret is for its owner alone', async (t) => {
  const { quorate, state, folder } = await lab(t)
  t.equal((await quorate('nodes')).error?.code, 'STATE_NOT_INITIALISED')
  const made = await quorate('init')
  t.match(made.text, /quorate enroll NODE/)
  t.match(await quorate('init'), { code: 2, error: { code: 'STATE_EXISTS' } })
  const bundle = join(folder, 'b')
  await quorate('enroll', 'cp1', '--address', 'host.example.com:7000', '--bundle', bundle)
  t.same(readdirSync(bundle).sort(), ['agent.yaml', 'fleet-ca.crt', 'node.crt', 'node.key'])
  t.match(readFileSync(join(bundle, 'agent.yaml'), 'utf8'), /^node: cp1\nlisten: '0\.0\.0\.0:7000'$/m)
  for (const path of [
    join(bundle, 'node.key'),
    ...['fleet/ca.key', 'fleet/coordinator.key', 'backup/identity.age.key'].map((name) => join(state, name)),
  ]) {
    t.equal(statSync(path).mode & 0o777, 0o600, path)
  }
  t.equal(statSync(state).mode & 0o777, 0o700)
  t.match(readFileSync(join(state, 'backup/recipient'), 'utf8'), /^age1[a-z0-9]+\n$/)
  t.match(await quorate('enroll', 'cp2', '--address', '10.0.0.2', '--bundle', bundle), {
    code: 2,
    error: { message: /another node \(cp1/ },
  })
  t.match(await quorate('enroll', 'cp2', '--address', '10.0.0.2'), { code: 2, error: { remedy: /--bundle \.\/cp2/ } })
  t.match(await quorate('enroll', '10.0.0.2', '--address', '10.0.0.2', '--bundle', join(folder, 'c')), {
    code: 2,
    error: { code: 'USAGE' },
  })
  t.match(await quorate('enroll', 'cp2', '--address', 'a b', '--bundle', join(folder, 'c')), {
    code: 2,
    error: { code: 'USAGE' },
  })
  t.notOk(existsSync(join(folder, 'c')), 'a refused enrolment writes nothing')
})

t.test('nodes: who answers, which versions, how far the clocks are apart', async (t) => {
  const { quorate, start } = await lab(t)
  t.match((await quorate('init')).code, 0)
  await start()
  await quorate('enroll', 'gone', '--address', '127.0.0.1:1', '--bundle', join(t.testdirName, 'gone'))
  const { text, code } = await quorate('nodes')
  t.equal(code, 3, 'a run would be blocked by it')
  t.match(
    text,
    /^NAME +ADDRESS +REACHABLE +AGENT +KUBERNETES +CLOCK OFFSET MS +CERTIFICATE UNTIL\ncp1 +127\.0\.0\.1:\d+ +yes +0\.1\.0 +v1\.37\.2 +(59\d{3}|60\d{3}) +\d{4}-\d\d-\d\d$/m,
  )
  t.match(text, /^gone .* no +- +- +- +\d{4}-\d\d-\d\d$/m)
  t.match(text, /^gone: .*ECONNREFUSED/m)
  t.match(JSON.parse((await quorate('nodes', '-o', 'json')).text), {
    nodes: [
      { name: 'cp1', reachable: true },
      {},
      {},
      { name: 'gone', reachable: false, problem: { code: 'AGENT_UNREACHABLE' } },
    ],
  })
})

t.test('plan, convert, status, watch, report, and convert again', async (t) => {
  const { quorate, start, seen, state, folder } = await lab(t)
  const file = await start()
  const plan = await quorate('plan', '-f', file)
  t.equal(plan.code, 0)
  t.match(
    plan.text,
    /1\. Restart by canary.*\n {6}cp1: restart the kubelet\n[\s\S]*-old\n[\s\S]*3 actions in about .*\nPlan hash [0-9a-f]{64}\n/,
  )
  const hash = /Plan hash ([0-9a-f]+)/.exec(plan.text)?.[1] as string
  t.equal(
    (JSON.parse((await quorate('plan', '-f', file, '-o', 'json')).text) as { hash: string }).hash,
    hash,
    'the same plan has the same hash',
  )
  t.match(await quorate('convert', '-f', file, '--yes', '--plan', 'f'.repeat(64)), {
    code: 3,
    error: { code: 'PLAN_CHANGED' },
  })
  t.same(seen.operationIds, [], 'nothing was sent yet')

  const done = await quorate('convert', '-f', file, '--yes', '--plan', hash)
  t.equal(done.code, 0)
  t.match(done.text, /\[ 1\/2\] canary: Restart by canary \(1 action\)\n/)
  t.match(done.text, /\[ 2\/2\] rest: cp3: verified: kubelet: new process\n/)
  t.match(done.text, /toy was converted: 2 steps done/)
  t.notOk(done.text.includes('\u001b'), 'a node cannot steer the terminal')
  t.equal(new Set(seen.operationIds).size, 3)
  t.same(seen.tokens, [1, 1, 1])
  const run = /run (\S+) of toy/.exec(done.text)?.[1] as string

  t.match((await quorate('status')).text, new RegExp(`^${run} +toy +done +2/2 `, 'm'))
  t.match((await quorate('status', run)).text, /done +canary/)
  t.match(await quorate('watch', run), { code: 0, text: /rest: done/ })
  const lines = (await quorate('watch', run, '-o', 'json')).text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq: number })
  t.same(
    lines.map(({ seq }) => seq),
    lines.map((_, index) => index + 1),
  )
  const report = JSON.parse((await quorate('report', run, '-o', 'json')).text) as {
    touched: unknown[]
    outcome: string
  }
  t.match(report, { outcome: 'done', planHash: hash, ignored: { 'old-disk': 'it is replaced on Monday' } })
  t.equal(report.touched.length, 3)
  t.match((await quorate('report', run)).text, /Touched[\s\S]*cp3: \/var\/lib\/kubelet {2}a{12} -> b{12}/)
  const page = join(folder, 'report.html')
  t.match((await quorate('report', run, '--html', page)).text, `Wrote the report to ${page}`)
  t.match(readFileSync(page, 'utf8'), /^<!doctype html>[\s\S]*it is replaced on Monday/)
  t.equal(statSync(page).mode & 0o777, 0o644)
  const nowhere = await quorate('report', run, '--html', join(folder, 'nowhere', 'x.html'))
  t.match(nowhere, { code: 2, error: { message: /^cannot write .*nowhere\/x\.html: ENOENT/ } })
  t.same(readdirSync(join(state, 'leases')), ['toy.fence'], 'the cluster was given back')

  const again = await quorate('convert', '-f', file, '--yes')
  t.equal(again.code, 0)
  t.match(again.text, /canary: no change needed[\s\S]*rest: no change needed/)
  t.equal(seen.operationIds.length, 3)
})

t.test('status: one damaged journal hides no other run, and says where it is damaged', async (t) => {
  const { quorate, start, state } = await lab(t)
  const file = await start()
  t.equal((await quorate('convert', '-f', file, '--yes')).code, 0)
  const runs = join(state, 'runs')
  const [good = ''] = readdirSync(runs)
  const bytes = readFileSync(join(runs, good))
  const second = bytes.indexOf(10) + 1
  bytes[second + 200] = bytes[second + 200] === 120 ? 121 : 120
  const id = '20261122t221530-ab12cd'
  writeFileSync(join(runs, `${id}.jsonl`), bytes.toString().replaceAll(good.replace('.jsonl', ''), id))
  const { text, code } = await quorate('status')
  t.equal(code, 0)
  t.match(text, new RegExp(`${good.replace('.jsonl', '')} +toy +done`), 'the other run is shown')
  t.match(text, /20261122t221530-ab12cd +damaged .*2026-11-22 22:15/)
  t.match(text, /20261122t221530-ab12cd: its journal is damaged: record 1, at byte 0, .*20261122t221530-ab12cd\.jsonl/)
  t.match(text, /next: .*docs\/runbook\.md#damaged-journal/)
  t.match(JSON.parse((await quorate('status', '-o', 'json')).text).runs.at(-1) ?? {}, { seq: 0 })
  t.match(await quorate('status', id), { code: 5, error: { code: 'JOURNAL_DAMAGED' } })
  t.equal((await quorate('verify', '-f', file)).code, 0, 'nor does it keep anybody from looking')
})

t.test('convert as JSON lines: plan, events, report', async (t) => {
  const { quorate, start } = await lab(t)
  const file = await start()
  const { code, text } = await quorate('convert', '-f', file, '--yes', '-o', 'json')
  t.equal(code, 0)
  const types = text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { type: string }).type)
  t.equal(types[0], 'plan')
  t.equal(types.at(-1), 'report')
  t.ok(types.slice(1, -1).every((type) => type === 'event'))
})

t.test('convert asks; without anybody to ask it wants --yes', async (t) => {
  const { quorate, start, context, seen, state } = await lab(t)
  const file = await start()
  t.match(await quorate('convert', '-f', file), { code: 2, error: { remedy: /--yes/ } })
  const asked: string[] = []
  Object.assign(context.terminal, {
    canAsk: true,
    ask: async (question: string) => {
      asked.push(question)
      return asked.length === 1 ? '' : 'y'
    },
  })
  t.match(await quorate('convert', '-f', file), { code: 130, error: { code: 'NOT_APPROVED' } })
  t.same(seen.operationIds, [])
  t.same(readdirSync(join(state, 'runs')), [])
  t.equal((await quorate('convert', '-f', file)).code, 0)
  t.same(asked, ['Convert toy now? [y/n] ', 'Convert toy now? [y/n] '])
})

t.test('findings block, unless they are ignored with a reason', async (t) => {
  const { quorate, start, findings, seen } = await lab(t)
  const file = await start()
  const finding = {
    severity: 'error',
    node: 'cp2',
    message: 'the disk is old',
    evidence: '10 years',
    remedy: 'buy one',
  } as const
  findings.push({ id: 'old-disk', ...finding }, { id: 'hint', ...finding, severity: 'warning' })
  t.match(await quorate('plan', '-f', file), {
    code: 0,
    text: /ignored old-disk on cp2[\s\S]*ignored because: it is replaced on Monday/,
  })
  findings.push({ id: 'no-disk', ...finding })
  t.match(await quorate('plan', '-f', file), {
    code: 3,
    text: /error {3}no-disk on cp2\n.*the disk is old\n.*seen: 10 years\n.*next: buy one/,
  })
  t.match(await quorate('convert', '-f', file, '--yes'), {
    code: 3,
    error: { code: 'BLOCKED_BY_FINDINGS', message: /^1 finding blocks the conversion: no-disk on cp2/ },
  })
  t.same(seen.operationIds, [])
})

t.test('a node that is gone is a finding with a remedy; the others are still assessed', async (t) => {
  const { quorate, start, findings } = await lab(t)
  const file = await start()
  writeFileSync(file, readFileSync(file, 'utf8').replace(/(cp3.*agent: ')[^']+/, '$1127.0.0.1:1'))
  findings.push({ id: 'other', severity: 'warning', message: 'm', evidence: '', remedy: 'r' })
  const { code, text } = await quorate('plan', '-f', file, '-o', 'json')
  t.equal(code, 3)
  t.match(JSON.parse(text), {
    blocked: true,
    steps: [],
    findings: [{ id: 'agent-unreachable', node: 'cp3', severity: 'error' }, { id: 'other' }],
  })
})

t.test('one run at a time; a run that is stopped ends at a safe place and the next goes on', async (t) => {
  const { quorate, start, onRestart, stops, restarted } = await lab(t)
  const file = await start()
  let second: Awaited<ReturnType<typeof quorate>> | undefined
  onRestart.hook = async (node) => {
    if (node !== 'cp2') return
    second = await quorate('convert', '-f', file, '--yes')
    for (const stop of [...stops, ...stops]) stop()
  }
  const first = await quorate('convert', '-f', file, '--yes')
  t.match(second, { code: 6, error: { code: 'CLUSTER_HELD' } })
  t.equal(first.code, 130)
  t.match(
    first.text,
    /Stopping: running actions finish[\s\S]*Still waiting.*kill -9[\s\S]*was interrupted at a safe place/,
  )
  t.same([...restarted], ['canary/cp1', 'rest/cp2'])
  onRestart.hook = async () => {}
  t.equal((await quorate('convert', '-f', file, '--yes')).code, 0)
  t.ok(restarted.has('rest/cp3'))
  t.match((await quorate('status')).text, /done[\s\S]*interrupted/, 'newest first')
})

t.test(
  'drill: --yes alone is refused, a terminal is asked, an unknown scenario is named, a weak cluster is left alone',
  async (t) => {
    const { quorate, start, unproved } = await lab(t)
    const file = await start()
    const drill = (...args: string[]) => quorate('drill', '-f', file, ...args)
    t.match(await drill('--yes'), { code: 2, error: { code: 'USAGE', message: /--yes alone/ } })
    t.match(await drill(), {
      code: 2,
      error: { code: 'USAGE', message: /cannot prompt: standard input is not a terminal/ },
    })
    const consent = ['--yes', '--i-know-this-takes-parts-down']
    t.match(await drill(...consent, '--only', 'everything'), { code: 2, error: { message: /no scenario everything/ } })
    t.match(await drill(...consent, '--restore-after', '16'), { code: 2, error: { message: /leaves no time/ } })
    unproved.push({ id: 'toy', severity: 'error', message: 'old', evidence: 'e', remedy: 'r' })
    const weak = await drill(...consent)
    t.equal(weak.code, 7)
    t.match(weak.errors, /Nothing was stopped/)
  },
)

t.test('verify: 0 when every proof holds, 7 when not', async (t) => {
  const { quorate, start, unproved } = await lab(t)
  const file = await start()
  t.match(await quorate('verify', '-f', file), {
    code: 0,
    text: /✓ Kubelets are new\n +kubelets: three\n[\s\S]*toy is highly available\./,
  })
  unproved.push({ id: 'toy', severity: 'error', node: 'cp1', message: 'old kubelet', evidence: 'e', remedy: 'r' })
  t.match(await quorate('verify', '-f', file), {
    code: 7,
    text: /✗ Kubelets are new[\s\S]*old kubelet[\s\S]*not highly available/,
  })
})

t.test('wrong usage names the help that helps', async (t) => {
  const { quorate } = await lab(t)
  t.match(await quorate('nonsense'), { code: 2, error: { code: 'USAGE', remedy: /quorate --help/ } })
  t.match(await quorate('plan'), { code: 2, error: { code: 'USAGE', remedy: /quorate plan --help/ } })
  t.match(await quorate('plan', '-f', 'x', '-o', 'xml'), { code: 2, error: { code: 'USAGE' } })
  t.match(await quorate(), { code: 2, errors: /Usage: quorate/ })
  t.match(await quorate('--version'), { code: 0, text: /^0\.1\.0\n$/ })
  const help = await quorate('--help')
  t.equal(help.code, 0)
  for (const command of [
    'init',
    'enroll',
    'nodes',
    'plan',
    'convert',
    'status',
    'watch',
    'verify',
    'drill',
    'report',
    'serve',
  ]) {
    t.match(help.text, new RegExp(`^ {2}${command}`, 'm'))
    t.match(
      await quorate(command, '--help'),
      { code: 0, text: /Examples:\n {2}|Examples:\n/ },
      `${command} teaches with examples`,
    )
  }
  await quorate('init')
  t.match(await quorate('status', '../etc'), { code: 2, error: { code: 'RUN_NOT_FOUND' } })
  t.match(await quorate('status', '20261122t221530-ab12cd'), { code: 2, error: { code: 'RUN_NOT_FOUND' } })
})

t.test('resume: goes on where it failed, does nothing twice, and says what it does not like', async (t) => {
  const { quorate, start, seen, onRestart, restarted } = await lab(t)
  const file = await start()
  let failures = 1
  onRestart.hook = async (node) => {
    if (node === 'cp3' && failures-- > 0) throw refusal()
  }
  const failed = await quorate('convert', '-f', file, '--yes')
  t.equal(failed.code, 4)
  const run = /run (\S+) of toy/.exec(failed.text)?.[1] as string
  seen.operationIds.length = 0
  restarted.delete('canary/cp1')
  const other = await quorate('resume', run)
  t.match(other, { code: 3, error: { code: 'PLAN_CHANGED', message: /canary on cp1 was done and verified/ } })
  t.same(seen.operationIds, [], 'nothing was done')
  restarted.add('canary/cp1')
  const resumed = await quorate('resume', run)
  t.equal(resumed.code, 0, resumed.text)
  t.match(resumed.text, /resumed/)
  t.equal(seen.operationIds.length, 1, 'only what was left')
  t.ok((seen.tokens.at(-1) ?? 0) > 1, 'with a higher number')
  t.match(await quorate('resume', run), { code: 0 })
  t.match(await quorate('resume', '20200101t000000-aaaaaa'), { code: 2, error: { code: 'RUN_NOT_FOUND' } })
})

t.test('what watches a run is told of all that is in the journal, however many nodes change at once', async (t) => {
  const { quorate, start, wish } = await lab(t)
  const file = await start()
  let told: RunState | undefined
  wish.width = 2
  wish.watch = () => ({
    saw: (_event, state) => {
      told = state
    },
    end: async () => undefined,
    drop: () => undefined,
  })
  const { text } = await quorate('convert', '-f', file, '--yes')
  const run = /run (\S+) of toy/.exec(text)?.[1] as string
  t.same(states(told), ['verified', 'verified', 'verified'])
  t.equal((await quorate('rollback', run, '--yes')).code, 0)
  t.same(states(told), ['undone', 'undone', 'undone'])
})

const states = (run: RunState | undefined) => run?.steps.flatMap(({ actions }) => actions.map(({ state }) => state))

t.test('rollback: asks, undoes in reverse, once', async (t) => {
  const { quorate, start, context, restarted, seen } = await lab(t)
  const file = await start()
  const done = await quorate('convert', '-f', file, '--yes')
  const run = /run (\S+) of toy/.exec(done.text)?.[1] as string
  t.match(await quorate('rollback', run), { code: 2, error: { code: 'USAGE', remedy: /--yes/ } })
  const asking = { ...context.terminal, canAsk: true, ask: async () => 'n' }
  const refused = await runProgram({ ...context, terminal: asking }, ['rollback', run]).catch((error) => error)
  t.match(refused, { code: 'NOT_APPROVED' })
  t.equal(restarted.size, 3)
  const before = seen.operationIds.length
  const undone = await quorate('rollback', run, '--yes')
  t.equal(undone.code, 0, undone.text)
  t.match(undone.text, / 1\. rest: none \(cp3, cp2\)\n 2\. canary: none \(cp1\)/)
  t.equal(restarted.size, 0)
  t.equal(seen.operationIds.length - before, 3)
  t.match((await quorate('status', run)).text, /rolled-back/)
  t.match(await quorate('rollback', run, '--yes'), { code: 2, error: { code: 'RUN_OVER' } })
  t.match(await quorate('resume', run), { code: 2, error: { code: 'RUN_OVER' } })
})

t.test('convert --on-failure rollback leaves nothing behind, and says that it failed', async (t) => {
  const { quorate, start, onRestart, restarted } = await lab(t)
  const file = await start()
  let failures = 1
  onRestart.hook = async (node) => {
    if (node === 'cp3' && failures-- > 0) throw refusal()
  }
  const failed = await quorate('convert', '-f', file, '--yes', '--on-failure', 'rollback')
  t.equal(failed.code, 4)
  t.match(failed.text, /The run failed\. Rolling it back/)
  t.same([...restarted], [])
})

t.test('two coordinators: the second is refused, and one whose cluster was taken over ends with 6', async (t) => {
  const { quorate, start, onRestart, state } = await lab(t)
  const file = await start()
  const second: { code?: number; error?: unknown } = {}
  onRestart.hook = async (node) => {
    if (node !== 'cp1') return
    Object.assign(second, await quorate('convert', '-f', file, '--yes'))
    // What a process on another machine does: it has the cluster now, and this one does not know.
    const lease = join(state, 'leases', 'toy.json')
    const held = JSON.parse(readFileSync(lease, 'utf8'))
    writeFileSync(lease, JSON.stringify({ ...held, nonce: 'another', host: 'elsewhere' }))
  }
  const first = await quorate('convert', '-f', file, '--yes')
  t.match(second, { code: 6, error: { code: 'CLUSTER_HELD' } })
  t.equal(first.code, 6)
})

t.test('backup: lists nothing where nothing is, and refuses what is not a kind', async (t) => {
  const { quorate } = await lab(t)
  await quorate('init')
  t.match(await quorate('backup', 'list'), { code: 0, text: /No backups yet/ })
  t.match(await quorate('backup', 'verify'), { code: 2, error: { code: 'USAGE' } })
  t.match(await quorate('backup', 'restore', '20200101t000000-aaaaaa', 'cp1', 'all', '--to', 'x'), { code: 2 })
})

t.test(
  'explain: what a log says, from standard input or a file, also when it says nothing that is known',
  async (t) => {
    const { quorate, output, folder } = await lab(t)
    const said =
      'error: Secret "kubeadm-certs" was not found in the "kube-system" Namespace, token abcdef.0123456789abcdef'
    output.typed = `fine\n${said}\n\u001b[31m${said}\n`
    const told = await quorate('explain')
    t.equal(told.code, 0)
    t.match(told.text, /^F08 certificates-secret-gone, 2 times, first in line 2:\n[\s\S]*more than two hours ago/)
    t.match(told.text, /next: On a control plane: kubeadm init phase upload-certs/)
    t.notMatch(told.text, /0123456789abcdef/, 'a token in a log is not shown again')
    const file = join(folder, 'join.log')
    writeFileSync(file, output.typed)
    const { recognised } = JSON.parse((await quorate('explain', file, '-o', 'json')).text) as { recognised: unknown[] }
    t.match(recognised, [{ explanation: 'certificates-secret-gone', failures: ['F08'], count: 2, lineNumber: 2 }])
    output.typed = 'fine\n'
    t.match(await quorate('explain', '-'), {
      code: 0,
      text: 'Quorate knows no message in this line. docs/failures.md lists the messages that it knows.\n',
    })
    t.match(await quorate('explain', join(folder, 'none')), { code: 2, error: { code: 'USAGE', message: /ENOENT/ } })
  },
)

t.test('-f - reads the cluster file from standard input, which a background process cannot', async (t) => {
  const { quorate, start, output } = await lab(t)
  const file = await start()
  output.typed = readFileSync(file, 'utf8')
  t.match(await quorate('plan', '-f', '-'), { code: 0, text: /toy/ })
  t.equal((await quorate('verify', '-f', '-')).code, 0)
  output.typed = output.typed.replace('name: toy', 'name: "?"')
  t.match(await quorate('plan', '-f', '-'), {
    code: 2,
    error: { where: 'standard input:3', message: 'line 3: metadata.name is not answered' },
  })
  output.typed = readFileSync(file, 'utf8')
  t.match(await quorate('convert', '-f', '-', '--yes', '--detach'), {
    code: 2,
    error: { message: /--detach cannot read standard input/ },
  })
})

t.test(
  'discover prints a draft, what is left to answer apart from it, and refuses options that mean nothing',
  async (t) => {
    const { quorate, folder } = await lab(t)
    const inventory = join(folder, 'hosts.ini')
    writeFileSync(inventory, '[masters]\ncp1 ip=10.0.0.1\n')
    const drafted = await quorate('discover', '--inventory', inventory, '--join', 'cp2=10.0.0.2')
    t.match(drafted, { code: 0, text: /^# Cluster file of Quorate/, errors: /^4 questions left/ })
    t.match(drafted.text, '  - {name: cp2, address: 10.0.0.2}   # --join\n')
    const json = JSON.parse((await quorate('discover', '--inventory', inventory, '-o', 'json')).text)
    t.same(againstSchema(json), [])
    for (const [args, message] of [
      [[], /nothing to read/],
      [['--inventory', inventory, '--join', 'cp2'], /--join "cp2" is not NAME=ADDRESS/],
      [['--inventory', inventory, '--group', 'boss=masters'], /is not ROLE=GROUP/],
      [['--inventory', inventory, '--context', 'a'], /--context requires --kubeconfig/],
      [['--kubeconfig', inventory, '--group', 'worker=a'], /--group requires --inventory/],
    ] as const)
      t.match(await quorate('discover', ...args), { code: 2, text: '', error: { message } })
    t.equal(JSON.parse((await quorate('schema', 'cluster')).text).properties.endpoint.type, 'string')
  },
)
