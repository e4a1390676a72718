import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import { manifestOf } from '../facts/cluster-folders.js'
import { judgeLeases } from '../facts/leases.js'
import { staticPodFlag } from '../facts/static-pod-flags.js'
import type { Check } from './check.js'

const id = 'leases'
const components = ['kube-controller-manager', 'kube-scheduler'] as const

/** Gates wait until a Lease advances; and without a controller-manager no rollout ends and no token is signed. */
export const leases: Check = {
  id,
  title: 'Controller-manager and scheduler elect a leader that renews the Lease',
  beside: 'Controller-manager and scheduler may run without doing any work. Only their Leases show it.',
  async check(run) {
    const facts = await run.nodeFacts(run.first)
    const unelected = components.filter((name) => staticPodFlag(facts, name, '--leader-elect') === 'false')
    const judged = (await judgeLeases(run)).filter(({ lease }) => !unelected.some((name) => name === lease))
    return [
      ...unelected.map((name) => actAlone(name, manifestOf(facts, name))),
      ...judged.flatMap(({ lease, problem }): Finding[] =>
        problem === undefined ? [] : [stale(lease, { ...problem, running: running(facts, lease) })],
      ),
    ]
  },
}

const running = ({ staticPods }: NodeFacts, lease: string): string =>
  staticPods.some(({ component }) => component === lease) ? 'its manifest exists' : 'it has no manifest'

const actAlone = (name: string, file: string): Finding => ({
  id,
  severity: 'error',
  message: `${name} elects no leader: three instances would all act at once`,
  evidence: `${name}.yaml: --leader-elect=false`,
  remedy: `Delete leader-elect under extraArgs in kubeadm-config, and --leader-elect=false from ${file}`,
})

const stale = (
  name: string,
  { message, evidence, running: manifest }: { message: string; evidence: string; running: string },
): Finding => ({
  id,
  severity: 'error',
  message: `${message}: no step of the run starts it`,
  evidence: `${evidence}; ${manifest}`,
  remedy: `On the first control plane: crictl ps -a --name ${name}; crictl logs of the container that it shows`,
})
