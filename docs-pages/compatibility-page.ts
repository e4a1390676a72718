import type { allChecks } from '../coordinator/src/conversion/checks/all.js'
import { scenarios } from '../test/matrix/all.js'
import { lastResults, type TrialResult } from '../test/matrix/results.js'
import type { Scenario } from '../test/matrix/scenario.js'

type CheckId = (typeof allChecks)[number]['id']

/** What no scenario tries because nobody should hope for it; with the check that refuses it, where one can see it. */
const never: readonly (readonly [what: string, why: string, check?: CheckId])[] = [
  [
    'clusters that kubeadm did not make: k3s, RKE2, k0s, MicroK8s, Talos and others',
    'Their control planes keep certificates, configuration and etcd elsewhere, and have ways to high availability of their own.',
    'not-kubeadm',
  ],
  [
    'Windows nodes, and nodes without systemd',
    'The agent is a service of systemd; Kubernetes has no Windows control planes. A Windows worker has to be pointed at the endpoint by hand.',
    'workers-forgotten',
  ],
  [
    'an endpoint inside of the cluster that it leads to',
    'After a power-cut of all nodes it would need the API to find the API.',
    'endpoint-outside-cluster',
  ],
  [
    'an IP address as the endpoint',
    'A name can move, a certificate for an address cannot: the cluster file is refused.',
  ],
  [
    'an even number of control planes',
    'Two tolerate no more than one does, four no more than three: the cluster file is refused.',
  ],
  [
    'another address for the first control plane',
    'Its etcd member and certificates are bound to it (kubeadm#2016, kubeadm#338).',
  ],
  ['stacked etcd that becomes external', 'That moves the data: another procedure than this one.'],
]

const groups = [...new Set(scenarios.map(({ group }) => group))]
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** `passed: v1.37.2, v1.30.4; not tried yet: v1.28.15`; a dash where nothing is to be tried. */
function outcome({ id, ...trials }: Scenario, where: 'simulated' | 'real', results: readonly TrialResult[]): string {
  const trial = trials[where]
  if (trial === undefined) return '-'
  const said = { passed: [] as string[], failed: [] as string[], 'not tried yet': [] as string[] }
  for (const version of trial.versions) {
    const last = results.find((one) => one.scenario === id && one.where === where && one.version === version)
    said[last === undefined ? 'not tried yet' : last.passed ? 'passed' : 'failed'].push(version)
  }
  const parts = Object.entries(said).filter(([, versions]) => versions.length > 0)
  return parts.map(([word, versions]) => `${word}: ${versions.join(', ')}`).join('; ')
}

/** Those of CI, on the first release of each. */
const isOfEveryRun = ({ scenario, version }: TrialResult): boolean =>
  scenarios.some(({ id, everyRun, simulated }) => everyRun && id === scenario && simulated?.versions[0] === version)

/** `41 trials on simulated nodes in 24 min`, by how long each took the last time. */
function together(results: readonly TrialResult[], where: 'simulated' | 'real'): string {
  const there = results.filter((one) => one.where === where)
  const minutes = there.reduce((sum, { took }) => sum + took, 0) / 60
  return `${there.length} trials on ${where} nodes in ${Math.ceil(minutes)} min`
}

/** Text of docs/compatibility.md: which kinds of clusters were tried, where, on which releases, and what came of it. */
export function compatibilityPage(results: readonly TrialResult[] = lastResults()): string {
  const row = (one: Scenario) =>
    `| <a id="${one.id}"></a>${capital(one.title)} | ${one.note} | ${outcome(one, 'simulated', results)} | ${outcome(one, 'real', results)} |`
  const table = (listed: readonly Scenario[]) =>
    `| cluster | what to know | simulated nodes | real nodes |\n|---|---|---|---|\n${listed.map(row).join('\n')}\n`
  const converted = groups.flatMap((group) => {
    const listed = scenarios.filter((one) => one.group === group && one.outcome === 'converted')
    return listed.length === 0 ? [] : [`## ${capital(group)}\n\n${table(listed)}`]
  })
  const refused = scenarios.filter(({ outcome: becomes }) => becomes === 'refused')
  const ruled = never.map(
    ([what, why, check]) =>
      `| ${capital(what)} | ${why} | ${check === undefined ? '' : `[${check}](findings.md#${check})`} |`,
  )
  return `# Compatibility

A list of trials, not a promise: which kinds of clusters were converted, on simulated or real nodes, on which release of Kubernetes, and how it ended the last
time. In each trial the cluster is converted while clients ask it 20 times a second, no request may fail, and \`quorate verify\` must agree. The list is
\`test/matrix/all.ts\`; \`npm run test:matrix\` tries all of it and writes down the results. What differs between releases is on [its own page](versions.md).

The last time: ${together(results, 'simulated')}, ${together(results, 'real')}. Of them each run of CI makes ${together(
    results.filter(isOfEveryRun),
    'simulated',
  )}, beside the textbook's cluster of two releases on real nodes (\`npm run test:real\`).

Generated from the code and the last results; do not edit.

${converted.join('\n')}
## Not supported

Refused before a byte is changed, and tried to be:

${table(refused)}
Not tried, because nobody should hope for it:

| what | why | refused by |
|---|---|---|
${ruled.join('\n')}
`
}
