import { toJoin } from '../membership.js'
import { canBeGiven, type LackingFlag, lackingFlags, mustBeAlike } from '../node-registration.js'
import { withFacts } from '../with-facts.js'
import type { Check, Finding } from './check.js'

const id = 'kubelet-flags'

/** A kubelet's flags are no part of kubelet-config: a join gives none of those that an operator gave the first control plane's. */
export const kubeletFlags: Check = {
  id,
  title: "The joiners' kubelets get the flags that the first control plane's has, or the operator chose",
  async check(run) {
    const { kubeletExtraArgs: chosen } = run.file.policy
    if (chosen === 'own') return []
    const [first, joiners] = await Promise.all([run.nodeFacts(run.first), withFacts(run, await toJoin(run))])
    return joiners.flatMap(({ name, facts }) => {
      const lacking = lackingFlags(first, facts)
      const open = chosen === 'as-first' ? lacking.filter((flag) => !canBeGiven(flag)) : lacking
      return open.length === 0 ? [] : [differs({ node: name, first: run.first.name }, open)]
    })
  },
}

function differs({ node, first }: { node: string; first: string }, lacking: readonly LackingFlag[]): Finding {
  const words = lacking.map(({ name, value }) => `--${name}=${value}`)
  const overruled = lacking.flatMap(({ name, own }) =>
    own === undefined ? [] : [`${own.where}: --${name}=${own.value}`],
  )
  const byHand = lacking.filter((flag) => flag.own === undefined && !canBeGiven(flag))
  const given = lacking.some(canBeGiven)
  const remedies = [
    ...(given
      ? [
          'In the cluster file: policy.kubeletExtraArgs: as-first gives them by nodeRegistration.kubeletExtraArgs (the plan shows it), own leaves each kubelet to its own files.',
        ]
      : []),
    ...(byHand.length === 0
      ? []
      : [
          `On that node, by hand, as on ${first}: ${byHand.map(({ where, name, value }) => `--${name}=${value} in ${where}`).join('; ')}.`,
        ]),
    ...(overruled.length === 0
      ? []
      : [
          `On that node: make ${overruled.join('; ')} the same as on ${first}, or choose policy.kubeletExtraArgs: own.`,
        ]),
  ]
  return {
    id,
    severity: lacking.some(({ name }) => mustBeAlike.has(name)) ? 'error' : 'warning',
    node,
    message: `its kubelet would differ from ${first}'s in ${words.join(' ')}`,
    evidence: [
      ...lacking.map(({ where, name, value }) => `${first}:${where}: --${name}=${value}`),
      ...overruled.map((one) => `${node}:${one}`),
    ].join('; '),
    remedy: remedies.join(' '),
  }
}
