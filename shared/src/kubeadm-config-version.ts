import { readClusterConfiguration } from './cluster-config-map.js'
import { compareVersions } from './kubernetes-version.js'
import { clusterTexts } from './text-place.js'
import { setIn } from './yaml-edit.js'
import { nodeAt, rangeOf, readYaml } from './yaml-text.js'

const parse = (text: string) => readYaml(text, 'CONFIG_MAP_INVALID', clusterTexts.clusterConfiguration)

/** Where a ClusterConfiguration says another version than what runs. */
export interface OtherVersion {
  readonly said: string
  /** Of its text, beginning with 1. */
  readonly line: number
}

/** Undefined where kubernetesVersion is what runs; builds of one release (`v1.37.2+vendor`) are the same, and a label (`stable`) is no version. */
export function otherVersion(configuration: string, running: string): OtherVersion | undefined {
  const said = readClusterConfiguration(configuration).kubernetesVersion
  if (running === '' || isSame(said, running)) return undefined
  const node = nodeAt(parse(configuration), ['kubernetesVersion'])
  const before = node === undefined ? '' : configuration.slice(0, rangeOf(node).start)
  return { said, line: before.split('\n').length }
}

function isSame(said: string, running: string): boolean {
  try {
    return compareVersions(said, running) === 0
  } catch {
    return said === running
  }
}

/** The ClusterConfiguration as kubeadm would be right to read it: with the version that runs. */
export const withKubernetesVersion = (configuration: string, running: string): string =>
  otherVersion(configuration, running) === undefined
    ? configuration
    : setIn(parse(configuration), ['kubernetesVersion'], running)
