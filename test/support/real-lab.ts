import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePrefix, Lab, labNames, labsFolder } from '../../lab/real/lab.js'

/** Ends labs of test runs that were killed before they could. */
async function removeOrphans(): Promise<void> {
  for (const name of labNames().filter((name) => name.startsWith('test-'))) {
    const owner = join(labsFolder, name, 'owner.pid')
    const pid = existsSync(owner) ? Number(readFileSync(owner, 'utf8')) : 0
    if (pid > 0 && existsSync(`/proc/${pid}`)) continue
    await Lab.open(name).down()
  }
}

/** A fresh cluster of real nodes with agents, of its own name and network, that ends with the test. */
export async function labForTest(t: Test, version: string): Promise<Lab> {
  await removeOrphans()
  const name = `test-${version.replaceAll('.', '-')}-${process.pid}`
  const lab = Lab.make(name, { version, workers: 2, prefix: freePrefix() })
  writeFileSync(join(labsFolder, name, 'owner.pid'), String(process.pid))
  // QUORATE_KEEP_LAB=1 leaves it for a look: npm run lab -- --name NAME shell cp1
  if (process.env['QUORATE_KEEP_LAB'] === undefined) t.teardown(() => lab.down())
  await lab.up()
  await lab.installAgents()
  return lab
}
