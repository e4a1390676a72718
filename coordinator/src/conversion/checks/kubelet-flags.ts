import { posix } from 'node:path'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { toJoin } from '../facts/membership.js'
import { canBeGiven, type LackingFlag, lackingFlags, mustBeAlike } from '../facts/node-registration.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'kubelet-flags'

/** A kubelet's flags are no part of kubelet-config: a join does not copy those that the operator set on the first control plane. */
export const kubeletFlags: Check = {
  id,
  title: "The joiners' kubelets get the same flags as the first control plane, or as the policy says",
  beside: 'Kubelet flags are set per node, and kubeadm copies none of them to joiners.',
  async check(run) {
    const { kubeletExtraArgs: chosen } = run.file.policy
    if (chosen === 'own') return []
    const [first, joiners] = await Promise.all([run.nodeFacts(run.first), withFacts(run, await toJoin(run))])
    const found = joiners.map(async ({ name, facts }): Promise<Finding[]> => {
      const lacking = lackingFlags(first, facts)
      const given = chosen === 'as-first' ? lacking.filter(canBeGiven) : []
      const open = lacking.filter((flag) => !given.includes(flag))
      const differing = open.length === 0 ? [] : [differs({ node: name, first: run.first.name }, open)]
      return [...differing, ...(await withoutItsPath(run, name, given))]
    })
    return (await Promise.all(found)).flat()
  },
}

/** Folders that a kubelet does not make, and without which it does not start. */
const mustBeThere: ReadonlySet<string> = new Set(['config-dir', 'image-credential-provider-bin-dir'])

/** What a flag names is on the first control plane's disk, and a kubelet that does not find it on its own does not start. */
async function withoutItsPath(run: ConversionRun, node: string, given: readonly LackingFlag[]): Promise<Finding[]> {
  const naming = given.filter(({ value }) => value.startsWith('/'))
  if (naming.length === 0) return []
  const request = { paths: [...new Set(naming.map(({ value }) => value))] }
  const [here, there] = await Promise.all(
    [run.first.name, node].map((name) => run.agent(name).read('lookAtPaths', request)),
  )
  const first = run.first.name
  return naming.flatMap(({ name, value, where }) => {
    const [kind, present] = [here?.kinds[value], there?.kinds[value]]
    if (kind === undefined || present !== undefined || !(kind === 'file' || mustBeThere.has(name))) return []
    return [
      {
        id,
        severity: 'error',
        node,
        message: `its kubelet would get --${name}=${value} and not start: that ${kind} exists on ${first} only`,
        evidence: `${first}:${where}: --${name}=${value}; on ${node} nothing lies at ${value}`,
        remedy: `On that node: mkdir -p ${posix.dirname(value)} && scp -pr root@${first}:${value} ${value} (the same owner and mode; then plan again).`,
      },
    ]
  })
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
          'In the cluster file: policy.kubeletExtraArgs: as-first sets them with nodeRegistration.kubeletExtraArgs (the plan shows it), own keeps the files of each kubelet.',
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
