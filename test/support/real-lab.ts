import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import { freePrefix, Lab, labNames, labsFolder } from '../../lab/real/lab.js'
import type { Suite } from '../../lab/real/machines/rootfs.js'
import type { PieceName } from '../../lab/real/pieces/all.js'

/** Ends labs of test runs that were killed before they could. */
async function removeOrphans(): Promise<void> {
  for (const name of labNames().filter((name) => name.startsWith('test-'))) {
    const owner = join(labsFolder, name, 'owner.pid')
    const pid = existsSync(owner) ? Number(readFileSync(owner, 'utf8')) : 0
    if (pid > 0 && existsSync(`/proc/${pid}`)) continue
    await Lab.open(name).down()
  }
}

/** Kubernetes releases that the real tests run on: the newest, and one that is years old. */
export const realVersions = (process.env['QUORATE_REAL_VERSIONS'] ?? 'v1.37.2 v1.30.4').split(' ')

/** The newest run's name: names begin with their time. */
export const newestRun = (lab: Lab): string =>
  basename(readdirSync(join(lab.stateFolder, 'runs')).sort().at(-1) ?? '', '.jsonl')

interface LabWish {
  readonly agents?: boolean
  readonly workers?: number
  /** What makes it other than the textbook's cluster. */
  readonly with?: readonly PieceName[]
  /** Release of Debian that its nodes are of. */
  readonly debian?: Suite
}

/** A fresh cluster of real nodes, of its own name and network, that ends with the test. */
export async function labForTest(
  t: Test,
  version: string,
  { agents = true, workers = 2, with: names = [], debian = 'bookworm' }: LabWish = {},
): Promise<Lab> {
  await removeOrphans()
  const name = `test-${version.replaceAll('.', '-')}-${process.pid}`
  const lab = Lab.make(name, { version, workers, prefix: freePrefix(), with: names, debian })
  writeFileSync(join(labsFolder, name, 'owner.pid'), String(process.pid))
  // QUORATE_KEEP_LAB=1 leaves it for a look: npm run lab -- --name NAME shell cp1
  if (process.env['QUORATE_KEEP_LAB'] === undefined) t.teardown(() => lab.down())
  await lab.up()
  if (agents) await lab.installAgents()
  return lab
}
