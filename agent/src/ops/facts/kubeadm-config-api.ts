import { type ConfigApi, configApis, joinDocument } from '@quorate/shared/kubeadm-documents'
import { holds, knowledgeOf } from '@quorate/shared/version-rules'
import { commands } from '../../host/commands.js'
import type { Host } from '../../host/host.js'
import { runtimeFolder } from '../context/paths.js'

/** The answers of kubeadm releases that are not in the rules, by release: facts are read several times a second. */
const answered = new WeakMap<Host, Map<string, Promise<string>>>()

/**
 * The version of kubeadm's configuration API for a release; empty for an invalid release, and if it accepts
 * none that can be written here. A release newer than the rules is asked: no version number tells when it drops an API version.
 */
export function kubeadmConfigApi(host: Host, release: string, signal: AbortSignal): Promise<string> {
  if (release === '') return Promise.resolve('')
  if (knowledgeOf(release) !== 'newer') return Promise.resolve(holds('config-v1beta4', release) ? 'v1beta4' : 'v1beta3')
  const ofHost = answered.get(host) ?? new Map<string, Promise<string>>()
  answered.set(host, ofHost)
  const known = ofHost.get(release)
  if (known !== undefined) return known
  const asking = ask(host, signal)
  ofHost.set(release, asking)
  asking.catch(() => ofHost.delete(release))
  return asking
}

async function ask(host: Host, signal: AbortSignal): Promise<string> {
  for (const api of configApis) if (await takes(host, api, signal)) return api
  return ''
}

/** `kubeadm config validate` refuses unknown versions and fields that it would not read; it gets the document of a join. */
async function takes(host: Host, api: ConfigApi, signal: AbortSignal): Promise<boolean> {
  const path = `${runtimeFolder}/ask-${api}.yaml`
  await host.replace(path, Buffer.from(exampleJoin(api)), { mode: 0o600 })
  try {
    return (await host.run(commands.validateConfig(path), signal)).exitCode === 0
  } finally {
    await host.remove(path)
  }
}

/** A join that leads nowhere: documentation addresses, a token that no cluster has. */
const exampleJoin = (apiVersion: ConfigApi): string =>
  joinDocument({
    apiVersion,
    endpoint: 'apiserver.example.com:6443',
    token: 'abcdef.0123456789abcdef',
    caPins: [`sha256:${'0'.repeat(64)}`],
    nodeName: 'node.example.com',
    criSocket: '/run/containerd/containerd.sock',
    advertiseAddress: '192.0.2.1',
    bindPort: 6443,
    certificateKey: '0'.repeat(64),
    ignorePreflightErrors: [],
    etcdTimeoutSeconds: 300,
  })
