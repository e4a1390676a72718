import { BlockList, isIP } from 'node:net'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../run.js'
import { withFacts } from '../with-facts.js'
import type { Check, Finding } from './check.js'

const id = 'proxies'

/** kubeadm's HTTPProxy is a warning; a kubelet that asks a proxy for the endpoint is one that reports no more. */
export const proxies: Check = {
  id,
  title: 'No kubelet or kubeadm goes to the endpoint through a proxy',
  async check(run) {
    const nodes = await withFacts(run, run.nodes)
    return nodes.flatMap(({ node, facts }) =>
      facts.proxies.flatMap(({ program, where, noProxy }): Finding[] => {
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
            message: `${program} would go to ${proxied.join(' and ')} through a proxy`,
            evidence: `${where}: HTTPS_PROXY is set; NO_PROXY=${noProxy || '(none)'}`,
            remedy: `On that node: add ${proxied.join(',')} to NO_PROXY in ${where}${restart}`,
          },
        ]
      }),
    )
  },
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
