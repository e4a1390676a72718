import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createJournal } from '@quorate/coordinator/engine/journal'
import { planSteps } from '@quorate/coordinator/engine/plan'
import { runOrder } from '@quorate/coordinator/engine/run-order'
import { nothingToUndo, type Step } from '@quorate/coordinator/engine/step'
import type { Agent } from '@quorate/coordinator/fleet/agent'
import { connectFleet } from '@quorate/coordinator/fleet/fleet'
import { initState } from '@quorate/coordinator/state/init'
import { keepBackup } from '@quorate/coordinator/state/keep-backup'
import {
  CheckJoinResponse,
  RestartKubeletResponse,
  WatchAvailabilityResponse,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationEvent } from '@quorate/shared/gen/quorate/v1/operation'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'
import { parseNodeName, parseRunId } from '@quorate/shared/names'
import t, { type Test } from 'tap'
import { bundlePrograms } from '../../lab/simulated/bundles.js'
import { foreignMarkup } from '../support/strict-html.js'
import { answers, endless, flood, framed, type Misbehaviour, refuses, respond, serveHostile } from './hostile-agent.js'
import { steering, steers } from './misbehaviours.js'

const ca = createFleetCa('hostile')
const node = parseNodeName('cp1.example.com')
const identity = (commonName: string, usage: 'client' | 'server', organization: string) => {
  const names = { commonName, organizations: [organization], dnsNames: [commonName], ipAddresses: [] }
  const { certPem: cert, keyPem: key } = issueCertificate({ ca, ...names, days: 1, usage })
  return { ca: ca.certPem, cert, key }
}
const asAgent = identity(node, 'server', 'quorate:node')
const asOperator = identity('coordinator', 'client', 'quorate:operator')

async function agentThat(t: Test, misbehave: Misbehaviour): Promise<Agent> {
  const hostile = await serveHostile(misbehave)
  hostile.identify(asAgent)
  const fleet = connectFleet(asOperator, {
    patience: { firstPauseMs: 10, longestPauseMs: 20, changeMs: 200, readMs: 0 },
  })
  t.teardown(() => {
    fleet.close()
    hostile.close()
  })
  return fleet.agent({ name: node, address: '192.0.2.1', agent: `127.0.0.1:${hostile.port}` })
}

const event = (more: OperationEvent): Uint8Array => {
  const answer = RestartKubeletResponse.fromPartial({ event: more })
  return RestartKubeletResponse.encode(answer).finish()
}
const progress = (message: string): Uint8Array => event({ event: { $case: 'progress', progress: { message } } })
const result = (more: object): Uint8Array =>
  event({
    event: { $case: 'result', result: { unchanged: false, touched: [], summary: 's', facts: {}, sealed: [], ...more } },
  })

/** What a hostile agent does with a change, how the run ends, and the most that its journal may have. */
const changes: Readonly<Record<string, readonly [Misbehaviour, string | undefined]>> = {
  'progress without end': [endless(framed(progress('x'))), 'AGENT_ANSWER_REFUSED'],
  'long progress without end': [endless(framed(progress(`${'x'.repeat(15_000)}`))), 'AGENT_ANSWER_REFUSED'],
  'events that are none, without end': [endless(framed(new Uint8Array())), 'AGENT_ANSWER_REFUSED'],
  'no result': [answers(progress('x')), 'AGENT_ANSWER_REFUSED'],
  'a result that is not one': [answers(Buffer.alloc(100, 0xff)), 'AGENT_ANSWER_REFUSED'],
  'a long summary': [answers(result({ summary: 'y'.repeat(900_000) })), 'AGENT_ANSWER_REFUSED'],
  'forty thousand touched files': [
    answers(
      result({ touched: Array.from({ length: 40_000 }, () => ({ name: '', sha256Before: '', sha256After: '' })) }),
    ),
    'AGENT_ANSWER_REFUSED',
  ],
  'two results': [answers(result({ summary: 'the first' }), result({ summary: 'the second' })), undefined],
  'a result, then progress without end': [
    ({ stream }) => {
      respond(stream)
      stream.write(framed(result({})))
      flood(stream, framed(progress('z')))
    },
    undefined,
  ],
  'hostile words everywhere': [
    answers(
      progress(steering),
      result({
        summary: `<img src=x onerror=alert(1)>${steering}`,
        facts: { __proto__x: steering, 'javascript:alert(1)': '"><script>alert(1)</script>' },
        touched: [
          { name: `"/><svg onload=alert(1)>${steering}`, sha256Before: steering, sha256After: "' onmouseover='x" },
        ],
      }),
    ),
    undefined,
  ],
  'a secret in its error': [
    refuses({ 'grpc-status': '9', 'grpc-message': 'password=hunter2hunter2 abcdef.0123456789abcdef' }),
    'AGENT_ANSWER_REFUSED',
  ],
  'a connection that is cut again and again': [
    ({ stream, session }) => {
      respond(stream)
      stream.write(framed(progress('again')), () => setImmediate(() => session.destroy()))
    },
    'AGENT_UNREACHABLE',
  ],
}

const mostJournalBytes = 8 * 2 ** 20
let count = 0

/** One step with one change at that node, written to a journal of the state folder as every run is. */
async function runWith(agent: Agent, runs: string) {
  const id = parseRunId(`20261130t00000${Math.floor(count / 10)}-abcde${count++ % 10}`)
  const journal = await createJournal(join(runs, `${id}.jsonl`), id)
  let planned = false
  const step: Step<{ refresh(): void }> = {
    ...{ id: 'restart', title: 'Restart', gate: 'it runs', undo: 'none', width: 1 },
    plan: async () => (planned ? [] : [{ id: node, node, does: 'restart', diffs: [] }]),
    apply: (_run, _action, call) => agent.change('restartKubelet', {}, call, 'restart'),
    verify: async () => {
      planned = true
      return [{ what: 'kubelet', saw: 'runs' }]
    },
    rollback: nothingToUndo('it is a restart'),
  }
  const run = { refresh: () => undefined }
  const outcome = await runOrder({
    order: [step],
    run,
    approved: await planSteps([step], run, { tolerant: false }),
    context: { runId: id, cluster: 'hostile', fencingToken: 1 },
    started: { planHash: 'h', version: '1', clusterFile: '', ignored: {} },
    emit: async (one) => void (await journal.append(one)),
    stop: new AbortController().signal,
  })
  await journal.close()
  return { id, outcome, path: join(runs, `${id}.jsonl`) }
}

t.test('changes of a hostile node: the run ends, its journal has an end, report and status are harmless', async (t) => {
  const folder = t.testdir()
  const state = join(folder, 'state')
  const paths = await initState(state)
  for (const [name, [misbehave, code]] of Object.entries(changes)) {
    const { outcome, path } = await runWith(await agentThat(t, misbehave), paths.runs)
    t.equal(outcome.error?.code, code, `${name}: ${outcome.error?.message.slice(0, 300)}`)
    const journal = readFileSync(path, 'utf8')
    if (code !== undefined) {
      t.match(journal, `"code":"${code}"`, name)
      t.match(journal, `"where":"${node}"`, name)
    }
    t.ok(statSync(path).size < mostJournalBytes, `${name}: ${statSync(path).size} bytes`)
    t.notMatch(journal, /hunter2|0123456789abcdef/)
  }
  const { quorate: program } = await bundlePrograms(join(folder, 'programs'))
  const quorate = (...args: readonly string[]): Promise<string> =>
    new Promise((resolve) =>
      execFile(
        process.execPath,
        [program, ...args, '--state', state],
        { env: { ...process.env, NO_COLOR: '1' }, maxBuffer: 2 ** 28 },
        (_, stdout, stderr) => resolve(stdout + stderr),
      ),
    )
  const worded = Object.keys(changes).indexOf('hostile words everywhere')
  const id =
    readdirSync(paths.runs)
      .find((name) => name.includes(`${Math.floor(worded / 10)}-abcde${worded % 10}`))
      ?.slice(0, -6) ?? ''
  const page = join(state, 'report.html')
  for (const args of [['status'], ['status', id], ['report', id], ['report', id, '--html', page]]) {
    const said = await quorate(...args)
    t.notMatch(said, steers, args.join(' '))
    t.notMatch(said, /\n {4}at |error:/, args.join(' '))
  }
  for (const args of [
    ['status', id],
    ['report', id],
  ]) {
    const said = await quorate(...args, '-o', 'json')
    t.notMatch(said, steers)
    t.ok(JSON.parse(said))
  }
  const html = readFileSync(page, 'utf8')
  t.same(foreignMarkup(html), [])
  t.match(html, /&lt;img src=x onerror=alert\(1\)&gt;/)
  t.notMatch(html, steers)
})

t.test('streams that are read have an end too', async (t) => {
  const lines: string[] = []
  const join = { join: undefined, token: undefined, runId: '' }
  const checked = CheckJoinResponse.encode(
    CheckJoinResponse.fromPartial({ event: { $case: 'progress', progress: { message: 'p' } } }),
  ).finish()
  const checking = await agentThat(t, endless(framed(checked)))
  await t.rejects(
    checking.checkJoin(join, (line) => void lines.push(line)),
    {
      code: 'AGENT_ANSWER_REFUSED',
      where: node,
    },
  )
  t.ok(lines.length <= 10_000)

  const report = WatchAvailabilityResponse.encode(WatchAvailabilityResponse.fromPartial({})).finish()
  const watched = await agentThat(t, endless(framed(report)))
  let reports = 0
  const watch = async (): Promise<void> => {
    for await (const _ of watched.watchAvailability({ targets: [], runId: '', watchId: '' } as never)) reports++
  }
  await t.rejects(watch(), { code: 'AGENT_ANSWER_REFUSED', where: node })
  t.ok(reports < 10_000)

  const holding = await agentThat(t, answers(new Uint8Array(), new Uint8Array()))
  await t.rejects(
    holding.holdPorts([1], () => new Promise(() => undefined)),
    { code: 'AGENT_ANSWER_REFUSED' },
  )
})

t.test('a backup does not fill the disk of the operator', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  const run = '20261130t000000-abcdef'
  const empty = await agentThat(t, endless(framed(new Uint8Array())))
  const keep = (agent: Agent, mostBytes?: number) =>
    keepBackup(paths, {
      run,
      node,
      kind: 'files',
      bytes: agent.readBackup(run, 'files', 'age1'),
      ...(mostBytes === undefined ? {} : { mostBytes }),
    })
  await t.rejects(keep(empty), { code: 'AGENT_ANSWER_REFUSED', where: node })
  const chunk = Buffer.concat([Buffer.from([10, 0x80, 0x80, 0x10]), Buffer.alloc(2 ** 18)])
  const full = await agentThat(t, endless(framed(chunk)))
  await t.rejects(keep(full, 5 * 2 ** 20), {
    code: 'AGENT_ANSWER_REFUSED',
    where: node,
    message: /more than 5242880 bytes/,
  })
  t.same(readdirSync(join(paths.backups, run)), [], 'nothing is left of them')
  const piece = await agentThat(
    t,
    answers(Buffer.concat([Buffer.from([10, 0x80, 0x80, 0x80, 0x01]), Buffer.alloc(2 ** 21)])),
  )
  await t.rejects(keep(piece), { code: 'AGENT_ANSWER_REFUSED', message: /bytes, more than/ })
})
