import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'

const pki = '/etc/kubernetes/pki'

const projectRoot = resolve(fileURLToPath(import.meta.url), '../../..')

/** The commands of docs/runbook.md#external-ca, word by word. */
function commandsOfRunbook(): string {
  const runbook = readFileSync(join(projectRoot, 'docs/runbook.md'), 'utf8')
  const [, chapter = ''] = runbook.split('\n## external-ca\n')
  const [, commands] = /```sh\n([\s\S]*?)```/.exec(chapter) ?? []
  if (commands === undefined) throw new Error('docs/runbook.md#external-ca has no commands')
  return commands
}

interface Signing {
  readonly stateFolder: string
  readonly run: string
  /** Folder of the CAs: `ca.crt`, `ca.key`, `etcd-ca.crt`... */
  readonly keys: string
}

/** What a person does who has the CA's key, as the runbook says it: signs every request of a run and puts the certificates beside them. */
export function signElsewhere({ stateFolder, run, keys }: Signing): void {
  const commands = commandsOfRunbook()
    .replace('/where/the/keys/are', keys)
    .replace('STATE/runs/RUN', join(stateFolder, 'runs', run))
  execFileSync('bash', ['-euc', commands], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Takes these CAs' keys off the first control plane, whose controller-manager then signs nothing, as kubeadm has it with an external CA. */
export async function takeKeysAway(cluster: SimulatedCluster, keys: string, cas: readonly string[]): Promise<void> {
  const { name: node, root } = cluster.node('cp1')
  for (const ca of cas) {
    for (const ending of ['crt', 'key'])
      writeFileSync(join(keys, `${ca.replace('/', '-')}.${ending}`), readFileSync(`${root}${pki}/${ca}.${ending}`))
    await cluster.control.ask('removeFile', { node, path: `${pki}/${ca}.key` })
  }
  const path = '/etc/kubernetes/manifests/kube-controller-manager.yaml'
  const text = readFileSync(root + path, 'utf8').replace(/(--cluster-signing-(?:cert|key)-file=)\S+/g, '$1')
  await cluster.control.ask('writeFile', { node, path, text })
  await until('its controller-manager to run so', () => signsNothing(cluster), { deadlineMs: 60_000, everyMs: 200 })
}

async function signsNothing({ control }: SimulatedCluster): Promise<Look<true>> {
  const objects = await control.ask<Record<string, object>>('dump')
  const pod = Object.entries(objects).find(([key]) => key.includes('/kube-controller-manager-k8smaster1'))
  return /--cluster-signing-key-file="/.test(JSON.stringify(pod))
    ? holds(true)
    : notYet('its pod has the flags of before')
}

/** Nodes on which keys for certificates are kept still. */
export const requestsLeft = (cluster: SimulatedCluster): string[] =>
  cluster.nodes.filter(({ root }) => existsSync(`${root}/var/lib/quorate-agent/requests`)).map(({ name }) => name)
