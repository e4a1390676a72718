import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { sha256Hex } from '@quorate/shared/hash'
import { usualKubelet } from '@quorate/shared/kubelet-command'
import { joinSecretPath } from '@quorate/shared/names'
import type { Host } from '../../host/host.js'
import { userKubeconfigs } from '../backup/select-files.js'
import { readJoinSecret, tokenIdOf } from '../join-secret.js'
import { readForeignConfigs, readOwnConfigs } from '../load-balancer/read-configs.js'
import { hostsPath, touchablePaths } from '../paths.js'
import { readLine } from './system.js'

type FilePart = Pick<
  NodeFacts,
  | 'hostsFile'
  | 'fileHashes'
  | 'kubeletConfig'
  | 'cgroupDriver'
  | 'placedTokenId'
  | 'foreignLoadBalancerConfigs'
  | 'loadBalancerConfigs'
>

/** Files whose text or hash the coordinator needs. */
export async function readFiles(host: Host): Promise<FilePart> {
  const [hosts, fileHashes, kubeletConfig, secret, ours, foreign] = await Promise.all([
    host.read(hostsPath).catch(() => undefined),
    hashes(host),
    readLine(host, usualKubelet.config),
    readJoinSecret(host).catch(() => undefined),
    readOwnConfigs(host),
    readForeignConfigs(host),
  ])
  return {
    hostsFile: hosts?.bytes.toString('utf8') ?? '',
    fileHashes,
    kubeletConfig: withoutHeaders(kubeletConfig),
    cgroupDriver: /^cgroupDriver:\s*"?([a-z]+)/m.exec(kubeletConfig)?.[1] ?? '',
    placedTokenId: secret === undefined ? '' : tokenIdOf(secret),
    loadBalancerConfigs: ours,
    foreignLoadBalancerConfigs: foreign,
  }
}

/** `staticPodURLHeader` may hold a password; nothing else of a KubeletConfiguration is a secret. */
const withoutHeaders = (text: string): string =>
  text
    .replace(/(["']?staticPodURLHeader["']?\s*:\s*)\{[^}]*\}/g, '$1<masked>')
    .replace(/^(\s*["']?staticPodURLHeader["']?\s*:)[ \t]*\r?\n(?:[ \t]+\S.*(?:\r?\n|$))+/gm, '$1 <masked>\n')

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
