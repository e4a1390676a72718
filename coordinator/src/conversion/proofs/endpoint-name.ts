import type { NodeEntry } from '../../config/cluster-file.js'
import type { Proof } from '../context/proof.js'
import type { ConversionRun } from '../context/run.js'
import { nameSource, sourceInWords } from '../endpoint/name-source.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'endpoint-name'

export const endpointName: Proof = {
  id,
  title: "Every node resolves the endpoint's name to the same address, without cluster DNS",
  foreseen: [{ asks: 'one address on every node', checks: ['endpoint-resolves'] }],
  async prove(run, signal) {
    const { host } = run.endpoint
    const answers = await Promise.all(
      run.nodes.map(async (node) => ({
        node,
        addresses: (await run.agent(node).read('resolveName', { name: host }, { signal })).addresses,
      })),
    )
    const wanted = run.loadBalancer.address() ?? sorted(answers[0]?.addresses ?? [])
    return resultOf(await Promise.all(answers.map((answer) => seenBy(run, { ...answer, wanted }))))
  },
}

const sorted = (addresses: readonly string[]): string => [...addresses].sort().join(', ')

interface Answer {
  readonly node: NodeEntry
  readonly addresses: readonly string[]
  readonly wanted: string
}

async function seenBy(run: ConversionRun, { node, addresses, wanted }: Answer): Promise<Seen> {
  const { host } = run.endpoint
  if (addresses.length === 0 || sorted(addresses) !== wanted) {
    return notProved(id, {
      node: node.name,
      message: `${host} does not resolve to ${wanted || 'any address'} here`,
      evidence: sorted(addresses) || 'no address',
      remedy: `Publish ${host} as ${wanted || 'the address of the load balancer'} in DNS, or set policy.manageHosts.`,
    })
  }
  const source = await nameSource(run, node)
  if (!source.inHosts && source.clusterDns.length > 0 && source.clusterDns.length === source.nameservers.length) {
    return notProved(id, {
      node: node.name,
      message: `${host} resolves through cluster DNS only, which needs the API server behind it`,
      evidence: `nameserver ${source.nameservers.join(', ')}`,
      remedy: 'On that node, name a DNS server outside the cluster in /etc/resolv.conf, or set policy.manageHosts.',
    })
  }
  return { what: `${host} on ${node.name}`, saw: `${sorted(addresses)} ${sourceInWords(source)}` }
}
