import type { Test } from 'tap'
import { share } from '../../support/share.js'
import { type Flaw, flaws } from './all.js'
import type { FlawedCluster } from './flawed-cluster.js'
import { pause } from './put-in.js'

interface Verified {
  readonly proofs: readonly {
    readonly findings: readonly { readonly id: string; readonly severity: string; readonly node?: string }[]
  }[]
}

/** What `verify` finds now: `proof` or `proof node`, sorted; its exit code with it, so that the two cannot differ unseen. */
export async function findingsOf(
  cluster: FlawedCluster,
): Promise<{ readonly found: readonly string[]; readonly exitCode: number }> {
  const { exitCode, stdout } = await cluster.verify()
  const { proofs } = JSON.parse(stdout) as Verified
  const errors = proofs.flatMap((proof) => proof.findings).filter(({ severity }) => severity === 'error')
  return { found: [...new Set(errors.map(({ id, node }) => inWords(id, node)))].sort(), exitCode }
}

const inWords = (proof: string, node: string | undefined): string => (node === undefined ? proof : `${proof} ${node}`)

/** Asks until it finds just that: what a flaw does to a cluster takes its time, and so does getting well. */
async function until(
  cluster: FlawedCluster,
  wanted: readonly string[],
): Promise<Awaited<ReturnType<typeof findingsOf>>> {
  let last = await findingsOf(cluster)
  for (const deadline = Date.now() + 150_000; JSON.stringify(last.found) !== JSON.stringify(wanted); ) {
    if (Date.now() > deadline) return last
    await pause(500)
    last = await findingsOf(cluster)
  }
  return last
}

const sound = { found: [], exitCode: 0 }

function wantedOf(flaw: Flaw, cluster: FlawedCluster): readonly string[] {
  const nodeOf = (node: Flaw['found'][number]['node']) =>
    node === undefined ? undefined : cluster.node(node === 'spare' ? cluster.spare : node).name
  return flaw.found.map(({ proof, node }) => inWords(proof, nodeOf(node))).sort()
}

/** Waits until `verify` finds just what this flaw does, or nothing. */
export async function errorsFound(t: Test, cluster: FlawedCluster, flaw?: Flaw): Promise<void> {
  const found = flaw === undefined ? [] : wantedOf(flaw, cluster)
  t.same(await until(cluster, found), { found, exitCode: flaw === undefined ? 0 : 7 }, 'verify finds just that')
}

/** Those that are asked for by their ids; without any, what CI tries of all. */
export const flawsToTry = (only?: readonly string[]): readonly Flaw[] =>
  only === undefined ? share(flaws) : flaws.filter(({ id }) => only.includes(id))

/** Puts every flaw into a converted cluster, one after the other: `verify` finds each and only it, and nothing once it is out. */
export async function findFlaws(t: Test, cluster: FlawedCluster, only?: readonly string[]): Promise<void> {
  t.same(await until(cluster, []), sound, 'nothing is found on a sound cluster')
  for (const flaw of flawsToTry(only)) {
    await t.test(flaw.id, async (t) => {
      const out = await flaw.put(cluster)
      const found = await until(cluster, wantedOf(flaw, cluster)).finally(out)
      t.same(found, { found: wantedOf(flaw, cluster), exitCode: 7 })
      t.same(await until(cluster, []), sound, 'taken out, it is sound again')
    })
  }
}
