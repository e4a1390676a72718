import { QuorateError } from '@quorate/shared/errors'
import { readPositionedYaml } from '@quorate/shared/yaml-document'
import { openQuestions } from '../config/open-questions.js'
import { type Answers, draftText } from './draft.js'
import { runExecPlugin } from './exec-credential.js'
import { machinesOf, type Role, readInventory } from './inventory.js'
import { connectReader } from './kube-reader.js'
import { type ApiAccess, readAccess } from './kubeconfig-access.js'
import { mergeMachines } from './merge.js'
import { proposeVirtualIp, reaction } from './propose-virtual-ip.js'
import { readCluster } from './read-cluster.js'
import { readText } from './read-text.js'
import type { ClusterSight, Machine } from './sight.js'

/** What the command line names. */
export interface DiscoverWish {
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
  readonly allowExec: boolean
  readonly inventory?: string | undefined
  readonly groups: readonly { readonly role: Role; readonly group: string }[]
  readonly joins: readonly Machine[]
  /** Answers that a person gave already. */
  readonly answers: Answers
  /** True: propose a virtual IP that nothing answers at. */
  readonly proposeVirtualIp: boolean
}

/** A draft of a cluster file, and what is left to answer in it. */
export interface Draft {
  readonly clusterFile: string
  readonly questions: readonly { readonly line: number; readonly message: string }[]
}

const wholeMs = 120_000
const mostQuestions = 5_000

/** Drafts a cluster file from what the wish names; it reads only. USAGE and CLUSTER_NOT_READ say what is in the way. */
export async function discover(wish: DiscoverWish, signal: AbortSignal): Promise<Draft> {
  const { kubeconfig, inventory: path, joins } = wish
  if (kubeconfig === undefined && path === undefined)
    throw new QuorateError('USAGE', 'there is nothing to read', {
      remedy: 'Name a kubeconfig (--kubeconfig ~/.kube/config), an Ansible inventory (--inventory FILE), or both.',
    })
  const inventory =
    path === undefined
      ? undefined
      : machinesOf(readInventory(await readText(path, 'inventory'), path), { path, asked: wish.groups })
  const cluster = kubeconfig === undefined ? undefined : await clusterOf(kubeconfig, wish, signal)
  const machines = mergeMachines({ cluster, inventory, joins })
  const near = machines.controlPlanes[0]?.address
  const known = new Set([...machines.controlPlanes, ...machines.workers].map(({ address }) => address ?? ''))
  const asked = wish.proposeVirtualIp && near !== undefined
  // Ctrl-C ends the search.
  const react = async (address: string) => (signal.aborted ? 'unknown' : reaction(address))
  const virtualIP = asked ? await proposeVirtualIp(near, known, react) : undefined
  const notes =
    wish.proposeVirtualIp && virtualIP === undefined ? ['No unused address was found for a virtual IP.'] : []
  const clusterFile = draftText({ cluster, machines, virtualIP, notes, answers: wish.answers })
  return { clusterFile, questions: questionsIn(clusterFile) }
}

function questionsIn(text: string): Draft['questions'] {
  const yaml = readPositionedYaml(text)
  return openQuestions(yaml, text, mostQuestions).map(({ path, message }) => ({ line: yaml.lineOf(path), message }))
}

async function clusterOf(path: string, { context, allowExec }: DiscoverWish, stop: AbortSignal): Promise<ClusterSight> {
  const access = await readAccess({ path, context })
  const signal = AbortSignal.any([stop, AbortSignal.timeout(wholeMs)])
  const reader = connectReader(await withCredentials(access, { path, allowExec, signal }), signal)
  try {
    return await readCluster(reader, access.clusterName)
  } finally {
    reader.close()
  }
}

async function withCredentials(
  access: ApiAccess,
  { path, allowExec, signal }: { readonly path: string; readonly allowExec: boolean; readonly signal: AbortSignal },
): Promise<ApiAccess> {
  if (access.exec === undefined) return access
  if (!allowExec)
    throw new QuorateError(
      'USAGE',
      `the kubeconfig runs a program for its credentials: ${JSON.stringify(access.exec.command)}`,
      {
        where: path,
        remedy: 'If you trust this kubeconfig, allow it with --allow-exec.',
      },
    )
  return { ...access, ...(await runExecPlugin(access.exec, { path, signal })) }
}
