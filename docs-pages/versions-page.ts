import { decideEndpointPolicy } from '../coordinator/src/conversion/context/endpoint-policy.js'
import { knownReleases, type VersionRule, versionRules } from '../shared/src/version-rules.js'

const minorOf = (release: string): number => Number(release.split('.')[1])

/** `1.28` to `1.37`. */
const releases = Array.from(
  { length: minorOf(knownReleases.newest) - minorOf(knownReleases.oldest) + 1 },
  (_, index) => `1.${minorOf(knownReleases.oldest) + index}`,
)

function range({ from, until }: VersionRule): string {
  const first = from === undefined ? '' : `from ${typeof from === 'string' ? from : from.join(', ')}`
  const last = until === undefined ? '' : `up to ${until}`
  return [first, last].filter((part) => part !== '').join(' ')
}

/** Text of docs/versions.md: what depends on the release of Kubernetes, and who says so. */
export function versionsPage(): string {
  const rule = ([name, each]: [string, VersionRule]) =>
    `| <a id="${name}"></a>\`${name}\` | ${each.says} | ${range(each)} | ${each.source} |`
  const policy = (release: string) => `- ${decideEndpointPolicy(`v${release}.0`, 'auto').reason}.`
  return `# Versions

Kubernetes ${knownReleases.oldest} to ${knownReleases.newest} are known. What differs between them is one table (\`shared/src/version-rules.ts\`), asked by the name of
the rule. Where several patch releases brought something, the first of each is named, and the last holds for all that follow.

A release that is **newer** is not refused for its number: the rules of ${knownReleases.newest} are gone by, each node's kubeadm is asked in which version it takes its
configuration (\`kubeadm config validate\`, with the document of a join), and the finding [kubernetes-release](findings.md#kubernetes-release) warns of it. One that is
**older** than ${knownReleases.oldest} is refused by the same finding: nobody can ask such a kubeadm what its join will do.

Generated from the code; do not edit.

| rule | what is so | releases | source |
|---|---|---|---|
${Object.entries(versionRules).map(rule).join('\n')}

## Where the kubeconfigs of control planes point

What \`policy.controlPlaneKubeconfigs: auto\` chooses, as \`quorate plan\` says it:

${releases.map(policy).join('\n')}
`
}
