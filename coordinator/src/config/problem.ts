import type { ClusterFileText } from './cluster-file-schema.js'
import { canonicalAddress } from './node-address.js'

/** What is wrong with a cluster file, where, and what to write instead. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly remedy: string
}

export type Rule = (file: ClusterFileText) => readonly Problem[]

/** Every machine of the file with its place in it. */
export function eachNode(
  file: ClusterFileText,
  look: (node: ClusterFileText['workers'][number], path: (string | number)[]) => readonly Problem[],
): readonly Problem[] {
  const hosts = file.loadBalancer.hosts.flatMap((node, index) => look(node, ['loadBalancer', 'hosts', index]))
  const nodes = (['controlPlanes', 'workers'] as const).flatMap((list) =>
    file[list].flatMap((node, index) => look(node, [list, index])),
  )
  return [...nodes, ...hosts]
}

export const same = (a: string, b: string): boolean => canonicalAddress(a) === canonicalAddress(b)
export const show = (text: string): string => JSON.stringify(text)
