import { existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { holds, notYet, until } from '@quorate/shared/until'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import type { Mutation } from './mutations.js'
import { type FilePlace, filePlaces, type ObjectPlace, objectPlaces, readAs } from './places.js'

/** A text in its place in the simulated cluster. */
export interface Target {
  readonly title: string
  readonly need: FilePlace['need']
  /** Where a finding about it is, what it names, and what its remedy has a person type. */
  readonly about: { readonly node?: string; readonly names: readonly string[]; readonly opens: string }
  /** Answers whether one finding must say that nobody can read what stands there now. */
  put(mutate: Mutation): Promise<boolean>
  restore(): Promise<void>
}

/** All of them, as they are now. */
export async function targetsIn(cluster: SimulatedCluster): Promise<readonly Target[]> {
  return [
    ...filePlaces.map((place) => fileTarget(cluster, place)),
    ...(await Promise.all(objectPlaces.map((place) => objectTarget(cluster, place)))),
  ]
}

/** kubectl makes do with an empty kubeconfig. */
function mustBeTold(need: Target['need'], text: string): boolean {
  const seen = readAs(text)
  return need !== 'helpful' && (seen === 'unreadable' || (seen === 'nothing' && need !== 'of a user'))
}

function fileTarget(cluster: SimulatedCluster, { node, path, need }: FilePlace): Target {
  const { name, root } = cluster.node(node)
  const real = root + path
  if (existsSync(real) && lstatSync(real).isSymbolicLink())
    throw new Error(`${path} is a link to ${realpathSync(real)}`)
  const before = existsSync(real) ? readFileSync(real) : undefined
  const write = (bytes: Uint8Array | undefined): void => {
    mkdirSync(dirname(real), { recursive: true })
    if (bytes === undefined) rmSync(real, { force: true })
    else writeFileSync(real, bytes)
  }
  return {
    title: `${path} of ${node}`,
    need,
    about: { node: name, names: [`${path}, line `], opens: `vi ${path}` },
    async put(mutate) {
      const made = mutate(before?.toString('utf8') ?? '')
      const bytes = made === undefined ? undefined : Buffer.from(made)
      write(bytes)
      return bytes !== undefined && mustBeTold(need, bytes.toString('utf8'))
    },
    async restore() {
      write(before)
    },
  }
}

async function objectTarget(cluster: SimulatedCluster, place: ObjectPlace): Promise<Target> {
  const { namespace, name, key, need } = place
  const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`
  const { body } = await cluster.control.ask<{ body: { data: Record<string, string> } }>('kube', {
    method: 'GET',
    path,
  })
  const before = body.data[key]
  const patch = { method: 'PATCH', path, contentType: 'application/merge-patch+json' }
  /** An API server whose certificate was damaged, and is as it was again, needs a moment. */
  const write = (value: string | undefined) =>
    until(
      `${path} to be written`,
      async () => {
        const body = { data: { [key]: value ?? null } }
        const answer = await cluster.control
          .ask<{ status: number }>('kube', { ...patch, body })
          .catch((error: Error) => ({ status: error.message }))
        return answer.status === 200 ? holds(true) : notYet(String(answer.status))
      },
      { deadlineMs: 20_000, everyMs: 100 },
    )
  return {
    title: `${key} of ${namespace}/${name}`,
    need,
    about: {
      names: [`configmap/${namespace}/${name}: ${key}, line `],
      opens: `kubectl -n ${namespace} edit configmap ${name}`,
    },
    async put(mutate) {
      const made = mutate(before ?? '')
      const text = made === undefined ? undefined : Buffer.from(made).toString('utf8')
      await write(text)
      return text !== undefined && mustBeTold(need, text)
    },
    async restore() {
      await write(before)
    },
  }
}
