import { readFlags } from './flags.js'
import type { EnvFacts, MountFacts } from './gen/quorate/v1/facts.js'
import { leavesOf } from './leaves.js'
import { type Mask, maskedValue } from './mask.js'
import type { TextPlace } from './text-place.js'
import { readYaml } from './yaml-text.js'

/** What a manifest says of its component's container and pod beside image and command line. */
export interface StaticPodDetails {
  readonly env: readonly EnvFacts[]
  readonly mounts: readonly MountFacts[]
  /** Every other leaf of the pod's spec by its path. */
  readonly settings: Readonly<Record<string, string>>
  /** 1 for the first line of the manifest; by `--flag`, `image`, `env NAME`, `mount PATH`. */
  readonly lines: Readonly<Record<string, number>>
}

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const objects = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : [])
const asText = (value: unknown): string => (value === undefined || value === null ? '' : String(value))

/** Reads the details of a manifest that readStaticPod has read; secrets in it are masked. */
export function readStaticPodDetails(
  manifestText: string,
  component: string,
  { mask, place }: { readonly mask: Mask; readonly place: TextPlace },
): StaticPodDetails {
  const { value } = readYaml(manifestText, 'MANIFEST_INVALID', place)
  const spec = (isObject(value) && isObject(value['spec']) ? value['spec'] : {}) as Json
  const containers = objects(spec['containers'])
  const container = containers.find(({ name }) => name === component) ?? containers[0] ?? {}
  const mounts = readMounts(spec, container)
  const env = objects(container['env']).map((one) => readEnv(one, mask))
  return {
    env,
    mounts,
    settings: settingsOf(spec, container, mask),
    lines: linesOf(manifestText, container, { env, mounts }),
  }
}

function readEnv({ name, value, valueFrom }: Json, mask: Mask): EnvFacts {
  // What it is taken from is a name.
  const text = valueFrom === undefined ? maskedValue(mask, asText(name), asText(value)) : JSON.stringify(valueFrom)
  return { name: asText(name), value: text }
}

function readMounts(spec: Json, container: Json): MountFacts[] {
  const volumes = new Map(objects(spec['volumes']).map((volume) => [asText(volume['name']), volume['hostPath']]))
  return objects(container['volumeMounts']).flatMap((mount): MountFacts[] => {
    const name = asText(mount['name'])
    const hostPath = volumes.get(name)
    if (!isObject(hostPath)) return []
    return [
      {
        name,
        hostPath: asText(hostPath['path']),
        type: asText(hostPath['type']),
        mountPath: asText(mount['mountPath']),
        readOnly: mount['readOnly'] === true,
      },
    ]
  })
}

/** The spec without what is read by itself: command line, image, environment, what is mounted from the node. */
function settingsOf(spec: Json, container: Json, mask: Mask): Record<string, string> {
  const { command, args, image, env, volumeMounts, ...rest } = container
  const onNode = new Set(
    objects(spec['volumes'])
      .filter((one) => isObject(one['hostPath']))
      .map(({ name }) => name),
  )
  const left = {
    ...spec,
    containers: [
      { ...rest, volumeMounts: objects(volumeMounts).filter(({ name }) => !onNode.has(name)) },
      ...objects(spec['containers']).filter((one) => one !== container && one['name'] !== rest['name']),
    ],
    volumes: objects(spec['volumes']).filter(({ name }) => !onNode.has(name)),
  }
  // The name of each container is in its path.
  const leaves = [...leavesOf(left)].filter(([path]) => !/\]\.name$/.test(path))
  return Object.fromEntries(leaves.map(([path, value]) => [path, mayHoldSecret.test(path) ? mask(value) : value]))
}

/** Settings of containers beside the component's own, and what probes and hooks send and run. */
const mayHoldSecret =
  /^(containers|initContainers)\[[^\]]*\]\.(command|args|env\[.*\]\.value)$|\.httpHeaders\[[^\]]*\]\.value$|\.exec\.command$/

/** The first line of each thing that a line may say, by what it says: a search for each would go through all lines each time. */
function linesOf(
  text: string,
  { command, args, image }: Json,
  { env, mounts }: Pick<StaticPodDetails, 'env' | 'mounts'>,
): Record<string, number> {
  const first = new Map<string, number>()
  for (const [index, line] of text.split(/\r?\n/).entries())
    for (const said of saidBy(line)) if (!first.has(said)) first.set(said, index + 1)
  const words = [command, args].flatMap((list) => (Array.isArray(list) ? list.map(asText) : []))
  const sought = [
    ...readFlags(words).map(({ name }) => `--${name}`),
    ...env.map(({ name }) => `env ${name}`),
    ...mounts.map(({ mountPath }) => `mount ${mountPath}`),
  ].map((what) => [what, first.get(what) ?? 0] as const)
  const imageLine = first.get(`image ${asText(image)}`) ?? 0
  return Object.fromEntries([...sought, ['image', imageLine] as const].filter(([, line]) => line > 0))
}

/** Flags, and the values of `name`, `image` and `mountPath`, with what they are. */
function saidBy(line: string): string[] {
  const flags = (line.match(/--?[A-Za-z][A-Za-z0-9._-]*/g) ?? []).map(
    (flag) => `--${flag.replace(/^--?/, '').replaceAll('_', '-')}`,
  )
  const values = [...line.matchAll(/\b(name|image|mountPath): *["']?([^\s"',}]+)/g)].map(
    ([, key = '', value]) => `${key === 'name' ? 'env' : key === 'mountPath' ? 'mount' : key} ${value}`,
  )
  return [...flags, ...values]
}
