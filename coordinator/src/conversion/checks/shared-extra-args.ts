import { type ExtraArg, extraArgs } from '@quorate/shared/cluster-config-map'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { type Owners, oneNodesHosts, ownersOf } from '../facts/one-nodes-values.js'
import type { Check } from './check.js'

const id = 'shared-extra-args'

/** What a process listens on, and what it advertises. */
const own =
  /^(bind-address|address|insecure-bind-address|advertise-address|listen-.*urls|.*advertise-.*urls|initial-cluster)$/
/** Names of the whole cluster: every control plane must have the same, whatever it is called after. */
const ofCluster =
  /^(service-account-issuer|api-audiences|cluster-name|leader-elect-resource-name|oidc-client-id|cors-allowed-origins)$/
/** Servers that every API server uses, and that fail with the machine they run on. */
const asked = /^(oidc-issuer-url|service-account-jwks-uri)$/

/** As extraArgs of the ClusterConfiguration every joiner would get the first node's values (kubeadm#3175, #1468, #2289). */
export const sharedExtraArgs: Check = {
  id,
  title: 'kubeadm-config holds no values that belong to the first node only',
  async check(run) {
    const args = extraArgs((await run.clusterFacts()).kubeadmConfig?.text ?? '')
    if (args.length === 0) return []
    const owners = await ownersOf(run)
    return args.flatMap((arg) => judge(run, owners, arg))
  },
}

function judge(run: ConversionRun, owners: Owners, arg: ExtraArg): Finding[] {
  const { of, flag, value, line } = arg
  if (ofCluster.test(flag)) return []
  const [found] = oneNodesHosts(run, owners, { value, isOwn: own.test(flag) })
  if (found === undefined) return []
  const { host, owner } = found
  const evidence = `${of}.extraArgs, line ${line} of ClusterConfiguration: ${flag}: ${value}`
  const edit = `kubectl -n kube-system edit configmap kubeadm-config, then in line ${line} of ClusterConfiguration`
  if (asked.test(flag))
    return [
      {
        ...{ id, severity: 'warning', evidence },
        message: `every API server will ask ${host} for --${flag}, and ${host} is ${owner}: while that machine is down, the requests fail`,
        remedy: `${edit}: name a server there that outlives ${owner}. If this is intended, add ${id} to policy.ignoreFindings with the reason.`,
      },
    ]
  return [
    {
      ...{ id, severity: 'error', evidence },
      message: `kubeadm-config sets --${flag} for all control planes, but its value belongs to one node: ${host} is ${owner}`,
      remedy: `${edit}: delete ${flag}${own.test(flag) ? ', which kubeadm sets for each node itself, or has a default' : `, or write a value that holds on every control plane`}.`,
    },
  ]
}
