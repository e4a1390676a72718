import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { sha256Hex } from '@quorate/shared/hash'
import { kubeVipManifestPath } from '@quorate/shared/kube-vip-manifest'
import { usualKubelet } from '@quorate/shared/kubelet-command'
import { isQuorateConfig } from '@quorate/shared/load-balancer-config'
import { joinSecretPath } from '@quorate/shared/names'
import type { Host } from '../../host/host.js'
import { userKubeconfigs } from '../backup/select-files.js'
import { readJoinSecret, tokenIdOf } from '../join-secret.js'
import { isForeign, maskSecrets } from '../load-balancer/foreign-config.js'
import { haproxyConfigPath, hostsPath, keepalivedConfigPath, touchablePaths } from '../paths.js'
import { readLine } from './system.js'

type FilePart = Pick<
  NodeFacts,
  'hostsFile' | 'fileHashes' | 'cgroupDriver' | 'placedTokenId' | 'foreignLoadBalancerConfigs' | 'loadBalancerConfigs'
>

/** Files whose text or hash the coordinator needs. */
export async function readFiles(host: Host): Promise<FilePart> {
  const [hosts, fileHashes, kubeletConfig, secret, configs] = await Promise.all([
    host.read(hostsPath).catch(() => undefined),
    hashes(host),
    readLine(host, usualKubelet.config),
    readJoinSecret(host).catch(() => undefined),
    loadBalancerTexts(host),
  ])
  const ours = Object.entries(configs).filter(([, text]) => isQuorateConfig(text))
  // What a package brings serves nothing and belongs to nobody.
  const foreign = Object.entries(configs).filter(([, text]) => isForeign(text))
  return {
    hostsFile: hosts?.bytes.toString('utf8') ?? '',
    fileHashes,
    cgroupDriver: /^cgroupDriver:\s*"?([a-z]+)/m.exec(kubeletConfig)?.[1] ?? '',
    placedTokenId: secret === undefined ? '' : tokenIdOf(secret),
    loadBalancerConfigs: Object.fromEntries(ours),
    foreignLoadBalancerConfigs: Object.fromEntries(foreign.map(([path, text]) => [path, maskSecrets(text)])),
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

async function loadBalancerTexts(host: Host): Promise<Record<string, string>> {
  const seen = await Promise.all(
    [haproxyConfigPath, keepalivedConfigPath, kubeVipManifestPath].map(async (path) => {
      const file = await host.read(path, { followLinks: true }).catch(() => undefined)
      return file === undefined ? [] : [[path, file.bytes.toString('utf8')] as const]
    }),
  )
  return Object.fromEntries(seen.flat())
}
