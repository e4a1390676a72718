import { BlockList, isIP } from 'node:net'
import type { KubeconfigFacts, ProxyFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeconfigClusters } from '@quorate/shared/kubeconfig'
import { clusterTexts, type TextPlace } from '@quorate/shared/text-place'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'proxies'

/** kubeadm's HTTPProxy is a warning; a kubelet that reaches the endpoint through a proxy stops reporting. */
export const proxies: Check = {
  id,
  title: 'No kubelet or kubeadm uses a proxy to reach the endpoint',
  beside: "kubeadm's own preflight only warns of them (HTTPProxy); a kubelet behind one reports no more.",
  async check(run) {
    const nodes = await withFacts(run, run.nodes)
    const ofNodes = nodes.flatMap(({ node, facts }) => [
      ...facts.proxies.flatMap((proxy) => ofEnvironment(run, node, proxy)),
      ...facts.kubeconfigs.flatMap((file) => ofKubeconfig(node, file)),
    ])
    const { clusterInfo, kubeProxy } = await run.clusterFacts()
    return [
      ...ofNodes,
      ...ofConfigMap(clusterTexts.clusterInfo, clusterInfo?.text ?? ''),
      ...ofConfigMap(clusterTexts.kubeProxyKubeconfig, kubeProxy?.text ?? ''),
    ]
  },
}

function ofEnvironment(run: ConversionRun, node: NodeEntry, { program, where, noProxy }: ProxyFacts): Finding[] {
  const proxied = serversOf(run, node).filter((host) => !goesStraight(host, noProxy))
  if (proxied.length === 0) return []
  const restart =
    program === 'kubelet'
      ? ', then: systemctl daemon-reload && systemctl restart kubelet'
      : ', then: systemctl daemon-reexec'
  return [
    {
      id,
      severity: 'error',
      node: node.name,
      message: `${program} would connect to ${proxied.join(' and ')} through a proxy`,
      evidence: `${where}: HTTPS_PROXY is set; NO_PROXY=${noProxy || '(none)'}`,
      remedy: `On that node: add ${proxied.join(',')} to NO_PROXY in ${where}${restart}`,
    },
  ]
}

/** client-go sends everything through a kubeconfig's proxy-url, and asks no NO_PROXY then (client-go, rest/transport.go). */
function ofKubeconfig(node: NodeEntry, { path, purpose, clusters }: KubeconfigFacts): Finding[] {
  if (purpose === 'user') return []
  return clusters.flatMap(({ inUse, proxyLine }): Finding[] =>
    !inUse || proxyLine === 0
      ? []
      : [
          {
            ...{ id, severity: 'error', node: node.name },
            message: `clients that use ${path} would connect to the API server through a proxy`,
            evidence: `${path} line ${proxyLine}: proxy-url`,
            remedy: `On that node: delete proxy-url in line ${proxyLine} of ${path}${restartOf(purpose)}`,
          },
        ],
  )
}

const restartOf = (purpose: string): string => (purpose === 'kubelet' ? ', then: systemctl restart kubelet' : '.')

/** What every joiner's kubelet, and every kube-proxy, is given. */
function ofConfigMap(place: TextPlace, text: string): Finding[] {
  const { what, where = '', edit } = place
  return kubeconfigClusters(text, place).flatMap(({ proxyLine }): Finding[] =>
    proxyLine === 0
      ? []
      : [
          {
            ...{ id, severity: 'error' },
            message: `clients that use the kubeconfig of ${where} would connect to the API server through a proxy`,
            evidence: `${where}, line ${proxyLine} of ${what}: proxy-url`,
            remedy: `${edit}, then delete proxy-url in line ${proxyLine} of ${what}.`,
          },
        ],
  )
}

/** API servers that its kubelet asks: the endpoint, on a control plane its own too. */
function serversOf(run: ConversionRun, node: NodeEntry): readonly string[] {
  return run.controlPlanes.includes(node) ? [run.endpoint.host, node.address] : [run.endpoint.host]
}

/** Whether Go leaves the proxy out for a host (golang.org/x/net/http/httpproxy): names with what is below them, addresses, networks, `*`. */
export function goesStraight(host: string, noProxy: string): boolean {
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .some((entry) => matches(host.toLowerCase(), entry))
}

function matches(host: string, entry: string): boolean {
  if (entry === '*') return true
  if (isIP(host) !== 0) return entry.includes('/') ? isWithin(host, entry) : entry.replace(/^\[|\]$/g, '') === host
  const name = entry.replace(/^\*/, '').replace(/:\d+$/, '')
  return name.startsWith('.') ? host.endsWith(name) : host === name || host.endsWith(`.${name}`)
}

function isWithin(address: string, network: string): boolean {
  const [base = '', prefix = ''] = network.split('/')
  if (isIP(base) === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (isIP(base) === 4 ? 32 : 128)) return false
  const family = (text: string) => (isIP(text) === 4 ? 'ipv4' : 'ipv6')
  const list = new BlockList()
  list.addSubnet(base, Number(prefix), family(base))
  return list.check(address, family(address))
}
