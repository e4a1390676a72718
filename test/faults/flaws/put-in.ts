import type { FlawedCluster, Labelled, ObjectName } from './flawed-cluster.js'

/** Takes a flaw out again. */
export type TakeOut = () => Promise<void>

/** Changes a file of a node; taken out, it is byte for byte what it was. */
export async function changedFile(
  cluster: FlawedCluster,
  { node, path }: { readonly node: Labelled; readonly path: string },
  change: (text: string) => string,
): Promise<TakeOut> {
  const before = await cluster.readFile(node, path)
  const after = change(before ?? '')
  if (after === before) throw new Error(`${path} of ${node} has nothing that this flaw could change`)
  await cluster.writeFile(node, path, after)
  return () => (before === undefined ? cluster.removeFile(node, path) : cluster.writeFile(node, path, before))
}

/** Changes one text of a ConfigMap. */
export async function changedConfigMap(
  cluster: FlawedCluster,
  { namespace, name, key }: { readonly namespace: string; readonly name: string; readonly key: string },
  change: (text: string) => string,
): Promise<TakeOut> {
  const object: ObjectName = { plural: 'configmaps', namespace, name }
  const before = (await cluster.readObject(object)).data?.[key] ?? ''
  const after = change(before)
  if (after === before) throw new Error(`${name} has nothing that this flaw could change`)
  await cluster.patchObject(object, { data: { [key]: after } })
  return () => cluster.patchObject(object, { data: { [key]: before } })
}

/** Stops a unit. */
export async function stoppedUnit(cluster: FlawedCluster, node: Labelled, unit: string): Promise<TakeOut> {
  await cluster.systemctl(node, 'stop', unit)
  return () => cluster.systemctl(node, 'start', unit)
}

/** Takes several out, the last first. */
export const allOut =
  (...outs: readonly TakeOut[]): TakeOut =>
  async () => {
    for (const out of outs.toReversed()) await out()
  }

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
