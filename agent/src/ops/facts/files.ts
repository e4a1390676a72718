import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { sha256Hex } from '@quorate/shared/hash'
import { joinSecretPath } from '@quorate/shared/names'
import type { Host } from '../../host/host.js'
import { userKubeconfigs } from '../backup/select-files.js'
import { hostsPath, touchablePaths } from '../context/paths.js'
import { readForeignConfigs, readOwnConfigs } from './load-balancer-configs.js'

type FilePart = Pick<NodeFacts, 'hostsFile' | 'fileHashes' | 'foreignLoadBalancerConfigs' | 'loadBalancerConfigs'>

/** Files whose text or hash the coordinator needs. */
export async function readFiles(host: Host): Promise<FilePart> {
  const [hosts, fileHashes, ours, foreign] = await Promise.all([
    host.read(hostsPath).catch(() => undefined),
    hashes(host),
    readOwnConfigs(host),
    readForeignConfigs(host),
  ])
  return {
    hostsFile: hosts?.bytes.toString('utf8') ?? '',
    fileHashes,
    loadBalancerConfigs: ours,
    foreignLoadBalancerConfigs: foreign,
  }
}

async function hashes(host: Host): Promise<Record<string, string>> {
  const users = await userKubeconfigs(host).catch(() => [])
  const seen = await Promise.all(
    [...(await touchablePaths(host)), joinSecretPath, ...users].map(async (path) => {
      const file = await host.read(path).catch(() => undefined)
      return file === undefined ? [] : [[path, sha256Hex(file.bytes)] as const]
    }),
  )
  return Object.fromEntries(seen.flat())
}
